"""The writer thread: takes all events that wait, commits them in one transaction, hands the results back.

It is the only one that writes or checkpoints the database. One event alone is committed at once and waits for nobody;
a thousand that wait share one transaction and one fsync. A batch is taken up only when the write lock is held, so that
whatever arrives during the wait joins it. What happens to a batch is in `batches`, between them jobs go on
(`store.jobs.running`).
"""

import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from winlogd.store.errors import StoppedError
from winlogd.store.file.database import Settings
from winlogd.store.file.wal_watch import WalWatch
from winlogd.store.submission import Fault, Submission
from winlogd.store.writer.batches import Batches
from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.patience import Patience

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
        self._patience = Patience(self._inbox, listener)
        self._batches = Batches(settings, self._inbox, self._patience, listener)
        self._opened = self._batches.opened
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
        return list(self._inbox.waiting)

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
            self._abandon_jobs()
            lost = self._batches.give_up()
            self._listener.finished([(submission, Fault.UNAVAILABLE) for submission in lost])
            self._listener.ended(error)
        else:
            self._listener.ended(None)

    def _serve(self) -> None:
        inbox, waiting = self._inbox, self._inbox.waiting
        while True:
            if not waiting and not inbox.is_stopping:
                inbox.await_more(self._jobs.next_at_s if self._jobs is not None else None)
            inbox.await_turn()
            inbox.take_all_in()
            if waiting:
                self._batches.write_patiently()
            elif inbox.is_stopping:
                return
            now_s = time.monotonic()
            if inbox.jobs:
                self._take_jobs()
            if self._jobs is not None and not inbox.is_stopping:
                self._jobs.go_on(now_s, self._batches.written)
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
