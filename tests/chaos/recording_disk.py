"""A disk that records SQLite's operations: an APSW VFS on top of the system's own.

Knows SQLite's files and calls (vfs.html), not their meaning. The wal-index (``-shm``) is not recorded: it
is never read after a power cut (walformat.html).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import apsw

_JOURNALS: Final = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL
_SYSTEMS_OWN: Final = "unix"
NONE: Final = range(0)


class Create(NamedTuple):
    """A file is created. Its name is on the disk when the folder is synced."""

    name: str


class Delete(NamedTuple):
    """A file is deleted. It comes back if the power is cut before the folder is synced."""

    name: str
    syncs_folder: bool


class Write(NamedTuple):
    """Octets are written, perhaps not yet to the disk."""

    name: str
    offset: int
    data: bytes


class Truncate(NamedTuple):
    """A file becomes shorter, perhaps not yet on the disk."""

    name: str
    size: int


class Sync(NamedTuple):
    """All octets that were written to a file are on the disk."""

    name: str
    syncs_folder: bool
    """SQLite syncs the folder too, the first time it syncs a journal or WAL that it has opened (os_unix.c)."""


class FailedSync(NamedTuple):
    """A sync fails, and its octets are not on the disk. The next sync does not write them either.

    Linux regards them as written (fsync(2), "EIO")."""

    name: str


class Note(NamedTuple):
    """Not a call of SQLite: an event between calls, such as an answer to a client."""

    value: object


Operation = Create | Delete | Write | Truncate | Sync | FailedSync | Note


class Record:
    """The operations on the files in one folder, in order."""

    def __init__(self, folder: Path, failing_syncs: range) -> None:
        self.operations: list[Operation] = []
        self._failing_syncs = failing_syncs
        self._syncs = 0
        self._folder = str(folder)

    def sync(self, name: str, syncs_folder: bool) -> None:
        """Record the sync, and do no other: the record alone decides what is left of a file, and fsync takes time.

        Raises:
            apsw.IOError: this is one of the syncs that fail.
        """
        self._syncs += 1
        if self._syncs in self._failing_syncs:
            self.operations.append(FailedSync(name))
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        self.operations.append(Sync(name, syncs_folder))

    def name_of(self, path: str | None) -> str | None:
        """Return the file's name if the file is in the folder."""
        if path is None or os.path.dirname(path) != self._folder:
            return None
        return os.path.basename(path)


@contextmanager
def recording(folder: Path, failing_syncs: range = NONE) -> Iterator[Record]:
    """Record all operations of this process's connections in `folder`. Open and close the connections in this block.

    Args:
        folder: an absolute path.
        failing_syncs: which of the syncs fail, counted from 1.
    """
    record = Record(folder, failing_syncs)
    disk = _RecordingDisk(record)
    try:
        yield record
    finally:
        disk.unregister()


class _RecordingDisk(apsw.VFS):
    def __init__(self, record: Record) -> None:
        super().__init__("recording", _SYSTEMS_OWN, makedefault=True)
        self._record = record

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        recorded = self._record.name_of(path)
        if recorded is None:
            return apsw.VFSFile(_SYSTEMS_OWN, name, flags)
        if not os.path.exists(str(path)):
            self._record.operations.append(Create(recorded))
        return _RecordedFile(self._record, recorded, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        if (name := self._record.name_of(filename)) is not None:
            self._record.operations.append(Delete(name, syncdir))


class _RecordedFile(apsw.VFSFile):
    def __init__(self, record: Record, recorded: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._record = record
        self._name = recorded
        self._folder_waits = bool(flags[0] & _JOURNALS)
        super().__init__(_SYSTEMS_OWN, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._record.operations.append(Write(self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._record.operations.append(Truncate(self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._record.sync(self._name, self._folder_waits)
        self._folder_waits = False
