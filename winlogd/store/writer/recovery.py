"""The writer's open database and its Book: opens them, and opens them again after a fault.

Decides which faults the writer waits for, and after which it opens the file again. This file must not know batches or
jobs. Everything here runs on the writer's thread.
"""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import apsw

from winlogd.sessions.book import Book
from winlogd.store import load_book
from winlogd.store.errors import StoppedError, UnusableError
from winlogd.store.file.database import Database
from winlogd.store.file.faults import LOCKS, REOPEN_AFTER, WAIT_FOR, damaged
from winlogd.store.file.free_space import FreeSpace
from winlogd.store.file.marks import FORGETTING_IS_DUE, FORGOTTEN, NO_MARK, PAST_IS_DUE, read_marks
from winlogd.store.file.settings import Settings
from winlogd.store.past.progress import is_due
from winlogd.store.recheck import Recheck
from winlogd.store.writer.patience import Patience

if TYPE_CHECKING:  # types only
    from winlogd.store.writer.listener import Listener

T = TypeVar("T")


class OpenDatabase:
    """An open database and its Book.

    Args:
        settings: the database.
        on_busy: called while another connection holds the lock (`Database`).
        patience: waits until a fault of the environment has passed.
        listener: notified when the database is open, and when the Book is loaded.

    Attributes:
        database: the connection; another one after a disk error.
        book: the committed state of that very connection.
        recheck: checks the rows of the Book after another program has committed.
        space: the free space of the database's disk.
    """

    __slots__ = ("_listener", "_on_busy", "_patience", "_settings", "book", "database", "recheck", "space")

    def __init__(
        self, settings: Settings, on_busy: Callable[[int], bool], patience: Patience, listener: "Listener"
    ) -> None:
        self._settings = settings
        self._on_busy = on_busy
        self._patience = patience
        self._listener = listener
        self.space = FreeSpace(settings.path, settings.min_free_bytes)
        self.database: Database
        self.book: Book
        self.recheck: Recheck

    def open(self) -> None:
        """Open the database for the first time: wait for a lock and a full disk.

        Raises:
            UnusableError: any other fault of the file or its disk. The start ends.
            StoppedError: a stop was requested meanwhile.
        """
        self.database = self._patiently(self._opened)
        try:
            marks = self._patiently(self._marks)
            self._listener.opened(self.database.upgraded, marks)
            self._patiently(self._load)
        except StoppedError:
            self.database.close()
            raise

    def require_space(self) -> None:
        """Check the free space of the database's disk.

        Raises:
            LowSpaceError: less space is free than `limits.min_free_disk`.
        """
        self.space.require(time.monotonic())

    def begin(self) -> None:
        """Begin a write transaction, and add the rows to the Book that other programs have committed.

        Raises:
            apsw.Error: SQLite's own.
        """
        load_book.begin(self.database, self.book, self.recheck)

    def recover(self, error: Exception) -> None:
        """Roll back after a fault of the environment. After a disk error, open the file again.

        Raises:
            StoppedError: a stop was requested while the file was opened.
            ReplacedError: the path leads to another file.
            UnusableError: the file is damaged.
        """
        if isinstance(error, REOPEN_AFTER) or not self.database.try_rollback():
            self._reopen()

    def load_again(self) -> None:
        """Load a new Book from the committed rows: the old one may be wrong.

        Raises:
            UnusableError: the database is damaged, or its disk fails.
            StoppedError: a stop was requested meanwhile.
        """
        self._patiently(self._load)

    def _opened(self) -> Database:
        return Database(self._settings, self._on_busy, self._patience.may_stop)

    def _marks(self) -> dict[str, str]:
        """Return the marks of the database, `PAST_IS_DUE` and `FORGETTING_IS_DUE`."""
        marks = read_marks(self.database.connection)
        if is_due(self.database.connection):
            marks[PAST_IS_DUE] = "1"
        if self._is_forgetting_due(marks.get(FORGOTTEN, NO_MARK)):
            marks[FORGETTING_IS_DUE] = "1"
        return marks

    def _is_forgetting_due(self, mark: str) -> bool:
        """Return True if there is a readers' file with tombstones that the database may lack."""
        path = self._settings.path
        if not any(os.path.lexists(f"{name}.access") for name in (path, os.path.splitext(path)[0])):
            return False  # nothing is loaded for it
        from winlogd.store.access_file.due import is_forgetting_due

        return is_forgetting_due(path, mark)

    def _patiently(self, do: Callable[[], T]) -> T:
        """Return `do()`, repeated for as long as a lock or a full disk keeps it from success."""
        while True:
            try:
                return do()
            except apsw.InterruptError:
                raise StoppedError from None
            except (*LOCKS, apsw.FullError) as error:
                self._patience.wait_to_open(error)
            except WAIT_FOR as error:
                raise UnusableError(f"{self._settings.path} cannot be opened ({error})") from None
            except (apsw.NotADBError, apsw.CorruptError) as error:
                raise UnusableError(damaged(self._settings.path, error)) from None

    def _reopen(self) -> None:
        """Open the same file again after a disk error, and repeat that until it succeeds.

        With a WAL, close the old connection last. When the last connection closes, the wal-index is lost, and only the
        wal-index shows that a batch in the WAL was never synced. The next connection would take this batch for
        committed (walformat.html, "Recovery"). Its events, stored again, would then count as retries.
        """
        old = self.database
        if old.in_transaction or not old.has_wal:
            old.abandon()
        while True:
            old.check_identity()
            try:
                self.database = self._opened()
                self._load()
                break
            except apsw.InterruptError:
                raise StoppedError from None
            except WAIT_FOR as error:
                if self.database is not old:
                    self.database.abandon()
                self._patience.wait_to_open(error)
        old.abandon()

    def _load(self) -> None:
        try:
            self.book = load_book.load_whole(self.database.connection)
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise UnusableError(damaged(self._settings.path, error)) from None
        self.database.note_loaded()
        self.recheck = Recheck(self.database.connection, self.book)
        self._listener.loaded(self.book)
