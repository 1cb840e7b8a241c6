"""The writer's connection to the database file: opening it, waiting for it, knowing it is still the same file.

Knows SQLite's settings and faults; not events. Everything here runs on the writer's thread.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import apsw

from winlogd.store.errors import ReplacedError, SchemaError, UnusableError
from winlogd.store.file import schema
from winlogd.store.file.foreign import check_file
from winlogd.store.file.rescue import save_from
from winlogd.store.file.settings import Settings

_JOURNAL_LIMIT_BYTES: Final = 16 << 20
"""To what the WAL or the journal is cut when it is begun again after a transaction that made it larger, such as
another program's (pragma.html#pragma_journal_size_limit)."""
_MODE: Final = 0o640
_STATEMENTS_KEPT: Final = 32
_STEPS: Final = 50_000
"""Of SQLite's virtual machine, after which it is asked whether to give up: some 600 open sessions, 6 ms."""
_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
"""One thread uses the connection, so it needs no lock (threadsafe.html): 0.1 µs a row."""
_LOOKASIDE: Final = (400, 300)
"""Bytes and number of the blocks that a connection has ready (malloc.html §3.3): the values of a statement of
some 48 rows. 0.2 µs a row less than by malloc."""


def configure_sqlite() -> None:
    """Sets what SQLite keeps for the whole process. To be called once, while no connection is open.

    SQLite is not to count the memory it takes, for which every allocation takes a lock (malloc.html §3.1): 0.25 µs
    a row.
    """
    apsw.shutdown()
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
    apsw.config(apsw.SQLITE_CONFIG_LOOKASIDE, *_LOOKASIDE)
    apsw.initialize()


class Database:
    """An open database whose schema is winlogd's.

    Args:
        settings: where and how.
        on_busy: called while another connection holds the lock; sleeps a little and says whether to go on waiting.
        gives_up: called many times a second until `note_loaded`; returns True to give up. None goes on.

    Raises:
        apsw.InterruptError: `gives_up` has returned True.
        UnusableError: it is no database, a damaged one, or one of a newer winlogd.
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
            self.connection.set_progress_handler(gives_up, _STEPS)
            if is_new:
                _narrow(settings.path)
            self._identity = _identify(settings.path)
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
            raise UnusableError(f"{settings.path} is not a database, or a damaged one ({error})") from None
        except SchemaError as error:
            raise UnusableError(f"{settings.path} {error}") from None

    def _prepare(self, on_busy: Callable[[int], bool]) -> None:
        connection, settings = self.connection, self._settings
        if connection.readonly("main"):  # SQLite opens such a file without a word, and no event could be stored
            raise apsw.ReadOnlyError(
                "it can only be read: check the file's owner and mode, and its disk's mount options"
            )
        connection.set_busy_handler(on_busy)
        schema.check(connection)  # before anything is changed: journal_mode is kept in the file
        _set_journal_mode(connection, settings)
        connection.execute(f"PRAGMA synchronous = {_synchronous(settings)}")
        connection.execute(f"PRAGMA cache_size = {settings.cache_size}")
        # A sort of many rows goes to memory: a server may have no folder for temporary files that it can write to.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted, or moved, is not left in the file
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
        self.upgraded = schema.prepare(connection)
        self._wait_for_disk()
        if self.has_wal:
            self._wal_identity, self._shm_identity = _identify(self._wal_path), _identify(self._shm_path)
        self._data_version = self._newest_data_version = self._read_data_version()

    def _wait_for_disk(self) -> None:
        """Waits until all that can be read is on the disk.

        A process that was killed in a COMMIT, before its fsync, may leave a transaction that SQLite takes for
        committed. What is sent again is answered from it, without another fsync: a power cut could still take it.
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
        """Whether the journal mode is WAL."""
        return self._settings.journal_mode == "WAL"

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun and not ended."""
        return self.connection.in_transaction

    def note_loaded(self) -> None:
        """Ask no more whether to give up: the database is open, and what is in it was read."""
        self.connection.set_progress_handler(None)

    def begin(self) -> bool:
        """Begins a write transaction.

        Returns:
            Whether another connection has committed since `note_changes` (PRAGMA data_version, pragma.html).
        """
        self.connection.execute("BEGIN IMMEDIATE")
        self._newest_data_version = self._read_data_version()
        return self._newest_data_version != self._data_version

    def note_changes(self) -> None:
        """Takes note that what `begin` told of has been read."""
        self._data_version = self._newest_data_version

    def commit(self) -> None:
        """Commit.

        The files are looked at before and after: a WAL that was deleted takes every COMMIT, and nobody else sees it.

        Raises:
            ReplacedError: the file or its WAL was replaced or deleted; what was committed must not be acknowledged.
            apsw.Error: SQLite's own; whether the transaction was committed is then unknown.
        """
        self.check_identity()
        self.connection.execute("COMMIT")
        self.check_identity()

    def checkpoint(self) -> "Checkpoint":
        """Moves what is in the WAL into the database, as far as no reader needs it where it is (wal.html §2.2).

        SQLite does it by itself when a COMMIT leaves 1 000 pages or more in the WAL.

        Raises:
            ReplacedError: the file was replaced or deleted; it is not touched.
        """
        if not self.has_wal:
            return Checkpoint(0)
        self.check_identity()
        try:
            frames, moved = self.connection.wal_checkpoint()
        except (apsw.BusyError, apsw.LockedError):  # another connection is just about it
            return Checkpoint(0)
        except apsw.Error as error:
            return Checkpoint(1, error)
        return Checkpoint(frames - moved)

    def check_identity(self) -> None:
        """Check that the paths of the file and its WAL still lead to what was opened.

        If only the WAL is gone, this connection alone holds what was committed into it: it is saved first.

        Raises:
            ReplacedError: they do not.
        """
        path = self._settings.path
        if _identify(path) != self._identity:
            raise ReplacedError(f"{path} was replaced or deleted while it was in use")
        if self._wal_identity is not None and _identify(self._wal_path) != self._wal_identity:
            raise ReplacedError(
                f"{self._wal_path} was replaced or deleted while it was in use, and with it the newest events;"
                f" {save_from(self.connection, path)}"
            )
        if self._shm_identity is not None and _identify(self._shm_path) != self._shm_identity:
            raise ReplacedError(
                f"{self._shm_path} was replaced or deleted while it was in use: other programs would not see winlogd's"
                " locks; nothing is lost"
            )

    def rollback(self) -> None:
        """Ends a transaction, if one is left: some errors have ended it already (lang_transaction.html §3.1)."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def try_rollback(self) -> bool:
        """As `rollback`; whether it went well."""
        try:
            self.rollback()
        except apsw.Error:
            return False
        return True

    def close(self) -> None:
        """Closes the connection; SQLite checkpoints and removes the WAL when it is the last one (wal.html §2.3)."""
        self.connection.close()

    def abandon(self) -> None:
        """Closes the connection after a disk error, whatever it says: what it knew is read again from the file."""
        with suppress(apsw.Error):
            self.connection.close(True)

    def _read_data_version(self) -> int:
        # `execute` keeps the statement prepared; `pragma` would prepare it for every batch.
        return int(str(self.connection.execute("PRAGMA data_version").get))


class Checkpoint(NamedTuple):
    """What a checkpoint has come to.

    Attributes:
        frames_left: pages that stay in the WAL, for the next one; at least 1 after a fault.
        fault: SQLite's, if there was one. Nothing is lost by it.
    """

    frames_left: int
    fault: apsw.Error | None = None


def _narrow(path: str) -> None:
    """Take the rights of others from a file that SQLite has just made, empty; its WAL gets the same mode."""
    os.chmod(path, os.stat(path).st_mode & _MODE)


def _identify(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _set_journal_mode(connection: apsw.Connection, settings: Settings) -> None:
    """Sets it; where SQLite cannot, it goes on with another one and says no more than which (pragma.html)."""
    mode = str(connection.execute(f"PRAGMA journal_mode = {settings.journal_mode}").get).upper()
    if mode != settings.journal_mode:
        raise UnusableError(
            f"{settings.path} cannot have the journal mode {settings.journal_mode} where it is, only {mode}: set"
            " database.pragma_journal_mode to that, or move the database to a local disk"
        )


def _synchronous(settings: Settings) -> str:
    """With the journal mode DELETE, what ends a transaction is the deletion of its journal, and only EXTRA waits until
    that is on the disk (pragma.html#pragma_synchronous); FULL is to mean that a committed transaction stays so."""
    is_deleted = settings.journal_mode == "DELETE"
    return "EXTRA" if is_deleted and settings.synchronous == "FULL" else settings.synchronous
