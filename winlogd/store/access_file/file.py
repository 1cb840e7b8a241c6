"""The open file `winlog.access`: makes it, checks it, runs work in transactions.

Everything here runs on one thread, or in a command that owns the database. This file must not know what a reader is.
"""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import apsw

from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.access_file.tables import APPLICATION_ID, COOKIE_SECRET, SECRET_BYTES, TABLES, VERSION
from winlogd.store.file.database import identify

Work = Callable[[apsw.Connection], Any]
"""Reads or writes in a transaction. It raises `OrderRefusedError` if it has changed nothing."""

_MODE: Final = 0o600
_BUSY_MS: Final = 2_000
_CACHE_KIB: Final = 512
_JOURNAL_LIMIT_BYTES: Final = 1 << 20
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
        is_new = self._is_new()  # before anything is changed: journal_mode is kept in the file
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
        if is_new:
            self._fill()
        found = connection.execute("PRAGMA quick_check(1)").get
        if found != "ok":
            raise AccessFileError(f"{self._path} is damaged ({found})")

    def _is_new(self) -> bool:
        """Return True if the file has no tables yet.

        Raises:
            AccessFileError: it has the tables of another program, or of a newer winlogd.
        """
        connection = self._connection
        application_id = connection.execute("PRAGMA application_id").get
        if application_id == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").get == 0:
            return True
        if application_id != APPLICATION_ID:
            raise AccessFileError(f"{self._path} is a file of another program")
        if int(str(connection.execute("PRAGMA user_version").get)) > VERSION:
            raise AccessFileError(f"{self._path} is of a newer winlogd")
        return False

    def _fill(self) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(TABLES)
        connection.execute("INSERT INTO secrets VALUES (?, ?)", (COOKIE_SECRET, os.urandom(SECRET_BYTES)))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")

    def _fault(self, error: apsw.Error) -> AccessFileError:
        if isinstance(error, (apsw.NotADBError, apsw.CorruptError)):
            return AccessFileError(f"{self._path} is damaged ({error})")
        if isinstance(error, (apsw.BusyError, apsw.LockedError)):
            return AccessFileError(f"{self._path} is in use by another program")
        return AccessFileError(f"{self._path} cannot be used: {error}")


def is_missing(path: str) -> bool:
    """Return True if there is nothing at a path."""
    return not os.path.lexists(path)


def _make(path: str) -> None:
    """Make the empty file if it is missing. Remove other users' permissions from an existing one.

    Raises:
        OSError: that fails.
        AccessFileError: the path leads to something else than a file.
    """
    try:
        os.close(os.open(path, _MADE_FLAGS, _MODE))
    except FileExistsError:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            raise AccessFileError(f"{path} is no file") from None
        if stat.S_IMODE(mode) & ~_MODE:
            os.chmod(path, _MODE)
