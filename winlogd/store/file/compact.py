"""Rewrites a database without gaps (VACUUM), so that nothing that was deleted is left between its rows.

The new file can give pages back, also if the old one could not. This file must not know who owns the database.
"""

import os
from collections.abc import Callable
from typing import Final, NamedTuple

import apsw

from winlogd.store.file.database import Database
from winlogd.store.file.faults import LOCKS
from winlogd.store.file.settings import Settings

_INSTRUCTIONS_A_CALL: Final = 1_000_000
"""SQLite calls `report` after this many instructions of its virtual machine: some ten times a second."""
_TIMES: Final = 2
"""SQLite writes all pages to a temporary file, and then to the WAL or the journal (lang_vacuum.html)."""


class Compacted(NamedTuple):
    """What a rewrite has done.

    Attributes:
        before_bytes: the size of the file before.
        after_bytes: its size now.
        is_in_wal: True if the new content is still in the WAL, because another program reads the old one. The next
            checkpoint after that moves it into the file.
    """

    before_bytes: int
    after_bytes: int
    is_in_wal: bool


def needed_bytes(path: str) -> int:
    """Return how much free space a rewrite needs at most.

    Raises:
        OSError: the file cannot be looked at.
    """
    return _TIMES * os.stat(path).st_size


def compact(settings: Settings, on_busy: Callable[[int], bool], report: Callable[[], None]) -> Compacted:
    """Rewrite a database that the caller owns.

    Whatever ends it, the file is as before or as afterwards (SQLite's atomic commit). The temporary file lies in the
    database's folder, and has no name.

    Args:
        settings: the database.
        on_busy: as in `Database`.
        report: called now and then.

    Raises:
        UnusableError: see `Database`.
        apsw.Error: SQLite's own.
    """
    before_bytes = os.stat(settings.path).st_size
    os.environ["SQLITE_TMPDIR"] = os.path.dirname(settings.path)  # SQLite asks at its first temporary file
    database = Database(settings, on_busy)
    try:
        connection = database.connection

        def goes_on() -> bool:
            report()
            return False

        connection.set_progress_handler(goes_on, _INSTRUCTIONS_A_CALL)
        connection.execute("PRAGMA temp_store = FILE")  # in memory it would take as much as the file has
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.set_progress_handler(None)
        is_in_wal = database.has_wal and not _checkpoint(connection)
    finally:
        database.close()
    return Compacted(before_bytes, os.stat(settings.path).st_size, is_in_wal)


def _checkpoint(connection: apsw.Connection) -> bool:
    """Move the WAL into the file. Return False if another program that reads keeps it there."""
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except LOCKS:
        return False
    return True
