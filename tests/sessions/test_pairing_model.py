"""The pairing rules against a model that keeps all rows in a list and searches it.

The model is slow and simple on purpose: each rule reads like its sentence in the specification.
"""

from contextlib import closing
from fractions import Fraction
from typing import NamedTuple
from unicodedata import normalize

import apsw
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from winlogd.events.event import Event
from winlogd.events.timestamps import utc_text
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import Decision, OpenSession, PairKey, System, pair_key
from winlogd.sessions.pairing import Draft
from winlogd.sessions.retries import RecentEvents
from winlogd.store import load_book
from winlogd.store.file import schema

FORGOTTEN_AFTER_S = 1000.0
NOW_S = 1_768_300_000.0


class Row(NamedTuple):
    """A row of the table. `is_recent` is True while it is remembered to recognise retries."""

    event_id: int
    username: str
    hostname: str | None
    action: str
    timestamp: str
    session_uuid: str
    is_automatic: bool = False
    is_recent: bool = True

    def is_of(self, event: Event) -> bool:
        return pair_of(self.username, self.hostname) == pair_of(event.username, event.hostname)


def pair_of(username: str, hostname: str | None) -> tuple[str, str]:
    """Return the folded names: Unicode NFC, then casefold, without a trailing dot of the host."""
    user, host = (normalize("NFC", name).casefold() for name in (username, hostname or "unknown"))
    return user, host[:-1] if host.endswith(".") else host


def seconds(timestamp: str) -> Fraction:
    """Return the exact seconds since midnight. All timestamps here are of one day."""
    hour, minute, second = timestamp[11:].removesuffix("Z").removesuffix("+00:00").split(":")
    return Fraction(hour) * 3600 + Fraction(minute) * 60 + Fraction(second)


class Model:
    """All rows. Each rule is a search among them."""

    def __init__(self, rows: list[Row], last_id: int) -> None:
        self.rows = list(rows)
        self.last_id = last_id

    def open_sessions(self, event: Event) -> list[Row]:
        closed = {row.session_uuid for row in self.rows if row.action == "D"}
        logons = [row for row in self.rows if row.action == "C" and row.session_uuid not in closed and row.is_of(event)]
        return sorted(logons, key=lambda row: (seconds(row.timestamp), row.event_id))

    def first_of(self, event: Event) -> Row | None:
        """Return the row of which `event` is a retry, or None."""
        of_pair = [row for row in self.rows if row.is_of(event) and row.action == event.action and not row.is_automatic]
        recent = [row for row in of_pair if row.is_recent or row is of_pair[-1]]
        same = [row for row in recent if row.timestamp == event.timestamp]
        return same[-1] if same and not self.is_ended(same[-1], event) else None

    def is_ended(self, first: Row, event: Event) -> bool:
        """Return True if the pair's client sent the opposite action with the same whole second after `first`."""
        return "." not in event.timestamp and any(
            row.event_id > first.event_id and row.timestamp == event.timestamp and not row.is_automatic
            for row in self.rows
            if row.is_of(event) and {row.action, event.action} == {"C", "D"}
        )

    def store(self, event: Event, decision: Decision) -> None:
        """Check `decision` against the rules, and add the rows that they require."""
        first = self.first_of(event)
        if first is not None:
            assert decision == Decision(first.timestamp, first.event_id, first.session_uuid, True)
            return
        open_sessions = self.open_sessions(event)
        assert not decision.is_retry
        if event.action == "C":
            closed_uuids = [closed.session.session_uuid for closed in decision.closed]
            assert sorted(closed_uuids) == sorted({row.session_uuid for row in open_sessions})
            for closed in decision.closed:
                session_uuid = closed.session.session_uuid
                began = max(seconds(row.timestamp) for row in open_sessions if row.session_uuid == session_uuid)
                assert seconds(closed.timestamp) == max(seconds(event.timestamp) - 1, began)
                self._add(event, closed.event_id, "D", closed.timestamp, session_uuid, is_automatic=True)
            self._check_new(decision.session_uuid, "", event)
        elif event.action == "D" and open_sessions:
            assert decision.session_uuid == open_sessions[-1].session_uuid
        else:
            self._check_new(decision.session_uuid, "orphan_" if event.action == "D" else "hardware_", event)
        self._add(event, decision.event_id, event.action, event.timestamp, decision.session_uuid, is_automatic=False)

    def _check_new(self, session_uuid: str, prefix: str, event: Event) -> None:
        assert session_uuid.startswith(f"{prefix}{event.username}@{event.hostname or 'unknown'}@")
        assert all(row.session_uuid[-6:] != session_uuid[-6:] for row in self.rows)

    def _add(
        self, event: Event, event_id: int, action: str, timestamp: str, session_uuid: str, is_automatic: bool
    ) -> None:
        assert event_id == self.last_id + 1
        self.last_id = event_id
        self.rows.append(Row(event_id, event.username, event.hostname, action, timestamp, session_uuid, is_automatic))


def event(username: str, hostname: str | None, action: str, hour: str, second: str) -> Event:
    return Event(username, action, f"2026-01-13T{hour}:00:{second}", hostname, None, None, None, None)


# Few values, so that many events are of the same pair and time.
events = st.builds(
    event,
    st.sampled_from(["alice", "ALICE", "\u00e9lise", "E\u0301LISE"]),
    st.sampled_from(["A", "a.", None]),
    st.sampled_from("CCDDM"),
    st.sampled_from(["08", "09"]),
    st.sampled_from(["00Z", "00+00:00", "00.5Z", "00.50Z", "01Z", "59.9Z", "60Z"]),
)
batches = st.lists(events, min_size=1, max_size=6)

INSERT = """INSERT INTO events_today (id, username, hostname, action, timestamp, session_uuid, origin, server_timestamp)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


def columns_of(row: Row) -> tuple[int | str | None, ...]:
    """Return the values of a row for `INSERT`."""
    origin = "auto" if row.is_automatic else "client"
    received = utc_text(NOW_S if row.is_recent else NOW_S - FORGOTTEN_AFTER_S)
    return *row[:6], origin, received


def pair_of_row(row: Row) -> tuple[str, str]:
    return pair_of(row.username, row.hostname)


class Sessions(RuleBasedStateMachine):
    """Batches come and are committed or dropped, and time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(RecentEvents(0.0), Identifiers())
        self.model = Model([], 0)
        self.now_s = 0.0
        self.now_ns = 0

    def read_stored(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        for row in self.model.rows:
            if (row.event_id, row.action, row.timestamp) == (event_id, action, timestamp) and not row.is_automatic:
                return Decision(timestamp, event_id, row.session_uuid) if key == "\0".join(pair_of_row(row)) else None
        return None

    @initialize(timestamps=st.lists(st.sampled_from(["T08:00:30Z", "T08:00:60Z", "T09:00:00.5Z"]), max_size=3))
    def an_older_server_left_open_sessions(self, timestamps: list[str]) -> None:
        for number, time in enumerate(timestamps, 1):
            row = Row(number, "alice", "A", "C", f"2026-01-13{time}", f"alice@A@{number:06x}", is_recent=False)
            session = OpenSession(number, row.session_uuid, row.timestamp, "alice", "A", None, System(None, None))
            self.model.rows.append(row)
            self.book.observe_open(session)
            self.book.observe_latest(pair_key("alice", "A"), "C", Decision(row.timestamp, number, row.session_uuid))
            self.book.identifiers.mark(row.session_uuid)
        self.book.last_id = self.model.last_id = len(timestamps)

    def decide(self, batch: list[Event]) -> tuple[Draft, Model]:
        self.now_ns += 1_000
        draft = Draft(self.book, self.read_stored, self.now_ns)
        model = Model(self.model.rows, self.model.last_id)
        for event in batch:
            model.store(event, draft.decide(event, "192.0.2.1"))
        return draft, model

    @rule(batch=batches)
    def a_batch_is_committed(self, batch: list[Event]) -> None:
        draft, model = self.decide(batch)
        self.book.accept(draft)
        self.model = model

    @rule(batch=batches)
    def a_batch_is_thrown_away(self, batch: list[Event]) -> None:
        before = dict(self.book.pairs), self.book.last_id
        self.decide(batch)
        assert (self.book.pairs, self.book.last_id) == before

    @rule(batch=batches)
    def a_batch_fails_and_is_repeated_one_by_one(self, batch: list[Event]) -> None:
        self.decide(batch)
        for event in batch:
            self.a_batch_is_committed([event])

    @rule()
    def time_passes(self) -> None:
        self.now_s += FORGOTTEN_AFTER_S
        self.book.recent.turn(self.now_s)
        self.model.rows = [row._replace(is_recent=False) for row in self.model.rows]

    @rule(which=st.integers(0, 50))
    def another_program_closes_a_session(self, which: int) -> None:
        sessions = sorted(self.book.open_sessions(), key=lambda session: session.event_id)
        if sessions:
            gone = sessions[which % len(sessions)]
            row = next(row for row in self.model.rows if row.event_id == gone.event_id)
            self.model.last_id += 1
            self.model.rows.append(row._replace(event_id=self.model.last_id, action="D", is_automatic=True))
            self.book.close_whoever_has(gone.session_uuid)
            self.book.last_id = self.model.last_id

    @rule(which=st.integers(0, 50), username=st.sampled_from(["alice", "bob"]))
    def another_program_copies_a_logon(self, which: int, username: str) -> None:
        logons = [row for row in self.model.rows if row.action == "C"]
        if logons:
            copied = logons[which % len(logons)]
            self.model.last_id += 1
            row = copied._replace(event_id=self.model.last_id, username=username, is_automatic=True)
            self.model.rows.append(row)
            if not any(row.session_uuid == copied.session_uuid for row in self.model.rows if row.action == "D"):
                names = username, row.hostname
                session = OpenSession(row.event_id, row.session_uuid, row.timestamp, *names, None, System(None, None))
                self.book.observe_open(session)
            self.book.last_id = self.model.last_id

    @rule()
    def the_server_is_started_again(self) -> None:
        with closing(apsw.Connection("")) as connection:
            schema.prepare(connection)
            connection.executemany(INSERT, [columns_of(row) for row in self.model.rows])
            book = Book(RecentEvents(self.now_s), Identifiers())
            load_book.load(connection, book, NOW_S)
        book.last_id = self.model.last_id
        self.book = book

    @invariant()
    def open_sessions_are_logons_without_a_logoff(self) -> None:
        closed = {row.session_uuid for row in self.model.rows if row.action == "D"}
        expected = {row.event_id for row in self.model.rows if row.action == "C" and row.session_uuid not in closed}
        assert {session.event_id for session in self.book.open_sessions()} == expected


TestSessions = Sessions.TestCase
TestSessions.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
