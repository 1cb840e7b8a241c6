"""The writer thread: takes all events that wait, commits them in one transaction, hands the results back.

It is the only one that writes or checkpoints the database. One event alone is committed at once and waits for nobody;
a thousand that wait share one transaction and one fsync. A batch is taken up only when the write lock is
held, so that whatever arrives during the wait joins it.

What can go wrong with a batch, and what follows:

- the surroundings fail (lock, full disk or nearly so, disk error): nothing is answered, the events wait, each until
  its own deadline, then they are answered as unavailable; after a disk error the database is opened afresh;
- the file is no longer the one that was opened: nothing more can be promised, the process must end;
- anything else: the batch is repeated one event a transaction, and the event that fails is answered as failed.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from math import inf
from queue import Empty, SimpleQueue
from typing import Final

import apsw

from winlogd.identifiers import Identifiers
from winlogd.recent import RecentEvents
from winlogd.session import Book, Decision, Draft, PairKey
from winlogd.store import memory, rows
from winlogd.store.database import (
    CHECKPOINT_PAGES,
    REOPEN_AFTER,
    WAIT_FOR,
    Database,
    ReplacedError,
    Settings,
    UnusableError,
)
from winlogd.store.free_space import FreeSpace
from winlogd.store.listener import Listener
from winlogd.store.rotation import ROTATION_CHECKPOINT_PAGES, Moved, Rotation, rotated_day
from winlogd.store.submission import Fault, Result, Submission

_RETRY_S: Final = 0.05
"""Pause between two looks at a database that is locked, or whose disk is full or failing."""
_FIRST_RETRY_S: Final = 0.001
_TURN_S: Final = 0.002
"""How long the event loop may take to hand a batch's results out and to hear what the clients send next."""
_TELL_AFTER_S: Final = 1.0
"""A shorter wait for a lock is everyday business and not worth a line in the log."""


class Writer:
    """The thread and the queue before it.

    Args:
        settings: the database.
        listener: told of results and faults.
    """

    def __init__(self, settings: Settings, listener: Listener) -> None:
        self._settings = settings
        self._listener = listener
        self._inbox: SimpleQueue[list[Submission] | Rotation | None] = SimpleQueue()
        self._waiting: deque[Submission] = deque()
        self._in_flight: list[Submission] = []
        self._rotation: Rotation | None = None
        self._rotation_pause_s = 0.0
        self._wrote_events = False
        self._stopping = False
        self._is_their_turn = self._waits_its_turn = False
        self._latest_due_s = inf
        self._told_waiting: set[type[Exception]] = set()
        self._space = FreeSpace(settings.path, settings.min_free_bytes)
        self._database: Database
        self._book: Book
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Starts the thread, which opens the database."""
        self._thread.start()

    def submit(self, submissions: list[Submission]) -> None:
        """Queues events, from any thread; never blocks."""
        self._inbox.put(submissions)

    def rotate(self, rotation: Rotation) -> None:
        """Asks for a rotation, from any thread, when none is going on; `Listener.rotated` tells how it ended."""
        self._inbox.put(rotation)

    def go_on(self) -> None:
        """Told by who submits: results are handed out, and what clients sent upon that is submitted."""
        self._is_their_turn = False
        if self._waits_its_turn:
            self._inbox.put([])

    def hurry(self, due_s: float) -> None:
        """Lets no event wait longer than until `due_s`, on the monotonic clock, whatever its own deadline."""
        self._latest_due_s = due_s

    def stop(self) -> None:
        """Asks the thread to finish what is queued and to close the database."""
        self._stopping = True
        self._inbox.put(None)

    def leftovers(self) -> list[Submission]:
        """What was queued and not taken up, once the thread has ended."""
        self._take_all_in()
        return list(self._waiting)

    # Everything below runs on the writer's thread.

    def _run(self) -> None:
        try:
            self._open()
            self._serve()
            self._database.close()
        except _StoppedError:
            self._listener.ended(None)
        except BaseException as error:
            self._give_up_all()
            self._listener.ended(error)
        else:
            self._listener.ended(None)

    def _serve(self) -> None:
        while True:
            if not self._waiting and not self._stopping:
                self._await_more()
            self._wait_its_turn()
            self._take_all_in()
            if self._waiting:
                self._write_patiently()
            elif self._stopping:
                return
            if self._rotation is not None and not self._stopping:
                self._rotate_patiently(self._rotation)

    def _await_more(self) -> None:
        """Waits for something to do; in the middle of a rotation, for as long as that is to pause."""
        if self._rotation is None:
            self._take_in(self._inbox.get())
        elif self._rotation_pause_s:
            with suppress(Empty):
                self._take_in(self._inbox.get(timeout=self._rotation_pause_s))

    def _wait_its_turn(self) -> None:
        """Lets those whose events were committed send their next ones, which then share a transaction with what waits.

        Sixty-four clients that wait for each answer would otherwise fall into two halves, of which one is written
        while the other is read: commits half as large, and two threads that fight for one core: 15 % of the processor
        time.
        """
        until_s = time.monotonic() + _TURN_S
        self._waits_its_turn = True
        while self._is_their_turn and not self._stopping and (left_s := until_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._take_in(self._inbox.get(timeout=left_s))
        self._waits_its_turn = self._is_their_turn = False

    def _take_in(self, item: list[Submission] | Rotation | None) -> None:
        if isinstance(item, Rotation):
            self._rotation = item
        elif item is not None:
            self._waiting.extend(item)

    def _take_all_in(self) -> None:
        while not self._inbox.empty():
            self._take_in(self._inbox.get())

    # ── one batch ─────────────────────────────────────────────────────────────────────────────────────

    def _write_patiently(self) -> None:
        try:
            self._write_waiting()
            self._tell_recovered()
        except WAIT_FOR as error:
            self._tell_waiting(error)
            self._withdraw(error)

    def _write_waiting(self) -> None:
        """One transaction with all that waits; repeated one by one when the fault is not the surroundings'."""
        try:
            self._begin()
            self._take_all_in()
            if not self._waiting:  # all of it became overdue while a lock was waited for
                self._database.rollback()
                return
            self._in_flight = list(self._waiting)
            self._waiting.clear()
            self._store(self._in_flight)
            self._in_flight = []
        except (ReplacedError, *WAIT_FOR):
            raise
        except Exception:
            self._database.rollback()
            self._waiting.extendleft(reversed(self._in_flight))
            self._in_flight = []
            self._write_one_by_one()

    def _write_one_by_one(self) -> None:
        for _ in range(len(self._waiting)):
            if not self._waiting:  # what is overdue is answered while a lock is waited for
                return
            self._in_flight = [self._waiting.popleft()]
            try:
                self._begin()
                self._store(self._in_flight)
            except (ReplacedError, *WAIT_FOR):
                raise
            except Exception as error:
                self._database.rollback()
                self._listener.failed(error, self._in_flight[0])
                self._listener.finished([(self._in_flight[0], Fault.FAILED)])
            self._in_flight = []

    def _begin(self) -> None:
        self._space.require(time.monotonic())
        if self._database.begin():
            memory.refresh(self._database.connection, self._book)
            self._database.note_changes()

    def _store(self, batch: list[Submission]) -> None:
        """Decides and inserts `batch` in the transaction that has begun, commits, hands the results back."""
        self._book.recent.turn(time.monotonic())
        now_s = time.time()
        draft = Draft(self._book, self._read_stored, int(now_s * 1e9))
        decide = draft.decide
        decided = [(submission, decide(submission[0], submission[1])) for submission in batch]
        rows.insert(self._database.connection, decided, now_s)
        self._database.commit()
        self._book.accept(draft)
        self._is_their_turn = self._wrote_events = True
        self._listener.finished(decided)

    def _read_stored(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        return memory.read_stored(self._database.connection, event_id, key, action, timestamp)

    # ── rotation ──────────────────────────────────────────────────────────────────────────────────────

    def _rotate_patiently(self, rotation: Rotation) -> None:
        """One step of a rotation; between two of them the events that wait are written.

        While events come it rests as long as it works: then few of them meet a step, and none more than one.
        """
        begun_s = time.monotonic()
        try:
            self._database.checkpoint_every(ROTATION_CHECKPOINT_PAGES)
            self._begin()
            step = rotation.step(self._database.connection, self._book, time.time())
            self._database.commit()
            took_s = time.monotonic() - begun_s
            rotation.took(step, self._book, took_s)
            self._rotation_pause_s = took_s if self._wrote_events else 0.0
            self._wrote_events = False
        except WAIT_FOR as error:
            self._tell_waiting(error)
            self._withdraw(error)
        except ReplacedError:
            raise
        except Exception as error:  # nothing is lost: what has not moved stays where it is
            self._database.rollback()
            self._end_rotation(error)
        else:
            self._tell_recovered()
            if rotation.is_done:
                self._end_rotation(rotation.moved)

    def _end_rotation(self, outcome: Moved | Exception) -> None:
        self._rotation = None
        self._rotation_pause_s = 0.0
        self._database.checkpoint_every(CHECKPOINT_PAGES)
        self._listener.rotated(outcome)

    # ── faults ────────────────────────────────────────────────────────────────────────────────────────

    def _on_busy(self, attempts: int) -> bool:
        """SQLite's busy handler: waits a little; gives up at the deadline of what a COMMIT in progress holds."""
        self._take_all_in()
        self._answer_overdue()
        if self._in_flight and self._is_overdue(self._in_flight[0]):
            return False
        if self._stopping and not self._waiting and not self._in_flight:
            return False
        if attempts * _RETRY_S >= _TELL_AFTER_S:
            self._tell_waiting(apsw.BusyError("the database is locked by another program"))
        time.sleep(min(_RETRY_S, _FIRST_RETRY_S * 2 ** min(attempts, 10)))
        return True

    def _withdraw(self, error: apsw.Error) -> None:
        """Puts a batch that could not be committed back before what waits, and pauses."""
        self._waiting.extendleft(reversed(self._in_flight))
        self._in_flight = []
        if isinstance(error, REOPEN_AFTER) or not self._database.try_rollback():
            self._reopen()
        self._take_all_in()
        self._answer_overdue()
        time.sleep(_RETRY_S)

    def _answer_overdue(self) -> None:
        overdue: list[Result] = []
        while self._waiting and self._is_overdue(self._waiting[0]):
            overdue.append((self._waiting.popleft(), Fault.UNAVAILABLE))
        if overdue:
            self._listener.finished(overdue)

    def _is_overdue(self, submission: Submission) -> bool:
        return time.monotonic() >= min(submission[3], self._latest_due_s)

    def _tell_waiting(self, error: Exception) -> None:
        if type(error) not in self._told_waiting:
            self._told_waiting.add(type(error))
            self._listener.waiting(error)

    def _tell_recovered(self) -> None:
        if self._told_waiting:
            self._told_waiting.clear()
            self._listener.recovered()

    def _give_up_all(self) -> None:
        self._take_all_in()
        lost = [*self._in_flight, *self._waiting]
        self._waiting.clear()
        self._listener.finished([(submission, Fault.UNAVAILABLE) for submission in lost])

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        """Opens the database for the first time: a lock and a full disk are waited for, other faults end the start."""
        while True:
            try:
                self._database = Database(self._settings, self._on_busy)
                self._listener.opened(self._database.upgraded, rotated_day(self._database.connection))
                self._load()
                return
            except (apsw.BusyError, apsw.LockedError, apsw.FullError) as error:
                self._tell_waiting(error)
                self._wait_to_open()
            except WAIT_FOR as error:
                raise UnusableError(f"{self._settings.path} cannot be opened ({error})") from None

    def _reopen(self) -> None:
        """Opens the same file afresh after a disk error, as often as it takes.

        With a WAL the old connection is closed last. The last connection to close the file lets go of the wal-index,
        which alone knows that a batch in the WAL was never synced; whoever opens the file next would take it for
        committed (walformat.html, "Recovery"), and the batch's repetition for one of what is stored.
        """
        old = self._database
        if old.in_transaction or not old.has_wal:
            old.abandon()
        while True:
            old.check_identity()
            try:
                self._database = Database(self._settings, self._on_busy)
                self._load()
                break
            except WAIT_FOR as error:
                if self._database is not old:
                    self._database.abandon()
                self._tell_waiting(error)
                self._wait_to_open()
        old.abandon()

    def _wait_to_open(self) -> None:
        self._take_all_in()
        self._answer_overdue()
        if self._stopping and not self._waiting:
            raise _StoppedError
        time.sleep(_RETRY_S)

    def _load(self) -> None:
        self._book = Book(RecentEvents(time.monotonic()), Identifiers())
        try:
            with self._database.connection:  # one transaction: what others commit meanwhile is seen by `_begin`
                memory.load(self._database.connection, self._book, time.time())
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise UnusableError(f"{self._settings.path} is damaged ({error})") from None
        self._listener.loaded(self._book)


class _StoppedError(Exception):
    """Asked to stop while the database could not be opened, and nothing waits for it."""
