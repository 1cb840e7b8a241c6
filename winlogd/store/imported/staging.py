"""The staging file: checked rows of an older server's file, in an SQLite file beside the database.

``winlogd import`` makes it, and the job that imports the rows reads it and removes it. Its name is a fixed prefix and
sixteen random digits. So an order names digits and no path. The command locks the file while it needs it (flock). A
file that nobody locks is of a command that was killed. The next command locks it and removes it.
"""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, cast
from urllib.parse import quote

import apsw

from winlogd.store.imported.rows import COLUMNS, Row, compared, key_of

_PREFIX: Final = "winlogd-import-"
_DIGITS: Final = re.compile("[0-9a-f]{16}")
_NAME: Final = re.compile(f"{_PREFIX}([0-9a-f]{{16}})(?:\\.source)?(?:-wal|-journal|-shm)?")
_MODE: Final = 0o600
_CREATED: Final = f"""
CREATE TABLE rows (number INTEGER PRIMARY KEY, key INTEGER NOT NULL, {", ".join(COLUMNS)});
CREATE INDEX rows_key ON rows (key);
"""
_ADD: Final = f"INSERT INTO rows (number, key, {', '.join(COLUMNS)}) VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
_WITH_KEY: Final = f"SELECT number, {', '.join(COLUMNS)} FROM rows WHERE key = ?"
_AFTER: Final = f"SELECT number, {', '.join(COLUMNS)} FROM rows WHERE number > ? ORDER BY number LIMIT ?"
_COUNT: Final = "SELECT ifnull(max(number), 0) FROM rows"
_CACHE_KIB: Final = 8192


class StagingError(Exception):
    """A staging file is not there, or is none. The text says why."""


def make_harmless(connection: apsw.Connection) -> None:
    """Let nothing in a file of others run: its schema is not trusted, and no statement changes it.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def staging_path(database: str, digits: object) -> str:
    """Return the path of the staging file with some digits, which is a file of this user.

    Args:
        database: the database's real path.
        digits: what an order holds.

    Raises:
        StagingError: the digits are none, or there is no such file.
    """
    if not isinstance(digits, str) or _DIGITS.fullmatch(digits) is None:
        raise StagingError("an import is ordered by the 16 digits of its staging file")
    path = _path(database, digits)
    try:
        status = os.lstat(path)
    except OSError as error:
        raise StagingError(f"the staging file cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise StagingError("the staging file is no file of the user that winlogd runs as")
    return path


class NewStaging:
    """A staging file that is being filled.

    Args:
        database: the database's real path.

    Attributes:
        digits: its digits.
        path: its path.
        rows: how many rows it has.

    Raises:
        OSError: the file cannot be made.
        apsw.Error: SQLite's own.
    """

    def __init__(self, database: str) -> None:
        digits, self._descriptor = _made(database)
        self.digits: Final = digits
        self.path: Final = _path(database, digits)
        self.rows = 0
        try:
            self._connection: Final = apsw.Connection(self.path, apsw.SQLITE_OPEN_READWRITE)
            self._connection.execute("PRAGMA journal_mode = OFF")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._connection.execute(_CREATED)
            self._connection.execute("BEGIN")
        except BaseException:
            self.remove()
            raise

    @property
    def source_path(self) -> str:
        """Return the path for a copy of the older server's file."""
        return f"{self.path}.source"

    def add(self, row: Row) -> bool:
        """Add a row. Return False if it is already there.

        Raises:
            apsw.Error: SQLite's own.
        """
        key, wanted = key_of(*row[:3]), compared(row)
        if any(compared(other) == wanted for _, other in _found(self._connection, _WITH_KEY, (key,))):
            return False
        self.rows += 1
        self._connection.execute(_ADD, (self.rows, key, *row))
        return True

    def finish(self) -> None:
        """Write everything into the file, and close it. The lock stays.

        Raises:
            apsw.Error: SQLite's own.
        """
        self._connection.execute("COMMIT")
        self._connection.close()

    def remove(self) -> None:
        """Remove the file, its lock, and the copy of the source."""
        for suffix in ("", ".source", ".source-wal", ".source-journal", ".source-shm"):
            with suppress(OSError):
                os.unlink(f"{self.path}{suffix}")
        self.let_go()

    def let_go(self) -> None:
        """End the lock: the server has the file now, or nobody needs it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Staging:
    """A staging file that is read.

    Args:
        path: its path.

    Attributes:
        rows: how many rows it has. They are numbered from 1 on.

    Raises:
        apsw.Error: SQLite's own.
    """

    def __init__(self, path: str) -> None:
        self.path: Final = path
        uri = f"file:{quote(os.fsencode(path))}?immutable=1"
        self._connection: Final = apsw.Connection(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        make_harmless(self._connection)
        self.rows: Final = int(str(self._connection.execute(_COUNT).get))

    def with_key(self, key: int) -> list[tuple[int, Row]]:
        """Return the rows that have a key (`rows.key_of`), with their numbers."""
        return list(_found(self._connection, _WITH_KEY, (key,)))

    def after(self, number: int, most: int) -> list[tuple[int, Row]]:
        """Return the rows after one, with their numbers."""
        return list(_found(self._connection, _AFTER, (number, most)))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def left_behind(database: str) -> list[str]:
    """Return the paths of the staging files of commands that were killed, and of those beside them.

    Raises:
        OSError: the folder cannot be read.
    """
    left = []
    for digits, paths in _all_files(database).items():
        with _held(_path(database, digits)) as is_unused:
            left += paths if is_unused else []
    return left


def remove_left(database: str) -> None:
    """Remove the staging files of commands that were killed.

    Raises:
        OSError: the folder cannot be read.
    """
    for digits, paths in _all_files(database).items():
        with _held(_path(database, digits)) as is_unused:
            for path in paths if is_unused else ():
                with suppress(FileNotFoundError):
                    os.unlink(path)


def _all_files(database: str) -> dict[str, list[str]]:
    """Return the paths of all staging files and of those beside them, by their digits."""
    folder = os.path.dirname(database)
    found: dict[str, list[str]] = {}
    for name in os.listdir(folder):
        if match := _NAME.fullmatch(name):
            found.setdefault(match[1], []).append(os.path.join(folder, name))
    return found


def _made(database: str) -> tuple[str, int]:
    """Return the digits of a new file, and the descriptor that locks it.

    Another command may remove the file before it is locked: then it is made again.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        digits = secrets.token_hex(8)
        path = _path(database, digits)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return digits, descriptor
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(path)
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def _held(path: str) -> Iterator[bool]:
    """Hold the lock of a staging file for the block. The value is False if a command holds it, or nobody may."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        yield isinstance(error, FileNotFoundError)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _path(database: str, digits: str) -> str:
    return os.path.join(os.path.dirname(database), f"{_PREFIX}{digits}")


def _found(connection: apsw.Connection, sql: str, values: tuple[int, ...]) -> Iterator[tuple[int, Row]]:
    for number, *columns in connection.execute(sql, values):
        yield cast("int", number), cast("Row", tuple(columns))
