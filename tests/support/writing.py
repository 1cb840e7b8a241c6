"""A writer at work on a real file, and a listener that keeps its reports.

Other connections of apsw play other programs. Python's own sqlite3 is a second SQLite in the process: when it closes a
file, the locks of the first are lost (SQLite's "howtocorrupt.html" §2.2).
"""

import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from winlogd.events.event import Event
from winlogd.sessions.book import Book
from winlogd.sessions.pair import Decision
from winlogd.store.file.database import Database
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.job import AnyJob
from winlogd.store.submission import Fault, Result, Submission
from winlogd.store.writer.writer import Writer

PATIENCE_S: Final = 30.0
"""How long a test waits for an event that must happen: far more than it takes, even on a busy machine."""


def event(action: str, time: str, username: str = "alice", hostname: str | None = "A102-07") -> Event:
    return Event(username, action, f"2026-01-13T{time}Z", hostname, "Windows", "11", "26100", None)


def logons(*usernames: str) -> list[Event]:
    return [event("C", "08:00:00", username) for username in usernames]


class Ear:
    """Keeps a writer's reports in their order: (the method's name, its value)."""

    def __init__(self) -> None:
        self._heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.passed_over: list[tuple[str, Any]] = []

    def opened(self, upgraded: bool, marks: Mapping[str, str]) -> None:
        self._heard.put(("opened", upgraded))

    def loaded(self, book: Book) -> None:
        self._heard.put(("loaded", book))

    def finished(self, results: Sequence[Result]) -> None:
        if results:
            self._heard.put(("finished", results))

    def job_ended(self, job: AnyJob, outcome: object) -> None:
        self._heard.put(("job_ended", outcome))

    def job_progressed(self, job: AnyJob, progress: Mapping[str, int]) -> None:
        self._heard.put(("job_progressed", progress))

    def waiting(self, error: Exception) -> None:
        self._heard.put(("waiting", error))

    def recovered(self) -> None:
        self._heard.put(("recovered", None))

    def wal_grown(self, size_bytes: int, fault: apsw.Error | None) -> None:
        self._heard.put(("wal_grown", (size_bytes, fault)))

    def failed(self, error: Exception, submission: Submission) -> None:
        self._heard.put(("failed", (error, submission)))

    def ended(self, error: BaseException | None) -> None:
        self._heard.put(("ended", error))

    def wait_for(self, what: str) -> Any:  # noqa: ANN401  # any report's value
        """Wait for the next report `what`, and return its value. Earlier reports go to `passed_over`."""
        while True:
            heard, value = self._heard.get(timeout=PATIENCE_S)
            if heard == what:
                return value
            assert heard != "ended", f"the writer has ended: {value!r}"
            self.passed_over.append((heard, value))


class Running:
    """A writer that works on the database at `path`, from its construction on."""

    def __init__(self, path: Path, ear: Ear | None = None, **settings: Any) -> None:  # noqa: ANN401  # of Settings
        self.path = path
        self.ear = ear or Ear()
        defaults: dict[str, Any] = {"journal_mode": "WAL", "synchronous": "FULL", "cache_size": 10_000}
        self.writer = Writer(Settings(str(path), busy_timeout_ms=30_000, **defaults | settings), self.ear)
        self.writer.start()

    @property
    def database(self) -> Database:
        """Return the writer's own connection. It must be open."""
        serving = self.writer._serving
        assert serving is not None
        return serving.batches.opened.database

    @property
    def book(self) -> Book:
        """Return the writer's Book."""
        serving = self.writer._serving
        assert serving is not None
        return serving.batches.opened.book

    def submit(self, *events: Event, within_s: float = PATIENCE_S) -> list[Submission]:
        """Submit events as one list, as the loop does. They are due in `within_s`."""
        due_s = time.monotonic() + within_s
        submissions: list[Submission] = [
            Submission(event, "192.0.2.1", time.time(), due_s, _nobody, 1) for event in events
        ]
        self.writer.submit(submissions)
        return submissions

    def outcomes(self, count: int) -> list[Decision | Fault]:
        """Wait for the outcomes of the next `count` events, and return them in the order of the reports."""
        results: list[Decision | Fault] = []
        while len(results) < count:
            results += [outcome for _, outcome in self.ear.wait_for("finished")]
        assert len(results) == count
        return results

    def store(self, *events: Event) -> list[Decision]:
        """Submit events, and return their decisions when they are committed."""
        self.submit(*events)
        decisions = [outcome for outcome in self.outcomes(len(events)) if isinstance(outcome, Decision)]
        assert len(decisions) == len(events)
        return decisions

    def stop(self, within_s: float = PATIENCE_S) -> BaseException | None:
        """Ask the writer to stop, and return the error with which it ended, or None."""
        self.writer.hurry(time.monotonic() + within_s)
        self.writer.stop()
        error: BaseException | None = self.ear.wait_for("ended")
        return error

    def rows(
        self, sql: str = "SELECT * FROM events_today ORDER BY id", *values: str | int | None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a query, through another connection."""
        with closing(self._connect()) as connection:
            return connection.execute(sql, values).fetchall()

    def users(self) -> list[str]:
        """Return the users of the stored rows, in the order of ids."""
        return [username for (username,) in self.rows("SELECT username FROM events_today ORDER BY id")]

    def execute(self, sql: str, *values: str | int | None) -> None:
        """Write as another program does."""
        with closing(self._connect()) as connection:
            connection.execute(sql, values)

    @contextmanager
    def lock(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[apsw.Connection]:
        """Begin a transaction as another program, and roll it back at the end of the block."""
        with closing(self._connect()) as connection:
            connection.execute(begin)
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path))
        connection.set_busy_timeout(int(PATIENCE_S * 1000))
        return connection


def _nobody(event: Event, outcome: Decision | Fault) -> None:
    raise AssertionError("the writer itself answers nobody")
