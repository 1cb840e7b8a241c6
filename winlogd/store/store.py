"""The store as the event loop sees it: events go in, results come out, both on the loop's thread.

Turns the reports of the writer's thread into calls on the loop. `gathering` decides which events go to the writer
together, and `reporting` writes to the log. This file must not know SQL or HTTP.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from winlogd.events.event import Event
from winlogd.log.log import Log
from winlogd.sessions.book import Book
from winlogd.sessions.pair import Decision
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.settings import Settings
from winlogd.store.gathering import Gathering
from winlogd.store.reporting import Reporting, StoreState, Writability, plain_cause
from winlogd.store.submission import DURATIONS_S, Fault, Histogram, Result, Submission, count_waits
from winlogd.store.writer.writer import Writer

if TYPE_CHECKING:  # types only
    from winlogd.sessions.changes import Changes
    from winlogd.store.jobs.job import AnyJob, Job
    from winlogd.store.owner import Owner

_PLACE_BYTES: Final = 4096
"""An event takes one place in the queue, and one more for each full 4 KiB of memory: the largest, of 80 KiB, some
twenty."""


Reply = TypeVar("Reply")
"""The object by which a submitter answers the client. The store never looks into it."""

Outcome = TypeVar("Outcome")
"""A job's own summary of what it has done."""


class _Watcher(NamedTuple):
    """The callbacks for one job: its end, and its progress."""

    ended: Callable[[Any], None]
    report: Callable[[Mapping[str, int]], None] | None


class Store(Generic[Reply]):
    """Takes events on the event loop.

    Args:
        loop: the event loop.
        settings: the database.
        log: gets a line for each stored event and each fault.
        event_timeout_s: an event may be committed until this long after its receipt.
        queued_events: places for waiting events; an ordinary event takes one. The owner is notified when none is left.
        logs_names: log users' names, too.
        answer: called on the loop's thread with the reply that was submitted with an event, the event, and its outcome.
        owner: notified when the store opens, is full, has room again, and ends.

    Attributes:
        counts: returns what was committed since the start.
        answered_s: how long each event took from its receipt to its answer. Counted on the loop's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        log: Log,
        event_timeout_s: float,
        queued_events: int,
        logs_names: bool,
        answer: Callable[[Reply, Event, Decision | Fault], None],
        owner: "Owner",
    ) -> None:
        self._loop = loop
        self._event_timeout_s = event_timeout_s
        self._answer = answer
        self._owner = owner
        self._queued_events = self._room = queued_events  # `_room`: places that are left
        self._is_full = False
        self._due_s, self.answered_s = 0.0, Histogram(DURATIONS_S)
        self._book: Book | None = None
        self._changes: Changes | None = None
        self._writability = Writability(True, time.time(), None)
        self._hurried = self._ended = False
        self._jobs: dict[AnyJob, _Watcher] = {}
        self._awaiting_book: list[Callable[[Book | None], None]] = []
        self._reporting = Reporting(log, settings.path, names=logs_names)
        self.wal_grown, self.failed = self._reporting.wal_grown, self._reporting.failed
        self._writer = Writer(settings, self)
        self.writer_has_moved, self.counts = self._writer.has_moved, self._writer.counts
        self._gathering = Gathering(loop, self._writer.submit, self._writer.go_on)

    def start(self, prepare: Callable[[], None]) -> None:
        """Start the writer's thread, which calls `prepare` and then opens the database."""
        self._writer.start(prepare)

    def change(self, queued_events: int, logs_names: bool, min_free_bytes: int) -> None:
        """Take other values of the same names as in `Store` and its settings. Waiting events stay.

        Args:
            queued_events: places for waiting events.
            logs_names: log users' names, too.
            min_free_bytes: the free space that the disk must have.
        """
        self._room += queued_events - self._queued_events
        self._queued_events = queued_events
        self._reporting.logs_names = logs_names
        self._writer.change_free_space(min_free_bytes)
        self._notify_owner()

    def hurry(self, timeout_s: float) -> None:
        """Prepare a stop: let no event wait longer than `timeout_s` for a database that cannot be written or read."""
        self._hurried = True
        self._writer.hurry(time.monotonic() + timeout_s)
        self._pass_book_on()

    def stop(self) -> None:
        """Commit all submitted events and close the database. `Owner.store_ended` is called afterwards."""
        self._gathering.flush()
        self._writer.stop()

    def submit(self, event: Event, source_ip: str, reply: Reply, octets: int) -> None:
        """Store `event`. `answer` is called with `reply` when the event is committed or has failed.

        Args:
            event: the client's event.
            source_ip: the client's address.
            reply: passed on to `answer`.
            octets: about how much memory event and reply take until then.
        """
        if self._ended:
            self._answer(reply, event, Fault.UNAVAILABLE)
            return
        gathering = self._gathering
        if not gathering.gathered:
            self._begin_round()
        places = 1 + octets // _PLACE_BYTES
        self._room -= places
        gathering.gathered.append(Submission(event, source_ip, gathering.received_s, self._due_s, reply, places))
        if self._room <= 0:
            self._notify_owner()

    def run(
        self,
        job: "Job[Any, Outcome]",
        ended: Callable[[Outcome | Exception], None],
        report: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        """Run a job, a step at a time between the events.

        Args:
            job: begins when the earlier jobs have ended. A job with `goes_first` begins before the others.
            ended: called when the job has ended, with its outcome or with the exception that ended it.
            report: called now and then with the job's progress.
        """
        if self._ended or self._hurried:
            ended(JobCutShortError("winlogd is stopping"))
            return
        self._jobs[job] = _Watcher(ended, report)
        self._writer.run(job)

    def with_book(self, use: Callable[[Book | None], None]) -> None:
        """Call `use` with the Book as soon as it is in memory; with None if a stop comes first."""
        if self._book is None and not self._hurried:
            self._awaiting_book.append(use)
        else:
            use(self._book)

    def follow(self, changes: "Changes | None") -> None:
        """Have the Book note what changes from now on, also if events can be stored; None ends that."""
        self._changes = changes
        if self._book is not None:
            self._book.changes = changes

    def writability(self) -> Writability:
        """Return what is known of storing: events can be stored or not, and since when."""
        return self._writability

    def state(self) -> StoreState:
        """Return how the store is now."""
        is_stopping, queued = self._hurried or self._ended, self._queued_events - self._room
        return StoreState(self._book, is_stopping, queued, self._queued_events)

    def _begin_round(self) -> None:
        self._gathering.begin_round()
        self._due_s = time.monotonic() + self._event_timeout_s

    def _deliver(self, results: Sequence[Result]) -> None:
        answer: Callable[[Any, Event, Decision | Fault], None] = self._answer
        count_waits(self.answered_s, results, time.monotonic() + self._event_timeout_s)
        for submission, outcome in results:
            self._room += submission.places
            answer(submission.reply, submission.event, outcome)
        if self._is_full:
            self._notify_owner()
        self._gathering.note_answered(len(results))

    def _notify_owner(self) -> None:
        """Notify the owner if no place is left, or if more than half of the places are free again."""
        if self._room <= 0 and not self._is_full:
            self._is_full = True
            self._owner.store_full()
        elif self._is_full and self._room > self._queued_events // 2:
            self._is_full = False
            self._owner.store_has_room()

    def _take_book(self, book: Book) -> None:
        self._book = book
        if self._changes is not None:  # it has noted nothing of what the new Book has learnt
            book.changes = self._changes
            self._changes.note_all()
        self._pass_book_on()

    def _pass_book_on(self) -> None:
        awaiting, self._awaiting_book = self._awaiting_book, []
        for use in awaiting:
            use(self._book)

    def _note_writability(self, after: Callable[[Writability], Writability]) -> None:
        self._writability = after(self._writability)
        if self._changes is not None:
            self._changes.note(())

    def _end_job(self, job: "AnyJob", outcome: object) -> None:
        self._jobs.pop(job).ended(outcome)

    def _report_job(self, job: "AnyJob", progress: Mapping[str, int]) -> None:
        watcher = self._jobs.get(job)
        if watcher is not None and watcher.report is not None:
            watcher.report(progress)

    def _end(self, error: BaseException | None) -> None:
        """Answer the events that came too late for the writer, and notify the owner."""
        self._ended = True
        while self._jobs:
            _, watcher = self._jobs.popitem()
            watcher.ended(JobCutShortError("winlogd is stopping"))
        self._gathering.flush()
        self._deliver([(submission, Fault.UNAVAILABLE) for submission in self._writer.leftovers()])
        self._owner.store_ended(error)

    # ── Listener, on the writer's thread ──────────────────────────────────────────────────────────────

    def opened(self, upgraded: bool, marks: Mapping[str, str]) -> None:
        """Pass on that the database is open."""
        if upgraded:
            self._reporting.upgraded()
        self._loop.call_soon_threadsafe(self._owner.store_opened, marks)

    def loaded(self, book: Book) -> None:
        """Pass on that open sessions are in memory."""
        self._reporting.loaded(sum(1 for _ in book.open_sessions()))
        self._loop.call_soon_threadsafe(self._take_book, book)

    def finished(self, results: Sequence[Result]) -> None:
        """Pass on the results of some events, and log them."""
        if results:
            self._loop.call_soon_threadsafe(self._deliver, results)
            self._reporting.finished(results)

    def waiting(self, error: Exception) -> None:
        """Pass on that the database cannot be written for now, and log it."""
        self._reporting.waiting(error)
        now_s, cause = time.time(), plain_cause(error)
        self._loop.call_soon_threadsafe(self._note_writability, lambda before: before.after_fault(cause, now_s))

    def recovered(self) -> None:
        """Pass on that the database can be written again, and log it."""
        self._reporting.recovered()
        after = Writability(True, time.time(), None)
        self._loop.call_soon_threadsafe(self._note_writability, lambda _: after)

    def job_ended(self, job: "AnyJob", outcome: object) -> None:
        """Pass on that a job has ended."""
        self._loop.call_soon_threadsafe(self._end_job, job, outcome)

    def job_progressed(self, job: "AnyJob", progress: Mapping[str, int]) -> None:
        """Pass on a job's progress."""
        self._loop.call_soon_threadsafe(self._report_job, job, progress)

    def ended(self, error: BaseException | None) -> None:
        """Pass on that the writer's thread ends."""
        self._loop.call_soon_threadsafe(self._end, error)
