"""Runs jobs on the writer's thread: one step, the events that wait, the next step.

Jobs run in the order in which they were requested. A job that goes first runs before the others, even in the middle of
a longer one. Of those that go first, short ones run before backups and rotations, and these before deletions. This file
decides about steps, pauses, checkpoints and their faults. It must not know what a job does.
"""

import time
from typing import TYPE_CHECKING, Final

from winlogd.store.errors import LowSpaceError, ReplacedError, StoppedError, UnusableError
from winlogd.store.file.faults import LOCKS, WAIT_FOR
from winlogd.store.jobs.job import DELETES, AnyJob, Long, NotYetError, Step
from winlogd.store.jobs.pacing import Pacing

_LOCK_PAUSE_S: Final = 0.05
"""The pause before a step that has met a lock is tried again."""
_REPORT_EVERY_S: Final = 0.25
"""Report a job's progress at most this often."""

if TYPE_CHECKING:  # types only
    from winlogd.store.writer.listener import Listener
    from winlogd.store.writer.patience import Patience
    from winlogd.store.writer.recovery import OpenDatabase


class RunningJobs:
    """The jobs of one writer.

    Args:
        opened: the database and its Book.
        patience: waits until a fault of the environment has passed.
        listener: notified of each job's progress and end.
    """

    __slots__ = ("_batches", "_jobs", "_listener", "_opened", "_pacing", "_patience", "_report_at_s")

    def __init__(self, opened: "OpenDatabase", patience: "Patience", listener: "Listener") -> None:
        self._opened = opened
        self._patience = patience
        self._listener = listener
        self._batches = 0
        self._report_at_s = 0.0
        self._jobs: list[AnyJob] = []
        self._pacing: Final = Pacing()

    def add(self, job: AnyJob) -> None:
        """Add a job. `Listener.job_ended` is called when it has ended, unless the writer ends before it."""
        self._jobs.append(job)
        self._jobs.sort(key=_turn)  # a stable sort: jobs of one turn stay in their order

    @property
    def next_at_s(self) -> float | None:
        """Return when the next piece may begin, on the monotonic clock; None when there is no job."""
        return self._pacing.until_s if self._jobs else None

    def go_on(self, now_s: float, batches: int) -> None:
        """Do one piece of work, a step or a checkpoint, if one is due.

        Args:
            now_s: the monotonic clock.
            batches: how many batches of events were written so far. Pauses are longer while events come.

        Raises:
            ReplacedError, UnusableError, StoppedError: the writer has to end.
        """
        if batches != self._batches:
            self._batches = batches
            self._pacing.note_events()
        if not self._jobs or now_s < self._pacing.until_s:
            return
        if self._pacing.is_checkpoint_next:
            self._opened.database.checkpoint()
            self._pacing.after_checkpoint(now_s, time.monotonic())
        else:
            self._step_patiently(self._next())

    def abandon(self) -> None:
        """Abandon all jobs: the writer ends."""
        for job in self._jobs:
            _abandon(job)

    def _next(self) -> AnyJob:
        """Return the job whose step is next. While space is low, a job that needs none passes those that do."""
        job = self._jobs[0]
        if job.needs_space:
            others = [each for each in self._jobs if not each.needs_space]
            if others and self._is_low():
                return others[0]
        return job

    def _is_low(self) -> bool:
        try:
            self._opened.require_space()
        except LowSpaceError:
            return True
        return False

    def _step_patiently(self, job: AnyJob) -> None:
        try:
            if not self._is_ready_for(job):
                return
            step = self._step(job)
            outcome = job.outcome if step.is_last else None
        except _LockedOutError:
            self._pacing.until_s = time.monotonic() + _LOCK_PAUSE_S
        except NotYetError:
            self._pacing.wait(time.monotonic())
        except LOCKS as error:  # a COMMIT that waits for readers
            self._patience.report(error)
            self._recover(error)
        except WAIT_FOR as error:  # the disk fails, perhaps only where the job works: events go on without it
            self._recover(error)
            self._end(job, error)
        except (ReplacedError, UnusableError, StoppedError):
            raise
        except Exception as error:  # what is committed stays as it is
            self._opened.database.rollback()
            self._end(job, error)
        else:
            self._note_success(step)
            if step.is_last:
                self._end(job, outcome)
            else:
                self._report(job)

    def _is_ready_for(self, job: AnyJob) -> bool:
        """Check the disk, and begin a transaction if the next step needs one. Return False if the step has to wait."""
        try:
            if job.needs_space:
                self._opened.require_space()
            if job.needs_transaction:
                self._opened.begin()
            else:
                self._opened.database.check_identity()
        except WAIT_FOR as error:
            self._patience.report(error)
            self._recover(error)
            return False
        return True

    def _step(self, job: AnyJob) -> Step:
        opened = self._opened
        commits = job.needs_transaction  # read before the step: a trigger may end the transaction
        begun_s = time.monotonic()  # the wait for another program's write lock is no work
        self._patience.is_in_a_step = True
        try:
            step: Step = job.step(opened.database.connection, opened.book, time.time())
        except NotYetError:
            opened.database.rollback()
            raise
        except LOCKS:
            opened.database.rollback()
            raise _LockedOutError from None
        finally:
            self._patience.is_in_a_step = False
        if commits:
            opened.database.commit()
        ended_s = time.monotonic()
        self._pacing.after_step(begun_s, ended_s)
        if step.wrote:
            self._pacing.note_pages()
        try:
            job.took(step, opened.book, ended_s - begun_s)
        except Exception:
            opened.load_again()  # the Book does not agree with the committed rows
            raise
        return step

    def _note_success(self, step: Step) -> None:
        """End a reported wait. If events wait, their batch ends it."""
        if self._patience.reported and not self._patience.events_wait:
            if step.wrote:
                self._patience.end()
            else:
                self._patience.end_of_lock()

    def _report(self, job: AnyJob) -> None:
        now_s = time.monotonic()
        if now_s >= self._report_at_s:
            self._report_at_s = now_s + _REPORT_EVERY_S
            self._listener.job_progressed(job, job.progress)

    def _recover(self, error: Exception) -> None:
        self._opened.recover(error)
        self._patience.take_in()
        self._patience.pause()

    def _end(self, job: AnyJob, outcome: object) -> None:
        self._jobs.remove(job)
        fault = _abandon(job)
        self._pacing.end()
        self._listener.job_ended(job, outcome if fault is None else fault)


class _LockedOutError(Exception):
    """A step has met a lock that only this step needs. It wrote nothing; events are stored as usual."""


def _turn(job: AnyJob) -> int:
    """Return a number that is lower for a job that runs before another."""
    if not job.goes_first:
        return DELETES + 1
    return job.turn if isinstance(job, Long) else 0


def _abandon(job: AnyJob) -> Exception | None:
    """Call `job.abandon`. Return the exception that it raised, or None."""
    try:
        job.abandon()
    except Exception as error:  # a fault of the job's own must not end the writer
        return error
    return None
