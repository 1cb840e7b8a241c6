"""Check a copy, and make it a file that needs no other one. It takes long: never call this on the writer's thread."""

import os
from typing import Final, NamedTuple
from urllib.parse import quote

import apsw

from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.files import sync
from winlogd.store.file.marks import DATABASE_ID
from winlogd.store.pauses import Pauses

_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_NOFOLLOW
_READ_ONLY: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_NOMUTEX
_TABLES: Final = ("events_today", "events_history")


class Counts(NamedTuple):
    """The rows of a copy.

    Attributes:
        today: the rows of ``events_today``.
        history: the rows of ``events_history``.
    """

    today: int
    history: int


def check_database(path: str, pauses: Pauses | None = None) -> Counts:
    """Check a copy of the database, and sync it. Return its rows.

    Args:
        path: the copy.
        pauses: makes pauses in the check; None if it makes none.

    Raises:
        BackupFailedError: it is damaged, or has no tables of events.
        apsw.Error: SQLite's own.
        OSError: the disk fails.
    """
    connection = _opened(path, pauses)
    try:
        _require_whole(connection)
        today, history = (_count(connection, table) for table in _TABLES)
    finally:
        connection.close()
    sync(path)
    return Counts(today, history)


def check_access(path: str, pauses: Pauses | None = None) -> None:
    """Check a copy of the readers' file, and sync it. It is like `check_database`, and raises its errors."""
    connection = _opened(path, pauses)
    try:
        _require_whole(connection)
    finally:
        connection.close()
    sync(path)


def database_id(path: str) -> str | None:
    """Return the mark `DATABASE_ID` of the database of which a file is a backup; None if it has none.

    The file is only read. It may be anything.
    """
    try:
        connection = apsw.Connection(f"file:{quote(os.fsencode(path))}?immutable=1", _READ_ONLY)
        try:
            found = connection.execute("SELECT value FROM winlogd_meta WHERE key = ?", (DATABASE_ID,)).get
        finally:
            connection.close()
    except apsw.Error:
        return None
    return found if isinstance(found, str) else None


def opened_defensively(path: str) -> apsw.Connection:
    """Open a file that may come from anywhere: its schema calls no function that could do harm.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection = apsw.Connection(path, _FLAGS)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    return connection


def _opened(path: str, pauses: Pauses | None) -> apsw.Connection:
    """Open a copy, and end its WAL mode: a file with it cannot be read from a disk that cannot be written."""
    connection = opened_defensively(path)
    if pauses is not None:
        pauses.begin(connection)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # the caller syncs it at the end
        connection.execute("PRAGMA journal_mode = DELETE").get  # noqa: B018  # runs the statement to its end
    except BaseException:
        connection.close(True)
        raise
    return connection


def _require_whole(connection: apsw.Connection) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").get
    if found != "ok":
        raise BackupFailedError(f"the copy is damaged: {found}")


def _count(connection: apsw.Connection, table: str) -> int:
    try:
        return int(str(connection.execute(f"SELECT count(id) FROM {table}").get))
    except apsw.SQLError:
        raise BackupFailedError(f"it is no database of winlogd: it has no table {table}") from None
