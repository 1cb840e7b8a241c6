"""The writer's connection to the database file: opens it, waits for it, checks that it is still the same file.

This file must not know events. Everything here runs on one thread, the one that writes.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import apsw

from winlogd.store.errors import ReplacedError, SchemaError, UnusableError
from winlogd.store.file import schema
from winlogd.store.file.faults import unreadable
from winlogd.store.file.foreign import check_file
from winlogd.store.file.rescue import save_from
from winlogd.store.file.settings import Settings

_JOURNAL_LIMIT_BYTES: Final = 16 << 20
"""SQLite cuts a larger WAL or journal to this size when it reuses it (pragma.html#pragma_journal_size_limit)."""
_MODE: Final = 0o640
"""The widest permissions of a new database."""
_STATEMENTS_KEPT: Final = 32
"""Prepared statements that a connection keeps for the next use."""
_INSTRUCTIONS_A_CALL: Final = 50_000
"""SQLite calls `gives_up` after this many instructions of its virtual machine: some 600 open sessions, 6 ms."""
_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
"""One thread uses the connection: it needs no lock (threadsafe.html)."""
_LOOKASIDE: Final = (400, 300)
"""Size in bytes, and number, of the blocks of memory that a connection keeps ready (malloc.html §3.3). They hold the
values of a statement of some 48 rows. That saves 0.2 µs a row against malloc."""


def configure_sqlite() -> None:
    """Set SQLite's settings for the whole process. Call this once, while no connection is open.

    SQLite then does not count the memory it uses. The count needs a lock at every allocation (malloc.html §3.1), which
    costs 0.25 µs a row.
    """
    apsw.shutdown()
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
    apsw.config(apsw.SQLITE_CONFIG_LOOKASIDE, *_LOOKASIDE)
    apsw.initialize()


class Database:
    """An open database whose schema is winlogd's.

    Args:
        settings: where the database is, and how SQLite treats it.
        on_busy: called while another connection holds the lock, with the number of earlier calls. It sleeps a little
            and returns True to go on waiting.
        gives_up: called many times a second until `note_loaded`; returns True to give up. None never gives up.

    Attributes:
        connection: the open connection.
        upgraded: the file was a database of an older server, and is now winlogd's.

    Raises:
        apsw.InterruptError: `gives_up` has returned True.
        UnusableError: the file is not a database, is damaged, is of a newer winlogd or of another program, or cannot
            have the journal mode.
        apsw.Error: a fault that may pass (`WAIT_FOR`).
    """

    def __init__(
        self, settings: Settings, on_busy: Callable[[int], bool], gives_up: Callable[[], bool] | None = None
    ) -> None:
        self._settings = settings
        try:
            check_file(settings.path)
            is_new = not os.path.lexists(settings.path)
            self.connection: Final = apsw.Connection(settings.path, _FLAGS, statementcachesize=_STATEMENTS_KEPT)
            self.connection.set_progress_handler(gives_up, _INSTRUCTIONS_A_CALL)
            if is_new:
                _narrow(settings.path)
            self._identity = identify(settings.path)
            self._wal_path: Final = f"{settings.path}-wal"
            self._shm_path: Final = f"{settings.path}-shm"
            self._wal_identity: tuple[int, int] | None = None  # in other journal modes there is none
            self._shm_identity: tuple[int, int] | None = None
            try:
                self._prepare(on_busy)
            except BaseException:
                self.abandon()
                raise
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise UnusableError(unreadable(settings.path, error)) from None
        except SchemaError as error:
            raise UnusableError(f"{settings.path} {error}") from None

    def _prepare(self, on_busy: Callable[[int], bool]) -> None:
        connection, settings = self.connection, self._settings
        if connection.readonly("main"):  # SQLite has opened it without an error
            raise apsw.ReadOnlyError(
                "it can only be read: check the file's owner and mode, and its disk's mount options"
            )
        connection.set_busy_handler(on_busy)
        schema.check(connection)  # before anything is changed: journal_mode is kept in the file
        if connection.pragma("page_count") == 0:  # a new file can give pages back (pragma.html#pragma_auto_vacuum)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _set_journal_mode(connection, settings)
        connection.execute(f"PRAGMA synchronous = {_synchronous(settings)}")
        connection.execute(f"PRAGMA cache_size = {settings.cache_size}")
        connection.execute("PRAGMA temp_store = MEMORY")  # a server may have no folder for temporary files
        connection.execute("PRAGMA secure_delete = ON")  # rows that are deleted or moved leave nothing in the file
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
        self.upgraded = schema.prepare(connection)
        self._wait_for_disk()
        if self.has_wal:
            self._wal_identity, self._shm_identity = identify(self._wal_path), identify(self._shm_path)
        self._data_version = self._newest_data_version = self._read_data_version()

    def _wait_for_disk(self) -> None:
        """Wait until all rows that can be read are on the disk.

        A process that was killed in a COMMIT, before its fsync, may leave a transaction that SQLite takes for
        committed. winlogd answers a retry from its rows, without another fsync. So a power cut must not remove them.
        """
        connection = self.connection
        if self.has_wal:
            with suppress(apsw.FullError):  # the WAL was synced before (wal.html §2.3)
                connection.wal_checkpoint()
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")  # a write, though nothing changes
            connection.execute("COMMIT")
        except BaseException:
            self.try_rollback()
            raise

    @property
    def has_wal(self) -> bool:
        """Return True if the journal mode is WAL."""
        return self._settings.journal_mode == "WAL"

    @property
    def in_transaction(self) -> bool:
        """Return True if a transaction has begun and not ended."""
        return self.connection.in_transaction

    def note_loaded(self) -> None:
        """Stop calling `gives_up`: the database is open, and the Book was loaded from it."""
        self.connection.set_progress_handler(None)

    def begin(self) -> bool:
        """Begin a write transaction.

        Returns:
            True if another connection has committed since `note_changes` (PRAGMA data_version, pragma.html).

        Raises:
            apsw.Error: SQLite's own.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        self._newest_data_version = self._read_data_version()
        return self._newest_data_version != self._data_version

    def note_changes(self) -> None:
        """Take note that the caller has read the changes that `begin` reported."""
        self._data_version = self._newest_data_version

    def commit(self) -> None:
        """Commit.

        The identity of the files is checked before and after: SQLite commits into a deleted WAL without an error, and
        no other connection sees that.

        Raises:
            ReplacedError: the file or its WAL was replaced or deleted. The events of this transaction must not be
                acknowledged.
            apsw.Error: SQLite's own. It is then unknown if the transaction was committed.
        """
        self.check_identity()
        self.connection.execute("COMMIT")
        self.check_identity()

    def checkpoint(self) -> "Checkpoint":
        """Move the pages of the WAL into the database. Pages that a reader still needs stay (wal.html §2.2).

        SQLite does this by itself when a COMMIT leaves 1 000 pages or more in the WAL.

        Raises:
            ReplacedError: the file was replaced or deleted. The checkpoint does not touch it.
        """
        if not self.has_wal:
            return Checkpoint(0)
        self.check_identity()
        try:
            frames, moved = self.connection.wal_checkpoint()
        except (apsw.BusyError, apsw.LockedError):  # another connection makes a checkpoint now
            return Checkpoint(0)
        except apsw.Error as error:
            return Checkpoint(1, error)
        return Checkpoint(frames - moved)

    def check_identity(self) -> None:
        """Check that the paths of the file and its WAL still lead to what was opened.

        If only the WAL is gone, this connection alone can still read the newest events: they are saved first.

        Raises:
            ReplacedError: a path leads to another file, or to none.
        """
        path = self._settings.path
        if identify(path) != self._identity:
            raise ReplacedError(f"{path} was replaced or deleted while it was in use")
        if self._wal_identity is not None and identify(self._wal_path) != self._wal_identity:
            raise ReplacedError(
                f"{self._wal_path} was replaced or deleted while it was in use, and with it the newest events;"
                f" {save_from(self.connection, path)}"
            )
        if self._shm_identity is not None and identify(self._shm_path) != self._shm_identity:
            raise ReplacedError(
                f"{self._shm_path} was replaced or deleted while it was in use: other programs would not see winlogd's"
                " locks; nothing is lost"
            )

    def rollback(self) -> None:
        """Roll the transaction back, unless an error has already ended it (lang_transaction.html §3.1).

        Raises:
            apsw.Error: SQLite's own.
        """
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def try_rollback(self) -> bool:
        """Call `rollback`. Return False if SQLite failed."""
        try:
            self.rollback()
        except apsw.Error:
            return False
        return True

    def close(self) -> None:
        """Close the connection. SQLite checkpoints and removes the WAL if it is the last one (wal.html §2.3)."""
        self.connection.close()

    def abandon(self) -> None:
        """Close the connection after a disk error, and ignore errors: the next connection reads the file again."""
        with suppress(apsw.Error):
            self.connection.close(True)

    def _read_data_version(self) -> int:
        # `execute` keeps the statement prepared; `pragma` would prepare it for every batch.
        return int(str(self.connection.execute("PRAGMA data_version").get))


class Checkpoint(NamedTuple):
    """The result of a checkpoint.

    Attributes:
        frames_left: pages that stay in the WAL until the next checkpoint; at least 1 after a fault.
        fault: SQLite's error, if there was one. No event is lost by it.
    """

    frames_left: int
    fault: apsw.Error | None = None


def _narrow(path: str) -> None:
    """Remove other users' permissions from a file that SQLite has just made. Its WAL gets the same mode."""
    os.chmod(path, os.stat(path).st_mode & _MODE)


def identify(path: str) -> tuple[int, int] | None:
    """Return the device and inode of a file; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _set_journal_mode(connection: apsw.Connection, settings: Settings) -> None:
    """Set the journal mode. SQLite keeps another mode, without an error, where it cannot set this one (pragma.html).

    Raises:
        UnusableError: SQLite kept another mode.
        apsw.Error: SQLite's own.
    """
    mode = str(connection.execute(f"PRAGMA journal_mode = {settings.journal_mode}").get).upper()
    if mode != settings.journal_mode:
        raise UnusableError(
            f"{settings.path} cannot have the journal mode {settings.journal_mode} where it is, only {mode}: set"
            " database.pragma_journal_mode to that, or move the database to a local disk"
        )


def _synchronous(settings: Settings) -> str:
    """Return the value of PRAGMA synchronous.

    FULL promises that a committed transaction survives a power cut. With the journal mode DELETE, a transaction ends
    when its journal is deleted, and only EXTRA syncs this deletion (pragma.html#pragma_synchronous).
    """
    is_deleted = settings.journal_mode == "DELETE"
    return "EXTRA" if is_deleted and settings.synchronous == "FULL" else settings.synchronous
