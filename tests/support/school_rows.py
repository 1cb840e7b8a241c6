"""Puts a simulated school into a database, by winlogd's own rules and rows, but without network, threads and clock.

The server's clock is that of the school. So a week takes a second or two. Identifiers of sessions are drawn by that
clock, and are the same for the same school and the same moments.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import Final

from tests.support.school_clients import Sent
from winlogd.events.decode import EventDecoder
from winlogd.scheduled.clock import Schedule
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import ACTIONS, Decision, PairKey
from winlogd.sessions.pairing import Draft
from winlogd.sessions.retries import RecentEvents
from winlogd.sessions.session import US
from winlogd.store import load_book
from winlogd.store.file.database import Database
from winlogd.store.file.marks import ROTATED_DAY, read_marks, set_mark
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.jobs.steps import ALONE
from winlogd.store.submission import Submission
from winlogd.store.writer import rows

ROTATES_AT: Final = "01:00"
_BATCH: Final = 64
"""The most events of one transaction."""
_A_STEP_TAKES_S: Final = 0.01
"""How long a step of a rotation takes by the school's clock."""


class ClockedServer:
    """What a server does with its database, at the moments that the caller gives.

    It uses UTC, and rotates at 01:00. Use it in a ``with`` block, or close it.

    Args:
        path: the database, which may exist.
        now_us: the time, in microseconds since 1970.
        keep_open_hours: as in the configuration.

    Attributes:
        database: the open database. Between the calls there is no transaction.
        book: the open sessions, as of the last transaction.
        schedule: when it rotates.
    """

    def __init__(self, path: Path, now_us: int, keep_open_hours: float = 24.0) -> None:
        self.database: Final = Database(Settings(str(path), "WAL", "OFF", 30_000, 10_000), lambda _: False)
        self.schedule: Final = Schedule(ROTATES_AT, UTC)
        self._keep_open_hours = keep_open_hours
        self._decode = EventDecoder(ACTIONS).decode
        self.book: Book
        self.restart(now_us)
        with self.database.connection as connection:
            if ROTATED_DAY not in read_marks(connection):
                set_mark(connection, ROTATED_DAY, self.schedule.last(now_us / US).day)

    def restart(self, now_us: int) -> None:
        """Forget what is in memory, and load it again, as a start does."""
        now_s = now_us / US
        self.book = Book(RecentEvents(now_s), Identifiers())
        with self.database.connection as connection:
            load_book.load(connection, self.book, now_s)

    def receive(self, batch: Sequence[Sent]) -> list[Decision]:
        """Store events in one transaction, and return what was decided on each. They must be in order of receipt."""
        now_s = batch[-1].received_us / US
        self.book.recent.turn(now_s)
        self.database.begin()
        draft = Draft(self.book, self._read_stored, int(now_s * 1e9))
        decided = []
        for sent in batch:
            submission = Submission(self._decode(sent.body), sent.source_ip, sent.received_us / US, 0.0, None, 1)
            decided.append((submission, draft.decide(submission.event, sent.source_ip)))
        rows.insert(self.database.connection, decided, now_s)
        self.database.commit()
        self.book.accept(draft)
        return [decision for _, decision in decided]

    def rotate(self, now_us: int) -> None:
        """Run a whole rotation, as the server does at night."""
        now_s = now_us / US
        wanted = rules(now_s, self.schedule.midnight_s(now_s), self._keep_open_hours)
        rotation = Rotation(wanted, self.schedule.last(now_s).day, ALONE)
        is_last = False
        while not is_last:
            self.database.begin()
            step = rotation.step(self.database.connection, self.book, now_s)
            self.database.commit()
            rotation.took(step, self.book, _A_STEP_TAKES_S)
            is_last = step.is_last
            now_s += _A_STEP_TAKES_S
        rotation.abandon()

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def __enter__(self) -> "ClockedServer":
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the database."""
        self.close()

    def _read_stored(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        return load_book.read_stored(self.database.connection, event_id, key, action, timestamp)


AtMoment = Callable[[ClockedServer, int], None]
"""Called with the server and the moment, in microseconds since 1970."""
AfterEvent = Callable[[ClockedServer, Sent, Decision], None]
"""Called when an event is committed, with the server, the event, and what was decided on it."""


def store(
    path: Path,
    sent: Sequence[Sent],
    *,
    until_us: int | None = None,
    keep_open_hours: float = 24.0,
    restarts_us: Iterable[int] = (),
    moments_us: Iterable[int] = (),
    at_moment: AtMoment | None = None,
    after_night: AtMoment | None = None,
    after_event: AfterEvent | None = None,
) -> None:
    """Store the events of a school, and rotate each night at 01:00.

    Restarts and moments before the first event or after the end are left out.

    Args:
        path: the database, which may exist.
        sent: the events in order of receipt.
        until_us: stop at this instant, and leave out what comes later. None stops after the last event.
        keep_open_hours: how old an open session may become.
        restarts_us: when the server starts anew, such as at the end of each outage.
        moments_us: when to call `at_moment`: all events received before are committed, and no others.
        at_moment: called at each of `moments_us`.
        after_night: called after each rotation.
        after_event: called after each event. Each event then has its own transaction.
    """
    if not sent:
        return
    begin_us = sent[0].received_us
    end_us = sent[-1].received_us + 1 if until_us is None else until_us
    with ClockedServer(path, begin_us, keep_open_hours) as server:

        def pass_night(now_us: int) -> None:
            server.rotate(now_us)
            if after_night is not None:
                after_night(server, now_us)

        def look(now_us: int) -> None:
            if at_moment is not None:
                at_moment(server, now_us)

        stops: list[tuple[int, Callable[[int], None]]] = [(each, server.restart) for each in restarts_us]
        stops += [(each, pass_night) for each in _nights_us(server.schedule, begin_us, end_us)]
        stops += [(each, look) for each in moments_us]
        stops = sorted((stop for stop in stops if begin_us <= stop[0] <= end_us), key=lambda stop: stop[0])
        at = 0
        for stop_us, do in [*stops, (end_us, lambda _: None)]:
            first = at
            while at < len(sent) and sent[at].received_us < stop_us:
                at += 1
            _receive(server, sent[first:at], after_event)
            do(stop_us)


def _nights_us(schedule: Schedule, begin_us: int, end_us: int) -> Iterator[int]:
    """Yield when the server rotates, up to `end_us`."""
    night_us = begin_us
    while (night_us := int(schedule.following(night_us / US).at_s) * US) <= end_us:
        yield night_us


def _receive(server: ClockedServer, sent: Sequence[Sent], after_event: AfterEvent | None) -> None:
    if after_event is None:
        for begin in range(0, len(sent), _BATCH):
            server.receive(sent[begin : begin + _BATCH])
        return
    for event in sent:
        [decision] = server.receive([event])
        after_event(server, event, decision)
