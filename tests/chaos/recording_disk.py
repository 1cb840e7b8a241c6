"""A disk that writes down what SQLite asks of it: an APSW VFS over the system's own.

Knows SQLite's files and calls (vfs.html), and nothing of what they mean. The wal-index (``-shm``) is not recorded: it
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
    """A file is made; its name is on the disk when the folder is synced."""

    name: str


class Delete(NamedTuple):
    """A file is deleted; it comes back when the power goes before the folder is synced."""

    name: str
    syncs_folder: bool


class Write(NamedTuple):
    """Bytes are written, and need not be on the disk yet."""

    name: str
    offset: int
    data: bytes


class Truncate(NamedTuple):
    """A file becomes shorter, perhaps not yet on the disk."""

    name: str
    size: int


class Sync(NamedTuple):
    """All that was written to a file is on the disk."""

    name: str
    syncs_folder: bool
    """SQLite syncs the folder too, the first time it syncs a journal or WAL that it has opened (os_unix.c)."""


class FailedSync(NamedTuple):
    """A sync fails, and what was to be synced is not on the disk; nor will it be by the next one, for which Linux
    takes it as written (fsync(2), "EIO")."""

    name: str


class Note(NamedTuple):
    """No call of SQLite's: something that happened in between, such as an answer to a client."""

    value: object


Operation = Create | Delete | Write | Truncate | Sync | FailedSync | Note


class Record:
    """What was asked of the files in one folder, in order."""

    def __init__(self, folder: Path, failing_syncs: range) -> None:
        self.operations: list[Operation] = []
        self._failing_syncs = failing_syncs
        self._syncs = 0
        self._folder = str(folder)

    def sync(self, name: str, syncs_folder: bool) -> None:
        """Only written down: the record decides what is left of a file, and the system's own fsync takes time.

        Raises:
            apsw.IOError: this is one of those that fail.
        """
        self._syncs += 1
        if self._syncs in self._failing_syncs:
            self.operations.append(FailedSync(name))
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        self.operations.append(Sync(name, syncs_folder))

    def name_of(self, path: str | None) -> str | None:
        """The file's name when it is one of the folder's."""
        if path is None or os.path.dirname(path) != self._folder:
            return None
        return os.path.basename(path)


@contextmanager
def recording(folder: Path, failing_syncs: range = NONE) -> Iterator[Record]:
    """Records all that this process's connections do in `folder`; they have to be opened and closed in here.

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
