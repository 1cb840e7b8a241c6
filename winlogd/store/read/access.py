"""A reader's connection: opens it read-only, keeps the sessions of today up to date, and bounds how long a read takes.

A read transaction keeps pages in the WAL, and in the other journal modes it holds a COMMIT up. So a question is
answered in pieces, each with a snapshot of its own. This file must not know threads, or what is asked.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from math import inf
from typing import Final

import apsw

from winlogd.store.errors import PastChangedError, QuestionRefusedError, QuestionTooLongError, ReplacedError
from winlogd.store.file.database import identify
from winlogd.store.file.settings import Settings
from winlogd.store.past.progress import EPOCH, number, progress
from winlogd.store.pauses import INSTRUCTIONS_A_CALL, Pauses
from winlogd.store.read.limits import Limits
from winlogd.store.read.restarts import let_wal_start_again
from winlogd.store.read.room_hosts import RoomHosts
from winlogd.store.read.tail import MOST_BEHIND_ROWS, PIECE_ROWS, Tail
from winlogd.store.read.turns import Turns

_FLAGS: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX
"""One thread uses the connection, so it needs no lock."""
_INSTRUCTIONS_A_CALL: Final = 20_000
"""SQLite looks at the clock after this many instructions of its virtual machine: a millisecond or less."""
_MOST_PAUSED_S: Final = 0.25
"""No pause in a snapshot that is older: the WAL could not start again for as long."""
_LOCK_RETRY_S: Final = 0.005
"""The pause between two attempts to get a lock."""


class Access:
    """An open database for reading.

    Args:
        settings: the database.
        limits: how long a question may take.
        is_over: called often; returns True to give the question up.
        uri: the database as SQLite's URI, with options; None for its path alone.
        pauses: makes pauses in the statements of young snapshots; None if it makes none.

    Attributes:
        room_hosts: the machines of rooms.
        turns: in the block of ``with access.turns`` events go first. Without a WAL their COMMIT waits for the reader.

    Raises:
        ReplacedError: the file was replaced meanwhile.
        apsw.Error: SQLite's own.
    """

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        is_over: Callable[[], bool],
        uri: str | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        self._path: Final = settings.path
        self._limits: Final = limits
        self._is_over = is_over
        self._pauses: Final = pauses
        self._epoch: int | None = None
        self._lock_s: Final = settings.busy_timeout_ms / 1000
        self._wal_path: Final = f"{settings.path}-wal" if settings.journal_mode == "WAL" else None
        self._piece_s: Final = limits.piece_beside_commits_s if self._wal_path is None else limits.piece_s
        self._piece_over_s = self._snapshot_over_s = self._lock_over_s = 0.0
        self._question_over_s = time.monotonic() + limits.question_s
        self._begun_s: float | None = None  # when the open snapshot began
        self._keeps = False
        self._identity: Final = identify(settings.path)
        flags = _FLAGS if uri is None else _FLAGS | apsw.SQLITE_OPEN_URI
        self._connection: Final = apsw.Connection(uri or settings.path, flags)
        self.turns: Final = nullcontext() if self._wal_path is None else Turns(self._connection)
        try:
            self._check_identity()
            self._connection.set_busy_handler(self._waits_for_lock)
            self._connection.execute("PRAGMA temp_store = MEMORY")
            self._connection.execute(f"PRAGMA cache_size = {settings.cache_size}")
            self._tail: Final = Tail(self._connection)
            self.room_hosts: Final = RoomHosts()
        except BaseException:
            self._connection.close(True)
            raise

    def close(self) -> None:
        """Close the connection, and end what still reads. The sessions of today are forgotten."""
        self._connection.close(True)

    @property
    def is_reading(self) -> bool:
        """Return True if a statement still holds a snapshot."""
        return self._connection.txn_state("main") != apsw.SQLITE_TXN_NONE

    def suits(self, asked_s: float) -> bool:
        """Return True if the snapshot that is open suits a question: it began after the question was asked.

        To bring the sessions of today up to date takes 0.3 ms of processor time, as long as some answers take.

        Args:
            asked_s: when it was asked, on `time.monotonic`'s clock.
        """
        return self._begun_s is not None and asked_s <= self._begun_s and not self._is_old

    def begin_question(self, keeps_snapshot: bool = False) -> None:
        """Begin to count the time of a question.

        Args:
            keeps_snapshot: True to leave the question's last snapshot open for the next question that it `suits`. The
                caller ends it with `end_snapshot` if it suits none.

        Raises:
            ReplacedError: the file was replaced or deleted. The connection must be closed.
        """
        self._check_identity()
        self._keeps = keeps_snapshot and self._wal_path is not None  # else it would hold every COMMIT up
        self.begin_again()
        self._question_over_s = time.monotonic() + self._limits.question_s

    def begin_again(self) -> None:
        """Forget the epoch of the question's snapshots: the question has forgotten what they have given."""
        self._epoch = None

    def is_piece_over(self) -> bool:
        """Return True if the question should go on with a new snapshot.

        Raises:
            QuestionTooLongError: the question took too long.
            QuestionRefusedError: winlogd is stopping, or the question was given up.
        """
        now_s = time.monotonic()
        self._check_time(now_s)
        return now_s >= self._piece_over_s

    def catch_up(self) -> bool:
        """Read some rows of today. Return True if more than one piece of rows is left. It raises SQLite's errors."""
        self.read_today(PIECE_ROWS)
        return self._tail.behind() > PIECE_ROWS

    def behind(self) -> int:
        """Return how many rows of today were not read yet, of some 50 000 at most. It raises SQLite's errors."""
        return self._tail.behind()

    def read_today(self, most: int) -> bool:
        """Read at most so many rows of today. Return True if more are left. It raises SQLite's errors."""
        self.end_snapshot()
        self._connection.execute("BEGIN")
        try:
            are_more = self._tail.catch_up(most)
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return are_more

    @contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        """Return the connection with one state of the database, in which the sessions of today are up to date.

        All snapshots of a question have one epoch.

        Raises:
            PastChangedError: the epoch has changed since the question's first snapshot.
            QuestionRefusedError: too many rows of today were not read yet, or the question was given up.
            QuestionTooLongError: a statement took too long.
            apsw.Error: SQLite's own.
        """
        if self._is_old:
            self.end_snapshot()
        if self._begun_s is None:
            self._begin_snapshot()
        try:
            with self._bounded():
                self.epoch()
                yield self._connection
            if not self._keeps:
                self.end_snapshot()
        except BaseException:
            self._roll_back()
            raise

    def end_snapshot(self) -> None:
        """End the snapshot that is open, if there is one.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._begun_s is not None:
            self._begun_s = None
            self._connection.execute("COMMIT")

    @property
    def _is_old(self) -> bool:
        """Return True if a snapshot is open for so long that nobody may go on with it."""
        return self._begun_s is not None and time.monotonic() > self._begun_s + self._limits.shared_s

    def _begin_snapshot(self) -> None:
        """Begin a snapshot, and read the rows of today that are in it."""
        if self._wal_path is not None:
            let_wal_start_again(self._wal_path, self._limits.wal_bytes)
        while True:
            while (behind := self._tail.behind()) > PIECE_ROWS:
                self._check_time(time.monotonic())
                self.catch_up()
                if behind > MOST_BEHIND_ROWS:
                    raise QuestionRefusedError("the events of today are being read")
            # A cursor that a question has kept holds an older state, which suits nobody.
            begun_s = -inf if self.is_reading else time.monotonic()
            self._connection.execute("BEGIN")
            try:
                if self._tail.behind() <= PIECE_ROWS:
                    while self._tail.catch_up():
                        pass
                    self._begun_s = begun_s
                    return
                self._connection.execute("COMMIT")  # others have deleted or written many rows at this moment
            except BaseException:
                self._roll_back()
                raise

    def history(self) -> str:
        """Return how much of the archive is in the past: ``complete`` or ``building, 43 %``.

        Raises:
            apsw.Error: SQLite's own.
        """
        return progress(self._connection).text

    def epoch(self) -> int:
        """Return the number that changes when the keys of the past change. It is the same for a whole question.

        Raises:
            PastChangedError: it has changed since the question's first snapshot, or since it was first asked for.
            apsw.Error: SQLite's own.
        """
        epoch = number(self._connection, EPOCH)
        if self._epoch is None:
            self._epoch = epoch
        elif epoch != self._epoch:
            raise PastChangedError("the past was built or rebuilt during the question")
        return epoch

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Interrupt statements that take too long."""
        begun_s = time.monotonic()
        self._piece_over_s = begun_s + self._piece_s
        self._snapshot_over_s = min(begun_s + self._limits.snapshot_s, self._question_over_s)
        instructions = _INSTRUCTIONS_A_CALL if self._pauses is None else INSTRUCTIONS_A_CALL
        self._connection.set_progress_handler(self._gives_up, instructions)
        try:
            yield
        except apsw.InterruptError:
            self._check_stop()
            raise QuestionTooLongError from None
        finally:
            self._connection.set_progress_handler(None)

    def _roll_back(self) -> None:
        """Take back what was read of today, whole: it is read again."""
        self._begun_s = None
        self.room_hosts.forget()
        if self._connection.in_transaction:  # some errors have rolled back already (lang_transaction.html §3.1)
            with suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def _check_identity(self) -> None:
        """Check that the path still leads to the open file: nothing else tells that it was replaced."""
        if identify(self._path) != self._identity:
            raise ReplacedError(f"{self._path} was replaced or deleted while it was in use")

    def _check_time(self, now_s: float) -> None:
        self._check_stop()
        if now_s >= self._question_over_s:
            raise QuestionTooLongError

    def _check_stop(self) -> None:
        if self._is_over():
            raise QuestionRefusedError("winlogd is stopping")

    def _waits_for_lock(self, attempts: int) -> bool:
        """Wait a little for a lock: SQLite's busy handler. Return False to give up."""
        now_s = time.monotonic()
        if not attempts:
            self._lock_over_s = min(now_s + self._lock_s, self._question_over_s)
        if now_s >= self._lock_over_s or self._is_over():
            return False
        time.sleep(_LOCK_RETRY_S)
        return True

    def _gives_up(self) -> bool:
        """Return True if the running statement has to end: SQLite's progress handler."""
        now_s = time.monotonic()
        if self._pauses is not None and self._begun_s is not None and now_s < self._begun_s + _MOST_PAUSED_S:
            self._piece_over_s += self._pauses.take()
        return now_s >= self._snapshot_over_s or self._is_over()
