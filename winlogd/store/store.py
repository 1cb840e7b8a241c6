"""The store as the event loop sees it: events go in, results come out, both on the loop's thread.

Gathers the events of a few rounds of the loop into one hand-over, and turns what the writer's thread tells into
calls on the loop and lines in the log. Knows threads and the log; no SQL, no HTTP.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import apsw

from winlogd.events.event import Event
from winlogd.log.log import Log
from winlogd.sessions.book import Book
from winlogd.sessions.pair import Decision
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.database import Settings
from winlogd.store.submission import Fault, Result, Submission
from winlogd.store.writer.writer import Writer

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob, Job

_FIELDS: Final = ("id", "action", "user", "host", "session", "address")
_FIELDS_WITHOUT_NAMES: Final = ("id", "action", "host", "address")
_PLACE_BYTES: Final = 4096
"""What one event may bring and count as one of those that wait; the largest, of 80 KiB, count as twenty."""
_MAX_GATHERED: Final = 512
"""Events that are handed over without waiting for a round of the loop that brings none."""
_MAX_GATHER_S: Final = 0.002
"""How long the first of them may wait for that."""


class Owner(Protocol):
    """Who started the store; called on the loop's thread."""

    def store_opened(self, marks: Mapping[str, str]) -> None:
        """The database is open, and has these `marks` (`store.marks`)."""

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
        self._log = log
        self._path = settings.path
        self._event_timeout_s = event_timeout_s
        self._logs_events = log.enabled("info")
        self._logs_names = logs_names
        self._answer = answer
        self._owner = owner
        self._gathered: list[Submission] = []
        self._queued_events = self._room = queued_events  # `_room`: places that are left
        self._is_full = False
        self._gathering = self._is_crowded = False
        self._heard = 0
        self._gather_until_s = self._received_s = self._due_s = 0.0
        self._book: Book | None = None
        self._hurried = self._ended = False
        self._told_open = False
        self._jobs: dict[AnyJob, Callable[[Any], None]] = {}
        self._awaiting_book: list[Callable[[Book | None], None]] = []
        self._writer = Writer(settings, self)

    def start(self) -> None:
        """Begins to open the database, on the writer's thread."""
        self._writer.start()

    def hurry(self, timeout_s: float) -> None:
        """Before a stop: lets nothing wait longer than `timeout_s` for a database that cannot be written or read."""
        self._hurried = True
        self._writer.hurry(time.monotonic() + timeout_s)
        self._tell_book()

    def stop(self) -> None:
        """Commits what was submitted and closes the database; `Owner.store_ended` tells when."""
        self._hand_over()
        self._writer.stop()

    def submit(self, event: Event, source_ip: str, reply: Reply, octets: int) -> None:
        """Stores `event`; `answer` is called with `reply` once it is committed, or has failed.

        Args:
            octets: of memory, about, that all of them take until then.
        """
        if self._ended:
            self._answer(reply, event, Fault.UNAVAILABLE)
            return
        if not self._gathered:
            self._begin_round()
        places = 1 + octets // _PLACE_BYTES
        self._room -= places
        self._gathered.append(Submission(event, source_ip, self._received_s, self._due_s, reply, places))
        if self._room <= 0 and not self._is_full:
            self._is_full = True
            self._owner.store_full()

    def run(self, job: "Job[Any, Outcome]", tell: Callable[[Outcome | Exception], None]) -> None:
        """Run a job, a step at a time between the events.

        Args:
            job: what is to be done; begins when those that were asked for earlier have ended.
            tell: called when it has ended, with its outcome or why it ended early.
        """
        if self._ended or self._hurried:
            tell(JobCutShortError("winlogd is stopping"))
            return
        self._jobs[job] = tell
        self._writer.run(job)

    def with_book(self, use: Callable[[Book | None], None]) -> None:
        """Calls `use` with the committed state, as soon as that is in memory; None when a stop comes first."""
        if self._book is None and not self._hurried:
            self._awaiting_book.append(use)
        else:
            use(self._book)

    def _begin_round(self) -> None:
        """What one round of the loop brings was received at one time."""
        self._received_s = time.time()
        self._due_s = time.monotonic() + self._event_timeout_s
        self._hand_over_soon()

    def _hand_over_soon(self) -> None:
        if not self._gathering:
            self._gathering = True
            self._heard = 0
            self._gather_until_s = time.monotonic() + _MAX_GATHER_S
            self._loop.call_soon(self._hand_over_when_quiet)

    def _hand_over_when_quiet(self) -> None:
        """Goes on gathering for as long as each round of the loop brings events, when more than one client is there."""
        heard = len(self._gathered)
        if self._is_crowded and self._heard < heard < _MAX_GATHERED and time.monotonic() < self._gather_until_s:
            self._heard = heard
            self._received_s = time.time()
            self._loop.call_soon(self._hand_over_when_quiet)
            return
        self._gathering = False
        self._hand_over()
        self._writer.go_on()

    def _hand_over(self) -> None:
        if self._gathered:
            self._writer.submit(self._gathered)
            self._gathered = []

    def _deliver(self, results: Sequence[Result]) -> None:
        answer: Callable[[Any, Event, Decision | Fault], None] = self._answer
        for submission, outcome in results:
            self._room += submission.places
            answer(submission.reply, submission.event, outcome)
        if self._is_full and self._room > self._queued_events // 2:
            self._is_full = False
            self._owner.store_has_room()
        self._is_crowded = len(results) > 1
        if self._is_crowded:
            self._hand_over_soon()
        else:
            self._writer.go_on()

    def _take_book(self, book: Book) -> None:
        self._book = book
        self._tell_book()

    def _tell_book(self) -> None:
        awaiting, self._awaiting_book = self._awaiting_book, []
        for use in awaiting:
            use(self._book)

    def _end_job(self, job: "AnyJob", outcome: object) -> None:
        self._jobs.pop(job)(outcome)

    def _end(self, error: BaseException | None) -> None:
        """Answers what came too late for the writer, and passes the end on."""
        self._ended = True
        while self._jobs:
            _, tell = self._jobs.popitem()
            tell(JobCutShortError("winlogd is stopping; the rest moves another time"))
        self._hand_over()
        self._deliver([(submission, Fault.UNAVAILABLE) for submission in self._writer.leftovers()])
        self._owner.store_ended(error)

    # ── Listener, on the writer's thread ──────────────────────────────────────────────────────────────

    def opened(self, upgraded: bool, marks: Mapping[str, str]) -> None:
        """The database is open."""
        if upgraded:
            self._log.info("store", "database of an older server upgraded in place", path=self._path)
        self._loop.call_soon_threadsafe(self._owner.store_opened, marks)

    def loaded(self, book: Book) -> None:
        """Open sessions are in memory. Logged once: while a disk fails, they are read again many times a second."""
        if not self._told_open:
            self._told_open = True
            sessions = sum(1 for _ in book.open_sessions())
            self._log.info("store", "database opened", path=self._path, open_sessions=sessions)
        self._loop.call_soon_threadsafe(self._take_book, book)

    def finished(self, results: Sequence[Result]) -> None:
        """Some events are committed, or have failed."""
        if results:
            self._loop.call_soon_threadsafe(self._deliver, results)
            if self._logs_events:
                self._log_stored(results)

    def job_ended(self, job: "AnyJob", outcome: object) -> None:
        """A job has ended."""
        self._loop.call_soon_threadsafe(self._end_job, job, outcome)

    def waiting(self, error: Exception) -> None:
        """The database cannot be written for now."""
        self._log.warn(
            "store", "the database cannot be written for now; events wait", path=self._path, cause=str(error)
        )

    def recovered(self) -> None:
        """It can be written again."""
        self._log.info("store", "the database can be written again", path=self._path)

    def wal_grown(self, size_bytes: int, fault: apsw.Error | None) -> None:
        """The WAL has become large."""
        cause = "a program reads or writes the database without a pause" if fault is None else str(fault)
        self._log.warn(
            "store", "the WAL grows, because it cannot be moved into the database; events are stored in it meanwhile",
            path=self._path, mib=size_bytes >> 20, cause=cause,
        )  # fmt: skip

    def failed(self, error: Exception, submission: Submission) -> None:
        """One event could not be stored."""
        self._log.exception("store", "an event could not be stored", error, address=submission.source_ip)

    def ended(self, error: BaseException | None) -> None:
        """The writer's thread ends."""
        self._loop.call_soon_threadsafe(self._end, error)

    def _log_stored(self, results: Sequence[Result]) -> None:
        stored = [
            (submission.event, submission.source_ip, decision)
            for submission, decision in results
            if type(decision) is Decision and not decision.is_retry
        ]
        rows: list[tuple[object, ...]]
        if self._logs_names:
            names: tuple[str, ...] = _FIELDS
            rows = [
                (decision.event_id, event.action, event.username, event.hostname, decision.session_uuid, address)
                for event, address, decision in stored
            ]
        else:
            names = _FIELDS_WITHOUT_NAMES
            rows = [(decision.event_id, event.action, event.hostname, address) for event, address, decision in stored]
        self._log.each("info", "store", "event stored", names, rows)
