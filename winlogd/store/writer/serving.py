"""The work of the writer's thread, from its start to its end: batches of events, steps of jobs, a look at the WAL.

A single event is committed at once. A thousand waiting events share one transaction and one fsync. The writer fills a
batch only when it holds the write lock, so that events that arrive during the wait join it. This file decides what
comes next. `batches` writes a batch, and `store.jobs.running` runs a job.
"""

import time
from typing import TYPE_CHECKING, Final

from winlogd.store.file.faults import WAIT_FOR
from winlogd.store.file.settings import Settings
from winlogd.store.file.wal_watch import WalWatch
from winlogd.store.submission import Submission
from winlogd.store.writer.batches import Batches
from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.patience import Patience

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.running import RunningJobs
    from winlogd.store.writer.listener import Listener

_RECHECK_AGAIN_S: Final = 0.05
"""The pause before `Recheck` is tried again after a fault."""


class Serving:
    """The work of one writer's thread.

    Args:
        settings: the database.
        inbox: holds the waiting events and jobs.
        listener: notified of results and faults.

    Attributes:
        batches: writes the events.
    """

    def __init__(self, settings: Settings, inbox: Inbox, listener: "Listener") -> None:
        self._inbox = inbox
        self._listener = listener
        self._patience = Patience(inbox, listener)
        self.batches = Batches(settings, inbox, self._patience, listener)
        self._wal_watch = WalWatch(settings.path)
        self._recheck_at_s = 0.0
        self._jobs: RunningJobs | None = None  # not loaded until there is one

    def run(self) -> None:
        """Open the database, serve until a stop is requested and all events are written, and close it.

        Raises:
            StoppedError: a stop was requested before the database could be opened.
            UnusableError, ReplacedError: the database cannot be opened, or its path leads to another file.
        """
        self.batches.opened.open()
        self._serve()
        self._abandon_jobs()
        self.batches.opened.database.close()

    def change_free_space(self, least_bytes: int) -> None:
        """Let the disk need another free space. Any thread may call this."""
        self.batches.opened.space.change(least_bytes)

    def give_up(self) -> list[Submission]:
        """Abandon all jobs, and return all events that are not written: the thread ends with an error."""
        self._abandon_jobs()
        return self.batches.give_up()

    def _serve(self) -> None:
        inbox, waiting = self._inbox, self._inbox.waiting
        while True:
            # A wait for a lock takes jobs out of the queue, too: nothing would wake the thread for them.
            if not waiting and not inbox.jobs and not inbox.is_stopping:
                inbox.await_more(self._next_at_s())
            inbox.await_turn()
            inbox.take_all_in()
            if waiting:
                self.batches.write_patiently()
            elif inbox.is_stopping:
                return
            now_s = time.monotonic()
            if inbox.jobs:
                self._take_jobs()
            if self._jobs is not None and not inbox.is_stopping:
                self._jobs.go_on(now_s, self.batches.written)
            if self.batches.opened.recheck.is_due and not inbox.is_stopping:
                self._recheck(now_s)
            if (size_bytes := self._wal_watch.grown(now_s)) is not None:
                self._report_wal(size_bytes)

    def _next_at_s(self) -> float | None:
        """Return when a job or a recheck is due, on the monotonic clock; None if there is neither."""
        job_at_s = self._jobs.next_at_s if self._jobs is not None else None
        if not self.batches.opened.recheck.is_due:
            return job_at_s
        return self._recheck_at_s if job_at_s is None else min(self._recheck_at_s, job_at_s)

    def _recheck(self, now_s: float) -> None:
        """Check some more pairs. After a fault that may pass, try again a little later."""
        if now_s < self._recheck_at_s:
            return
        try:
            self.batches.opened.recheck.go_on()
        except WAIT_FOR:
            self._recheck_at_s = now_s + _RECHECK_AGAIN_S

    def _take_jobs(self) -> None:
        if self._jobs is None:
            from winlogd.store.jobs.running import RunningJobs  # loaded with the first job

            self._jobs = RunningJobs(self.batches.opened, self._patience, self._listener)
        while self._inbox.jobs:
            self._jobs.add(self._inbox.jobs.popleft())

    def _abandon_jobs(self) -> None:
        self._inbox.take_all_in()
        if self._inbox.jobs:  # jobs that were not started are abandoned, too
            self._take_jobs()
        if self._jobs is not None:
            self._jobs.abandon()

    def _report_wal(self, size_bytes: int) -> None:
        checkpoint = self.batches.opened.database.checkpoint()
        if checkpoint.frames_left:  # without frames, the next COMMIT restarts the WAL and cuts it
            self._listener.wal_grown(size_bytes, checkpoint.fault)
