"""Read an older server's file, and put its rows into a staging file beside the database.

The file is copied first: it may be only root's, and what its server has left in its WAL belongs to it. This file must
not know who imports the rows.
"""

import errno
import io
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import apsw

from winlogd.commands.terminal import FailedError, ProgressLine, warn
from winlogd.config.sections import Config
from winlogd.daemon.settings import least_free_bytes
from winlogd.store.errors import LowSpaceError
from winlogd.store.file.free_space import FreeSpace
from winlogd.store.imported.rows import received_us
from winlogd.store.imported.source import SQLITE_BEGINS, Read, SourceError, as_text, rows_of_csv, rows_of_sqlite
from winlogd.store.imported.staging import NewStaging, remove_left

_BESIDE: Final = ("", "-wal", "-journal")
"""The files of an SQLite database, by what is added to its path."""
_PIECE_BYTES: Final = 1 << 20
_MODE: Final = 0o600
_FAULTS_SHOWN: Final = 20
_REPORT_ROWS: Final = 1000


class SourceFiles:
    """An older server's file, and those beside it that belong to it, opened for reading.

    Args:
        path: its path.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path: Final = path
        self._files: Final[dict[str, io.BufferedReader]] = {"": _opened(path)}
        self.is_sqlite: Final = self._files[""].peek(len(SQLITE_BEGINS)).startswith(SQLITE_BEGINS)
        if self.is_sqlite:
            for suffix in _BESIDE[1:]:
                with suppress(FileNotFoundError):
                    self._files[suffix] = _opened(f"{path}{suffix}")
        self._stamps: Final = self._now()

    def is_file(self, path: str) -> bool:
        """Return True if this is the file at `path`."""
        return os.path.samestat(os.fstat(self._files[""].fileno()), os.stat(path))

    def copy(self, to: str, space: FreeSpace) -> None:
        """Copy the files.

        Raises:
            FailedError: another program writes them.
            LowSpaceError: the disk of the copy has too little space.
            OSError: a file cannot be read, or the copy cannot be written.
        """
        for suffix, file in self._files.items():
            with open(os.open(f"{to}{suffix}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as copy:
                while piece := file.read(_PIECE_BYTES):
                    space.require(time.monotonic())
                    copy.write(piece)
        if self._now() != self._stamps:
            raise FailedError(f"{self.path} is in use: stop the older server, then run the command again")

    def lines(self) -> Iterator[Read]:
        """Return the rows of a CSV."""
        return rows_of_csv(as_text(self._files[""]))

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _now(self) -> list[tuple[int, int]]:
        statuses = [os.fstat(file.fileno()) for file in self._files.values()]
        return [(status.st_size, status.st_mtime_ns) for status in statuses]


def _opened(path: str) -> io.BufferedReader:
    """Open a file for reading. A pipe or a device is none: it would be waited for without an end."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no file", path)
    return file


class Staged:
    """Rows that wait in a staging file.

    Args:
        staging: the file.
        kept_since_us: count rows that were received before this moment, in microseconds since 1970; None counts none.

    Attributes:
        too_old: how many rows were received before that moment.
        doubled: how many rows of the older server's file were left out because it has them twice.
        faulty: how many were left out because they are faulty.
    """

    def __init__(self, staging: NewStaging, kept_since_us: int | None) -> None:
        self._staging = staging
        self._kept_since_us = kept_since_us
        self.doubled = self.faulty = self.too_old = 0

    @property
    def digits(self) -> str:
        """Return the digits of the staging file."""
        return self._staging.digits

    @property
    def rows(self) -> int:
        """Return how many rows wait."""
        return self._staging.rows

    def add(self, read: Read) -> None:
        """Add a row, unless it is faulty or is there."""
        if read.row is None:
            self.faulty += 1
            if self.faulty <= _FAULTS_SHOWN:
                warn(f"{read.place} {read.fault}; it is left out")
        elif not self._staging.add(read.row):
            self.doubled += 1
        elif self._kept_since_us is not None and received_us(read.row) < self._kept_since_us:
            self.too_old += 1

    def let_go(self) -> None:
        """Leave the file to the import that reads it, which removes it; without a row, remove it."""
        if not self.rows:
            self.remove()
        self._staging.let_go()

    def remove(self) -> None:
        """Remove the file."""
        self._staging.remove()


def stage(config: Config, path: str, source: SourceFiles, kept_since_us: int | None) -> Staged:
    """Put the rows of `source` into a staging file.

    Args:
        config: says how much space must stay free.
        path: the database's real path.
        source: the older server's file.
        kept_since_us: as in `Staged`.

    Raises:
        FailedError: the file cannot be imported, or there is too little space.
        OSError: no file can be made in the database's folder.
    """
    if source.is_file(path):
        raise FailedError(f"{source.path} is the database itself: there is nothing to import")
    remove_left(path)
    staging = NewStaging(path)
    line = ProgressLine()
    try:
        return _filled(Staged(staging, kept_since_us), staging, source, FreeSpace(path, least_free_bytes(config)), line)
    except BaseException as error:
        staging.remove()
        if isinstance(error, SourceError):
            raise FailedError(f"{source.path} {error}") from None
        if isinstance(error, (LowSpaceError, apsw.Error)):
            raise FailedError(f"nothing was imported: {error}") from None
        raise
    finally:
        line.clear()


def _filled(staged: Staged, staging: NewStaging, source: SourceFiles, space: FreeSpace, line: ProgressLine) -> Staged:
    if source.is_sqlite:
        source.copy(staging.source_path, space)
        rows = rows_of_sqlite(staging.source_path)
    else:
        rows = source.lines()
    for number, read in enumerate(rows, 1):
        if read.row is None:
            line.clear()
        staged.add(read)
        if number % _REPORT_ROWS == 0:
            space.require(time.monotonic())
            line.show({"rows_read": number})
    if staged.faulty > _FAULTS_SHOWN:
        warn(f"{staged.faulty - _FAULTS_SHOWN} more rows are faulty and left out")
    staging.finish()
    for suffix in (*_BESIDE, "-shm"):
        with suppress(FileNotFoundError):
            os.unlink(f"{staging.source_path}{suffix}")
    return staged
