"""The writer thread: takes all events that wait, commits them in one transaction, hands the results back.

It is the only one that writes or checkpoints the database. One event alone is committed at once and waits for nobody;
a thousand that wait share one transaction and one fsync. A batch is taken up only when the write lock is
held, so that whatever arrives during the wait joins it.

What can go wrong with a batch, and what follows:

- the surroundings fail (lock, full disk or nearly so, disk error): nothing is answered, the events wait, each until
  its own deadline, then they are answered as unavailable; after a disk error the database is opened afresh;
- the file is no longer the one that was opened, which a rotation's checkpoint looks at too: nothing more can be
  promised, the process must end;
- anything else: the batch is repeated one event a transaction, and the event that fails is answered as failed.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import apsw

from winlogd.identifiers import Identifiers
from winlogd.recent import RecentEvents
from winlogd.session import Book, Decision, Draft, PairKey
from winlogd.store import memory, rows
from winlogd.store.database import Database, Settings
from winlogd.store.errors import LOCKS, REOPEN_AFTER, WAIT_FOR, ReplacedError, StoppedError, UnusableError
from winlogd.store.free_space import FreeSpace
from winlogd.store.inbox import Inbox
from winlogd.store.patience import Patience
from winlogd.store.rests import Rests
from winlogd.store.rotation import Moved, Rotation, Step, rotated_day
from winlogd.store.submission import Fault, Submission
from winlogd.store.wal_watch import WalWatch

if TYPE_CHECKING:  # types only
    from winlogd.store.listener import Listener

T = TypeVar("T")


class Writer:
    """The thread and the queue before it.

    Args:
        settings: the database.
        listener: told of results and faults.
    """

    def __init__(self, settings: Settings, listener: "Listener") -> None:
        self._settings = settings
        self._listener = listener
        self._queue: SimpleQueue[list[Submission] | Rotation | None] = SimpleQueue()
        self._inbox = Inbox(self._queue)
        self._waiting = self._inbox.waiting
        self._patience = Patience(self._inbox, listener)
        self._in_flight: list[Submission] = []
        self._rests = Rests()
        self._space = FreeSpace(settings.path, settings.min_free_bytes)
        self._wal_watch = WalWatch(settings.path)
        self._database: Database
        self._book: Book
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Starts the thread, which opens the database."""
        self._thread.start()

    def submit(self, submissions: list[Submission]) -> None:
        """Queues events, from any thread; never blocks."""
        self._queue.put(submissions)

    def rotate(self, rotation: Rotation) -> None:
        """Asks for a rotation, from any thread, when none is going on; `Listener.rotated` tells how it ended."""
        self._queue.put(rotation)

    def go_on(self) -> None:
        """Told by who submits: results are handed out, and what clients sent upon that is submitted."""
        inbox = self._inbox
        inbox.is_their_turn = False
        if inbox.waits_its_turn:
            self._queue.put([])

    def hurry(self, due_s: float) -> None:
        """Lets no event wait longer than until `due_s`, on the monotonic clock, whatever its own deadline."""
        self._inbox.latest_due_s = due_s

    def stop(self) -> None:
        """Asks the thread to finish what is queued and to close the database."""
        self._inbox.is_stopping = True
        self._queue.put(None)

    def leftovers(self) -> list[Submission]:
        """What was queued and not taken up, once the thread has ended."""
        self._inbox.take_all_in()
        return list(self._waiting)

    # Everything below runs on the writer's thread.

    def _run(self) -> None:
        try:
            self._open()
            self._serve()
            self._database.close()
        except StoppedError:
            self._listener.ended(None)
        except BaseException as error:
            self._give_up_all()
            self._listener.ended(error)
        else:
            self._listener.ended(None)

    def _serve(self) -> None:
        inbox, waiting = self._inbox, self._waiting
        while True:
            if not waiting and not inbox.is_stopping:
                inbox.await_more(self._rests.until_s)
            inbox.await_turn()
            inbox.take_all_in()
            if waiting:
                self._write_patiently()
            elif inbox.is_stopping:
                return
            if inbox.rotation is not None and not inbox.is_stopping and time.monotonic() >= self._rests.until_s:
                self._go_on_rotating(inbox.rotation)
            if (size_bytes := self._wal_watch.grown(time.monotonic())) is not None:
                checkpoint = self._database.checkpoint()
                if checkpoint.frames_left:  # otherwise the next COMMIT begins the WAL again, and cuts it
                    self._listener.wal_grown(size_bytes, checkpoint.fault)

    # ── one batch ─────────────────────────────────────────────────────────────────────────────────────

    def _write_patiently(self) -> None:
        try:
            self._write_waiting()
            if self._patience.told:
                self._patience.end()
        except WAIT_FOR as error:
            self._patience.tell(error)
            self._withdraw(error)

    def _write_waiting(self) -> None:
        """One transaction with all that waits; repeated one by one when the fault is not the surroundings'."""
        try:
            self._begin()
            self._inbox.take_all_in()
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
        book, database = self._book, self._database
        book.recent.turn(time.monotonic())
        now_s = time.time()
        draft = Draft(book, self._read_stored, int(now_s * 1e9))
        decide = draft.decide
        decided = [(submission, decide(submission.event, submission.source_ip)) for submission in batch]
        rows.insert(database.connection, decided, now_s)
        database.commit()
        book.accept(draft)
        self._inbox.is_their_turn = True
        self._rests.note_events()
        self._listener.finished(decided)

    def _read_stored(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        return memory.read_stored(self._database.connection, event_id, key, action, timestamp)

    # ── rotation ──────────────────────────────────────────────────────────────────────────────────────

    def _go_on_rotating(self, rotation: Rotation) -> None:
        """One piece of a rotation, a step or a checkpoint; before the next the events that wait are written."""
        if self._rests.is_checkpoint_next:
            begun_s = time.monotonic()
            self._database.checkpoint()
            self._rests.after_checkpoint(begun_s, time.monotonic())
        else:
            self._step_patiently(rotation)

    def _step_patiently(self, rotation: Rotation) -> None:
        try:
            if not self._has_begun():
                return
            step = self._step(rotation)
        except LOCKS as error:  # a COMMIT that waits for readers
            self._patience.tell(error)
            self._withdraw(error)
        except WAIT_FOR as error:  # of the disk, perhaps only where the archive is: events go on, and it is tried later
            self._withdraw(error)
            self._end_rotation(error)
        except (ReplacedError, UnusableError, StoppedError):
            raise
        except Exception as error:  # nothing is lost: what has not moved stays where it is
            self._database.rollback()
            self._end_rotation(error)
        else:
            if self._patience.told and not self._waiting:  # events that wait tell by themselves
                if step.wrote:
                    self._patience.end()
                else:
                    self._patience.end_of_lock()
            if rotation.is_done:
                self._end_rotation(rotation.moved)

    def _has_begun(self) -> bool:
        """Begins a transaction; whether it could, or has to wait as an event would."""
        try:
            self._begin()
        except WAIT_FOR as error:
            self._patience.tell(error)
            self._withdraw(error)
            return False
        return True

    def _step(self, rotation: Rotation) -> Step:
        begun_s = time.monotonic()  # the wait for another program's write lock is no work
        step = rotation.step(self._database.connection, self._book, time.time())
        self._database.commit()
        ended_s = time.monotonic()
        self._rests.after_step(begun_s, ended_s)
        if step.wrote:
            self._rests.note_pages()
        rotation.took(step, self._book, ended_s - begun_s)
        return step

    def _end_rotation(self, outcome: Moved | Exception) -> None:
        self._inbox.rotation = None
        self._rests.end()
        self._listener.rotated(outcome)

    # ── faults ────────────────────────────────────────────────────────────────────────────────────────

    def _on_busy(self, attempts: int) -> bool:
        """SQLite's busy handler: waits a little; gives up at the deadline of what a COMMIT in progress holds."""
        self._patience.hear()
        if self._in_flight and self._inbox.is_overdue(self._in_flight[0]):
            return False
        if self._inbox.is_stopping and not self._waiting and not self._in_flight:
            return False
        self._patience.pause_for_lock(attempts)
        return True

    def _withdraw(self, error: Exception) -> None:
        """Puts a batch that could not be committed back before what waits, and pauses."""
        self._waiting.extendleft(reversed(self._in_flight))
        self._in_flight = []
        if isinstance(error, REOPEN_AFTER) or not self._database.try_rollback():
            self._reopen()
        self._patience.hear()
        self._patience.pause()

    def _give_up_all(self) -> None:
        self._inbox.take_all_in()
        lost = [*self._in_flight, *self._waiting]
        self._waiting.clear()
        self._listener.finished([(submission, Fault.UNAVAILABLE) for submission in lost])

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        """Opens the database for the first time: a lock and a full disk are waited for, other faults end the start."""
        self._database = self._patiently(lambda: Database(self._settings, self._on_busy))
        day = self._patiently(lambda: rotated_day(self._database.connection))
        self._listener.opened(self._database.upgraded, day)
        self._patiently(self._load)

    def _patiently(self, do: Callable[[], T]) -> T:
        while True:
            try:
                return do()
            except (*LOCKS, apsw.FullError) as error:
                self._patience.wait_to_open(error)
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
                self._patience.wait_to_open(error)
        old.abandon()

    def _load(self) -> None:
        self._book = Book(RecentEvents(time.monotonic()), Identifiers())
        try:
            with self._database.connection:  # one transaction: what others commit meanwhile is seen by `_begin`
                memory.load(self._database.connection, self._book, time.time())
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise UnusableError(f"{self._settings.path} is damaged ({error})") from None
        self._listener.loaded(self._book)
