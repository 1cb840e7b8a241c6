"""The store as the event loop sees it: events go in, results come out, both on the loop's thread.

Turns what the writer's thread tells into calls on the loop. Knows both threads; no SQL, no HTTP. What goes to the
writer together is `gathering`'s, what the log says is `reporting`'s.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

from winlogd.events.event import Event
from winlogd.log.log import Log
from winlogd.sessions.book import Book
from winlogd.sessions.pair import Decision
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.settings import Settings
from winlogd.store.gathering import Gathering
from winlogd.store.reporting import Reporting
from winlogd.store.submission import Fault, Result, Submission
from winlogd.store.writer.writer import Writer

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob, Job

_PLACE_BYTES: Final = 4096
"""What one event may bring and count as one of those that wait; the largest, of 80 KiB, count as twenty."""


class Owner(Protocol):
    """Who started the store; called on the loop's thread."""

    def store_opened(self, marks: Mapping[str, str]) -> None:
        """The database is open, and has these `marks` (`store.file.marks`)."""

    def store_full(self) -> None:
        """So many events wait that no further ones should be submitted until `store_has_room`; none is refused."""

    def store_has_room(self) -> None:
        """Less than half as many events wait."""

    def store_ended(self, error: BaseException | None) -> None:
        """The writer has ended: None after `Store.stop`, otherwise the process must end."""


Reply = TypeVar("Reply")
"""What a submitter needs to answer the client."""

Outcome = TypeVar("Outcome")
"""What a job has done, as it tells it itself."""


class _Watcher(NamedTuple):
    """Who is told of one job."""

    tell: Callable[[Any], None]
    report: Callable[[Mapping[str, int]], None] | None


class Store(Generic[Reply]):
    """Takes events on the event loop.

    Args:
        loop: the event loop.
        settings: the database.
        log: told of stored events and faults.
        event_timeout_s: how long after its receipt an event may be committed.
        queued_events: how many ordinary events may wait for their answers before the owner is told.
        logs_names: whether users' names may appear in the log.
        answer: called on the loop's thread with what was submitted with an event, the event, and what became of it.
        owner: told when the store opens and ends.
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
        owner: Owner,
    ) -> None:
        self._loop = loop
        self._event_timeout_s = event_timeout_s
        self._answer = answer
        self._owner = owner
        self._queued_events = self._room = queued_events  # `_room`: places that are left
        self._is_full = False
        self._due_s = 0.0
        self._book: Book | None = None
        self._hurried = self._ended = False
        self._jobs: dict[AnyJob, _Watcher] = {}
        self._awaiting_book: list[Callable[[Book | None], None]] = []
        self._reporting = Reporting(log, settings.path, names=logs_names)
        self.waiting = self._reporting.waiting
        self.recovered = self._reporting.recovered
        self.wal_grown = self._reporting.wal_grown
        self.failed = self._reporting.failed
        self._writer = Writer(settings, self)
        self._gathering = Gathering(loop, self._writer.submit, self._writer.go_on)

    def start(self, prepare: Callable[[], None]) -> None:
        """Begin to open the database on the writer's thread, after `prepare` has run there."""
        self._writer.start(prepare)

    def hurry(self, timeout_s: float) -> None:
        """Before a stop: lets nothing wait longer than `timeout_s` for a database that cannot be written or read."""
        self._hurried = True
        self._writer.hurry(time.monotonic() + timeout_s)
        self._tell_book()

    def stop(self) -> None:
        """Commits what was submitted and closes the database; `Owner.store_ended` tells when."""
        self._gathering.flush()
        self._writer.stop()

    def submit(self, event: Event, source_ip: str, reply: Reply, octets: int) -> None:
        """Stores `event`; `answer` is called with `reply` once it is committed, or has failed.

        Args:
            octets: of memory, about, that all of them take until then.
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
        if self._room <= 0 and not self._is_full:
            self._is_full = True
            self._owner.store_full()

    def run(
        self,
        job: "Job[Any, Outcome]",
        tell: Callable[[Outcome | Exception], None],
        report: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        """Run a job, a step at a time between the events.

        Args:
            job: what is to be done. It begins when the jobs that were asked for earlier have ended; a job that goes
                first begins before the others.
            tell: called when it has ended, with its outcome or why it ended early.
            report: called now and then with how far it is.
        """
        if self._ended or self._hurried:
            tell(JobCutShortError("winlogd is stopping"))
            return
        self._jobs[job] = _Watcher(tell, report)
        self._writer.run(job)

    def with_book(self, use: Callable[[Book | None], None]) -> None:
        """Calls `use` with the committed state, as soon as that is in memory; None when a stop comes first."""
        if self._book is None and not self._hurried:
            self._awaiting_book.append(use)
        else:
            use(self._book)

    def _begin_round(self) -> None:
        self._gathering.begin_round()
        self._due_s = time.monotonic() + self._event_timeout_s

    def _deliver(self, results: Sequence[Result]) -> None:
        answer: Callable[[Any, Event, Decision | Fault], None] = self._answer
        for submission, outcome in results:
            self._room += submission.places
            answer(submission.reply, submission.event, outcome)
        if self._is_full and self._room > self._queued_events // 2:
            self._is_full = False
            self._owner.store_has_room()
        self._gathering.note_answered(len(results))

    def _take_book(self, book: Book) -> None:
        self._book = book
        self._tell_book()

    def _tell_book(self) -> None:
        awaiting, self._awaiting_book = self._awaiting_book, []
        for use in awaiting:
            use(self._book)

    def _end_job(self, job: "AnyJob", outcome: object) -> None:
        self._jobs.pop(job).tell(outcome)

    def _report_job(self, job: "AnyJob", progress: Mapping[str, int]) -> None:
        watcher = self._jobs.get(job)
        if watcher is not None and watcher.report is not None:
            watcher.report(progress)

    def _end(self, error: BaseException | None) -> None:
        """Answers what came too late for the writer, and passes the end on."""
        self._ended = True
        while self._jobs:
            _, watcher = self._jobs.popitem()
            watcher.tell(JobCutShortError("winlogd is stopping"))
        self._gathering.flush()
        self._deliver([(submission, Fault.UNAVAILABLE) for submission in self._writer.leftovers()])
        self._owner.store_ended(error)

    # ── Listener, on the writer's thread ──────────────────────────────────────────────────────────────

    def opened(self, upgraded: bool, marks: Mapping[str, str]) -> None:
        """The database is open."""
        if upgraded:
            self._reporting.upgraded()
        self._loop.call_soon_threadsafe(self._owner.store_opened, marks)

    def loaded(self, book: Book) -> None:
        """Open sessions are in memory."""
        self._reporting.loaded(sum(1 for _ in book.open_sessions()))
        self._loop.call_soon_threadsafe(self._take_book, book)

    def finished(self, results: Sequence[Result]) -> None:
        """Some events are committed, or have failed."""
        if results:
            self._loop.call_soon_threadsafe(self._deliver, results)
            self._reporting.finished(results)

    def job_ended(self, job: "AnyJob", outcome: object) -> None:
        """A job has ended."""
        self._loop.call_soon_threadsafe(self._end_job, job, outcome)

    def job_progressed(self, job: "AnyJob", progress: Mapping[str, int]) -> None:
        """A job is so far."""
        self._loop.call_soon_threadsafe(self._report_job, job, progress)

    def ended(self, error: BaseException | None) -> None:
        """The writer's thread ends."""
        self._loop.call_soon_threadsafe(self._end, error)
