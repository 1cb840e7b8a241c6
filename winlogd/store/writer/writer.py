"""The writer thread: takes all events that wait, commits them in one transaction, hands the results back.

It is the only one that writes or checkpoints the database. One event alone is committed at once and waits for nobody;
a thousand that wait share one transaction and one fsync. A batch is taken up only when the write lock is
held, so that whatever arrives during the wait joins it.

What can go wrong with a batch, and what follows:

- the environment fails (lock, full disk or nearly so, disk error): nothing is answered, the events wait, each until
  its own deadline, then they are answered as unavailable; after a disk error the database is opened afresh;
- the file is no longer the one that was opened, which a checkpoint looks at too: nothing more can be promised, the
  process must end;
- anything else: the batch is repeated one event a transaction, and the event that fails is answered as failed.
"""

import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from winlogd.sessions.pair import Decision, PairKey
from winlogd.sessions.pairing import Draft
from winlogd.store import load_book
from winlogd.store.errors import WAIT_FOR, ReplacedError, StoppedError
from winlogd.store.file.database import Settings
from winlogd.store.file.wal_watch import WalWatch
from winlogd.store.submission import Fault, Submission
from winlogd.store.writer import rows
from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.patience import Patience
from winlogd.store.writer.recovery import OpenDatabase

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob
    from winlogd.store.jobs.running import RunningJobs
    from winlogd.store.writer.listener import Listener


class Writer:
    """The thread and the queue before it.

    Args:
        settings: the database.
        listener: told of results and faults.
    """

    def __init__(self, settings: Settings, listener: "Listener") -> None:
        self._listener = listener
        self._queue: SimpleQueue[list[Submission] | AnyJob | None] = SimpleQueue()
        self._inbox = Inbox(self._queue)
        self._waiting = self._inbox.waiting
        self._patience = Patience(self._inbox, listener)
        self._in_flight: list[Submission] = []
        self._opened = OpenDatabase(settings, self._on_busy, self._patience, listener)
        self._wal_watch = WalWatch(settings.path)
        self._jobs: RunningJobs | None = None  # not loaded until there is one
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Starts the thread, which opens the database."""
        self._thread.start()

    def submit(self, submissions: list[Submission]) -> None:
        """Queues events, from any thread; never blocks."""
        self._queue.put(submissions)

    def run(self, job: "AnyJob") -> None:
        """Ask for a job, from any thread; `Listener.job_ended` tells how it ended."""
        self._queue.put(job)

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
            self._opened.open()
            self._serve()
            self._abandon_jobs()
            self._opened.database.close()
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
                inbox.await_more(self._jobs.next_at_s if self._jobs is not None else None)
            inbox.await_turn()
            inbox.take_all_in()
            if waiting:
                self._write_patiently()
            elif inbox.is_stopping:
                return
            now_s = time.monotonic()
            if inbox.jobs:
                self._take_jobs()
            if self._jobs is not None and not inbox.is_stopping:
                self._jobs.go_on(now_s)
            if (size_bytes := self._wal_watch.grown(now_s)) is not None:
                self._report_wal(size_bytes)

    def _take_jobs(self) -> None:
        if self._jobs is None:
            from winlogd.store.jobs.running import RunningJobs  # loaded with the first job

            self._jobs = RunningJobs(self._opened, self._patience, self._listener)
        while self._inbox.jobs:
            self._jobs.add(self._inbox.jobs.popleft())

    def _abandon_jobs(self) -> None:
        if self._jobs is not None:
            self._jobs.abandon()

    def _report_wal(self, size_bytes: int) -> None:
        checkpoint = self._opened.database.checkpoint()
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
            self._opened.begin()
            self._inbox.take_all_in()
            if not self._waiting:  # all of it became overdue while a lock was waited for
                self._opened.database.rollback()
                return
            self._in_flight = list(self._waiting)
            self._waiting.clear()
            self._store(self._in_flight)
            self._in_flight = []
        except (ReplacedError, *WAIT_FOR):
            raise
        except Exception:
            self._opened.database.rollback()
            self._waiting.extendleft(reversed(self._in_flight))
            self._in_flight = []
            self._write_one_by_one()

    def _write_one_by_one(self) -> None:
        for _ in range(len(self._waiting)):
            if not self._waiting:  # what is overdue is answered while a lock is waited for
                return
            self._in_flight = [self._waiting.popleft()]
            try:
                self._opened.begin()
                self._store(self._in_flight)
            except (ReplacedError, *WAIT_FOR):
                raise
            except Exception as error:
                self._opened.database.rollback()
                self._listener.failed(error, self._in_flight[0])
                self._listener.finished([(self._in_flight[0], Fault.FAILED)])
            self._in_flight = []

    def _store(self, batch: list[Submission]) -> None:
        """Decides and inserts `batch` in the transaction that has begun, commits, hands the results back."""
        book, database = self._opened.book, self._opened.database
        book.recent.turn(time.monotonic())
        now_s = time.time()
        draft = Draft(book, self._read_stored, int(now_s * 1e9))
        decide = draft.decide
        decided = [(submission, decide(submission.event, submission.source_ip)) for submission in batch]
        rows.insert(database.connection, decided, now_s)
        database.commit()
        book.accept(draft)
        self._inbox.is_their_turn = True
        if self._jobs is not None:
            self._jobs.note_events()
        self._listener.finished(decided)

    def _read_stored(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        return load_book.read_stored(self._opened.database.connection, event_id, key, action, timestamp)

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
        self._opened.recover(error)
        self._patience.hear()
        self._patience.pause()

    def _give_up_all(self) -> None:
        self._abandon_jobs()
        self._inbox.take_all_in()
        lost = [*self._in_flight, *self._waiting]
        self._waiting.clear()
        self._listener.finished([(submission, Fault.UNAVAILABLE) for submission in lost])
