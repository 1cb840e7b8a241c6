"""Pages of raw events: each row once, whatever the rotation moves meanwhile, and the filters as a person means them."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.support.questions import a_site, at, interrupted, reading, receive, rows, sent, stay
from tests.support.school import School, a_school
from tests.support.school_rows import ClockedServer, store
from tests.support.school_truth import HOUR_US
from winlogd.events.names import folded, folded_host, short_host, short_user
from winlogd.events.patterns import Pattern
from winlogd.events.timestamps import microseconds
from winlogd.store.past.names import address_digits
from winlogd.store.read.access import Access
from winlogd.store.read.event_ids import Position
from winlogd.store.read.events import EventFilters, StoredEvent, find_events
from winlogd.store.read.names import Addresses

SITE: Final = a_site()
ALL: Final = "SELECT * FROM events_all ORDER BY source = 'today' DESC, id DESC"


def pages(
    access: Access, filters: EventFilters, limit: int, between: Callable[[], None] = lambda: None
) -> list[list[StoredEvent]]:
    found = []
    position: Position | None = None
    while True:
        access.begin_question()
        page = find_events(access, filters, SITE, limit, position)
        found.append(page.events)
        position = page.next
        if position is None:
            return found
        between()


def joined(found: list[list[StoredEvent]]) -> list[StoredEvent]:
    return [row for page in found for row in page]


def content(row: StoredEvent) -> tuple[Any, ...]:
    """Return what a row keeps when it moves."""
    return row._replace(id=0, source="today")


def stored(path: Path) -> list[StoredEvent]:
    return [StoredEvent._make(row) for row in rows(path, ALL)]


class Moving:
    """A server between two pages: people log on and off, and the nights pass."""

    def __init__(self, path: Path, seed: int) -> None:
        self.server = ClockedServer(path, at(0, 7))
        self._rng = Random(seed)
        self._now_us = at(0, 8)
        self._on: list[str] = []
        self._count = 0

    def pass_some_time(self) -> None:
        for _ in range(self._rng.randrange(6)):
            self._now_us += self._rng.randrange(HOUR_US // 10)
            if self._on and self._rng.random() < 0.4:
                self._event(self._on.pop(self._rng.randrange(len(self._on))), "D")
            else:
                self._count += 1
                self._on.append(f"user{self._count}")
                self._event(self._on[-1], "C")
        if self._rng.random() < 0.25:
            self._now_us += self._rng.randrange(1, 20) * HOUR_US
            self.server.rotate(self._now_us)

    def _event(self, username: str, action: str) -> None:
        self._now_us += 1_000_000
        receive(self.server, sent(self._now_us, username, action, f"A1-{username[4:]}"))


@pytest.mark.parametrize("seed", range(8))
def test_pages_hold_each_row_once_while_rows_move(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "winlog.db"
    moving = Moving(path, seed)
    for _ in range(12):
        moving.pass_some_time()
    with moving.server, reading(path) as access:
        before = stored(path)
        found = pages(access, EventFilters(), 1 + seed % 5, moving.pass_some_time)
        assert sorted(map(content, joined(found))) == sorted(map(content, before))


@pytest.mark.parametrize("seed", range(3))
def test_one_page_in_many_snapshots_holds_each_row_once(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "winlog.db"
    moving = Moving(path, seed + 100)
    for _ in range(10):
        moving.pass_some_time()
    with moving.server, reading(path) as access, interrupted(access, moving.pass_some_time):
        before = stored(path)
        [found] = pages(access, EventFilters(), 1000)
        assert sorted(map(content, found)) == sorted(map(content, before))


def test_pages_go_from_today_to_the_archive_by_ids(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        receive(server, *stay(at(0, 8), at(0, 9), "alice"), sent(at(0, 10), "bob", "C", "A102-08"))
        server.rotate(at(1, 1))
        receive(server, sent(at(1, 8), "carol", "C", "A102-09"))
        found = pages(access, EventFilters(), 2)
        assert [[(each.username, each.source) for each in page] for page in found] == [
            [("carol", "today"), ("bob", "today")],
            [("alice", "history"), ("alice", "history")],
        ]
        assert joined(found) == stored(path)


def test_a_row_keeps_its_place_when_it_moves(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        receive(server, *(sent(at(0, 8 + number), f"user{number}", "C", f"A1-{number}") for number in range(6)))
        receive(server, sent(at(0, 15), "user4", "D", "A1-4"), sent(at(0, 16), "user2", "D", "A1-2"))
        first = find_events(access, EventFilters(), SITE, 3)
        server.rotate(at(1, 1))  # user2 and user4 move, the others stay
        second = find_events(access, EventFilters(), SITE, 3, first.next)
        server.rotate(at(2, 23))  # all the others
        third = find_events(access, EventFilters(), SITE, 3, second.next)
        names = [[(each.username, each.action) for each in page.events] for page in (first, second, third)]
        assert names == [
            [("user2", "D"), ("user4", "D"), ("user5", "C")],
            [("user4", "C"), ("user3", "C"), ("user2", "C")],
            [("user1", "C"), ("user0", "C")],
        ]


def test_rows_that_an_older_server_appends_meanwhile_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        receive(server, *stay(at(0, 8), at(0, 9), "alice"))
        server.rotate(at(1, 1))
        receive(server, *stay(at(1, 8), at(1, 9), "bob"))
        before = stored(path)

        def append_and_rotate() -> None:
            server.database.connection.execute(
                "INSERT INTO events_history (username, action, timestamp) VALUES ('old', 'C', '2025-01-01T08:00:00Z')"
            )
            server.rotate(at(2, 1))

        found = joined(pages(access, EventFilters(), 1, append_and_rotate))
        assert list(map(content, found)) == list(map(content, before))


# ── filters ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def school() -> School:
    return a_school(seed=3, machines=25, days=3)


@pytest.fixture(scope="module")
def played(school: School, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "winlog.db"
    store(path, school.sent, until_us=school.first_us + 62 * HOUR_US)
    return path


def naive(path: Path, filters: EventFilters) -> list[StoredEvent]:
    return [row for row in stored(path) if passes(row, filters)]


def passes(row: StoredEvent, filters: EventFilters) -> bool:
    received_us = microseconds(row.server_timestamp or "")
    assert received_us is not None
    user, host = row.username or "", row.hostname or ""
    return (
        (filters.user is None or filters.user.matches(folded(user)) or filters.user.matches(short_user(user)))
        and (filters.host is None or filters.host.matches(folded_host(host)) or filters.host.matches(short_host(host)))
        and (filters.room is None or folded_host(host).startswith(f"{filters.room.lower()}-"))
        and (filters.ip is None or filters.ip.first <= address_digits(row.source_ip or "") <= filters.ip.last)
        and (filters.from_us is None or received_us >= filters.from_us)
        and (filters.to_us is None or received_us <= filters.to_us)
        and (filters.action is None or row.action == filters.action)
    )


def some_filters(school: School) -> list[EventFilters]:
    rng = Random(7)
    found = []
    for _ in range(40):
        event = rng.choice(school.sent)
        from_us = event.received_us - rng.randrange(HOUR_US)
        choices: dict[str, Any] = {
            "user": Pattern(rng.choice((event.username, event.username.upper(), f"{event.username[:3]}*", "*"))),
            "host": Pattern(rng.choice((event.hostname, event.hostname.lower(), f"{event.hostname[:4]}*"))),
            "room": event.hostname[:4].upper(),
            "ip": Addresses(*[address_digits(event.source_ip)] * 2),
            "from_us": from_us,
            "to_us": from_us + rng.randrange(3 * HOUR_US),
            "action": rng.choice(("C", "D", "M")),
        }
        names = rng.sample(sorted(choices), rng.randint(1, 3))
        found.append(EventFilters(**{name: choices[name] for name in names}))
    return found


def test_filters_find_what_a_naive_search_finds(played: Path, school: School) -> None:
    with reading(played) as access:
        for filters in some_filters(school):
            assert joined(pages(access, filters, 50)) == naive(played, filters), filters


def test_a_span_begins_and_ends_at_the_microsecond(played: Path) -> None:
    row = next(row for row in stored(played) if row.source == "history")
    received_us = microseconds(row.server_timestamp or "")
    assert received_us is not None
    with reading(played) as access:
        found = find_events(access, EventFilters(from_us=received_us, to_us=received_us), SITE, 100).events
        assert row in found
        for filters in (EventFilters(from_us=received_us + 1), EventFilters(to_us=received_us - 1)):
            assert row not in joined(pages(access, filters, 1000))


def test_times_of_other_forms_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        for received in ("2026-01-12 08:00:00", "2026-01-12T09:00:00+01:00", "2026-01-12T07:59:60Z", None):
            server.database.connection.execute(
                "INSERT INTO events_today (username, action, timestamp, server_timestamp, created_at)"
                " VALUES ('a', 'M', '2026-01-12T08:00:00Z', ?, '2026-01-12 08:00:00')",
                (received,),
            )
        assert len(find_events(access, EventFilters(from_us=at(0, 8), to_us=at(0, 8)), SITE, 9).events) == 4
        assert find_events(access, EventFilters(from_us=at(0, 8) + 1), SITE, 9).events == []


def test_every_spelling_of_an_event_is_known(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        receive(server, sent(at(0, 8), "alice", "C"), sent(at(0, 9), "ALICE", "D", "a102-07", ip="10.1.0.8"))
        receive(server, sent(at(0, 10), "System", "M", "A102-07."))
        address = Addresses(*[address_digits("10.1.0.8")] * 2)
        for day in (1, 2):
            assert len(find_events(access, EventFilters(user=Pattern("alice")), SITE, 9).events) == 2
            assert len(find_events(access, EventFilters(user=Pattern("system")), SITE, 9).events) == 1
            assert len(find_events(access, EventFilters(host=Pattern("a102-07")), SITE, 9).events) == 3
            assert len(find_events(access, EventFilters(ip=address), SITE, 9).events) == 1
            server.rotate(at(day, 1))


def test_columns_are_as_they_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        receive(server, sent(at(0, 8), "alice", "M", hardware={"cpu": "x"}))
        server.database.connection.execute(
            "INSERT INTO events_today (username, action, timestamp) VALUES (CAST(x'e9' AS TEXT), 'C', '2026')"
        )
        broken, whole = find_events(access, EventFilters(), SITE, 9).events
        assert (broken.username, broken.timestamp, broken.hostname) == ("\ufffd", "2026", None)
        assert whole == StoredEvent._make(rows(path, "SELECT * FROM events_all WHERE id = 1")[0])
        assert (whole.hardware_info, whole.origin, whole.source) == ('{"cpu":"x"}', "client", "today")


def test_after_two_days_the_rest_of_a_moved_day_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server, reading(path) as access:
        receive(server, *stay(at(0, 8), at(0, 9), "alice"))
        server.rotate(at(1, 1))
        receive(server, *stay(at(1, 8), at(1, 9), "bob"))
        first = find_events(access, EventFilters(), SITE, 1)
        for day in (2, 5, 6):
            server.rotate(at(day, 1))
        second = find_events(access, EventFilters(), SITE, 9, first.next)
        assert [(each.username, each.action) for each in (*first.events, *second.events)] == [
            ("bob", "D"),
            ("alice", "D"),
            ("alice", "C"),
        ]
