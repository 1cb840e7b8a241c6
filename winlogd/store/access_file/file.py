"""The open file `winlog.access`: makes it, checks it, runs work in transactions.

Everything here runs on one thread, or in a command that owns the database. This file must not know what a reader is.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import apsw

from winlogd.store.access_file.errors import AccessFileBusyError, AccessFileError, OrderRefusedError
from winlogd.store.access_file.tables import APPLICATION_ID, TABLES, VERSION
from winlogd.store.file.database import identify

Work = Callable[[apsw.Connection], Any]
"""Reads or writes in a transaction. It raises `OrderRefusedError` if it has changed nothing."""

_MODE: Final = 0o600
_BUSY_MS: Final = 2_000
_CACHE_KIB: Final = 512
_JOURNAL_LIMIT_BYTES: Final = 1 << 20
_FRESH: Final = ".new"
"""The end of the name that the file has while it is made."""
_MADE_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_NOFOLLOW
"""NOFOLLOW: somebody could put a symbolic link in the place of the file. The path itself has none."""


class AccessFile:
    """The file, opened. A missing one is made.

    Args:
        path: as `tables.access_path` returns it.

    Raises:
        AccessFileError: the file cannot be made or opened, is damaged, or is another program's.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            _make(path)
            self._connection = apsw.Connection(path, _FLAGS)
        except OSError as error:
            raise AccessFileError(f"{path} cannot be made: {error.strerror}") from None
        except apsw.Error as error:
            raise AccessFileError(f"{path} cannot be opened: {error}") from None
        try:
            self._identity = identify(path)
            self._prepare()
        except apsw.Error as error:
            self.close()
            raise self._fault(error) from None
        except BaseException:
            self.close()
            raise

    def run(self, works: Sequence[Work]) -> list[Any]:
        """Run some work in one transaction. Return the results, or `OrderRefusedError` in the place of a result.

        Raises:
            AccessFileError: nothing is stored. Close the file.
        """
        try:
            self._connection.execute("BEGIN")
            outcomes = [self._outcome(work) for work in works]
            if identify(self._path) != self._identity:
                raise AccessFileError(f"{self._path} was replaced or deleted while it was in use")
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            raise self._fault(error) from None
        return outcomes

    def compact(self) -> None:
        """Rewrite the file without gaps, so that nothing that was deleted is left between its rows.

        Raises:
            AccessFileError: the file is as before.
        """
        try:
            self._connection.execute("VACUUM")
        except apsw.Error as error:
            raise self._fault(error) from None

    def close(self) -> None:
        """Close the file. Ignore errors: what was committed is on the disk."""
        with suppress(apsw.Error):
            self._connection.close(True)

    def _outcome(self, work: Work) -> object:
        try:
            return work(self._connection)
        except OrderRefusedError as refused:
            return refused

    def _prepare(self) -> None:
        connection = self._connection
        if connection.readonly("main"):
            raise AccessFileError(f"{self._path} can only be read: check owner, mode and mount options")
        connection.set_busy_timeout(_BUSY_MS)
        # No other process needs the file. The lock is kept until the file is closed, and there is no shared memory.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._check_kind()  # before anything is changed: journal_mode is kept in the file
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
        found = connection.execute("PRAGMA quick_check(1)").get
        if found != "ok":
            raise AccessFileError(f"{self._path} is damaged ({found})")

    def _check_kind(self) -> None:
        """Check that the file is one of winlogd.

        Raises:
            AccessFileError: it is empty, of another program, or of a newer winlogd.
        """
        if os.stat(self._path).st_size == 0:  # it is made with its tables
            raise AccessFileError(f"{self._path} is damaged (it is empty)")
        connection = self._connection
        application_id = connection.execute("PRAGMA application_id").get
        if application_id != APPLICATION_ID:
            raise AccessFileError(f"{self._path} is a file of another program")
        if int(str(connection.execute("PRAGMA user_version").get)) > VERSION:
            raise AccessFileError(f"{self._path} is of a newer winlogd")

    def _fault(self, error: apsw.Error) -> AccessFileError:
        if isinstance(error, (apsw.NotADBError, apsw.CorruptError)):
            return AccessFileError(f"{self._path} is damaged ({error})")
        if isinstance(error, (apsw.BusyError, apsw.LockedError)):
            return AccessFileBusyError(f"{self._path} is in use by another program")
        return AccessFileError(f"{self._path} cannot be used: {error}")


def is_missing(path: str) -> bool:
    """Return True if there is nothing at a path."""
    return not os.path.lexists(path)


def _make(path: str) -> None:
    """Make the file if it is missing. Remove other users' permissions from an existing one.

    It is made with its tables under another name, and then gets its own. So an empty file is always a damaged one.

    Raises:
        OSError: that fails.
        apsw.Error: SQLite's own.
        AccessFileError: the path leads to something else than a file.
    """
    if is_missing(path):
        with _alone_in_the_folder_of(path):
            if is_missing(path):  # a server and a command may want to make it at once
                _make_whole(path)
    mode = os.lstat(path).st_mode
    if not stat.S_ISREG(mode):
        raise AccessFileError(f"{path} is no file")
    if stat.S_IMODE(mode) & ~_MODE:
        os.chmod(path, _MODE)


def _make_whole(path: str) -> None:
    fresh = f"{path}{_FRESH}"
    _remove(fresh, f"{fresh}-journal", f"{path}-wal", f"{path}-journal")  # those of a file that is gone
    os.close(os.open(fresh, _MADE_FLAGS, _MODE))
    _fill(fresh)
    with suppress(FileExistsError):  # another program has put it there meanwhile
        os.link(fresh, path)
    _remove(fresh)
    _sync_folder_of(path)


@contextmanager
def _alone_in_the_folder_of(path: str) -> Iterator[None]:
    """Keep other winlogd processes from making the file. Without that, one removed the WAL that another had in use."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _fill(path: str) -> None:
    """Make the tables in an empty file, and write it to the disk."""
    connection = apsw.Connection(path, _FLAGS)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close(True)


def _remove(*paths: str) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path)


def _sync_folder_of(path: str) -> None:
    """Write the names in a folder to the disk."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
