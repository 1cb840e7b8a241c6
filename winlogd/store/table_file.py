"""Writes rows into an SQLite file that has no name, for a copy to wherever a person wants it.

The file is in the database's folder until its name is removed, which is at once: a process that is killed leaves
nothing. This file must not know what the rows mean.
"""

import os
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

import apsw

from winlogd.store.file.free_space import FreeSpace

_MODE: Final = 0o600
_PIECE_BYTES: Final = 1 << 20
_CACHE_KIB: Final = 8192

Value = str | int | float | None


class TableFile:
    """A table in a file of its own.

    Args:
        database: the real path of the database, beside which there is space.
        least_free_bytes: the space that must stay free on this disk.
        table: the table's name.
        columns: the names of its columns.

    Raises:
        OSError: no file can be made there.
        apsw.Error: SQLite's own.
    """

    def __init__(self, database: str, least_free_bytes: int, table: str, columns: Sequence[str]) -> None:
        path = os.path.join(os.path.dirname(database), f"winlogd-export-{secrets.token_hex(8)}")
        self._space: Final = FreeSpace(database, least_free_bytes)
        self._descriptor: Final = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            self._connection: Final = apsw.Connection(path, apsw.SQLITE_OPEN_READWRITE)
        except BaseException:
            os.close(self._descriptor)
            raise
        finally:
            os.unlink(path)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        self._connection.execute("BEGIN")
        self._insert: Final = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"

    def add(self, rows: Sequence[Sequence[Value]]) -> None:
        """Add rows.

        Raises:
            LowSpaceError: too little space is free.
            apsw.Error: SQLite's own.
        """
        self._space.require(time.monotonic())
        self._connection.executemany(self._insert, rows)

    def copy(self, write: Callable[[bytes], None]) -> None:
        """Write the whole file, in pieces. Add no row afterwards.

        Raises:
            OSError: the file cannot be read.
            apsw.Error: SQLite's own.
        """
        self._connection.execute("COMMIT")
        self._connection.close()
        at = 0
        while piece := os.pread(self._descriptor, _PIECE_BYTES, at):
            write(piece)
            at += len(piece)

    def close(self) -> None:
        """Close the file, which is gone then."""
        self._connection.close(True)
        os.close(self._descriptor)
