"""The occupancy of a day equals a naive count of its sessions, cell by cell."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from tests.support.questions import a_site, at, interrupted, reading, receive, sent, stay
from tests.support.school import a_school
from tests.support.school_rows import ClockedServer, store
from winlogd.sessions.places import Place
from winlogd.sessions.session import US
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.occupancy import CELL_S, Occupancy, RoomCells, find_occupancy
from winlogd.store.read.sessions import Found, find_sessions

pytestmark = pytest.mark.long  # each day is counted anew by a naive count

SITE: Final = a_site()
MONDAY: Final = date(2026, 1, 12)
TUESDAY: Final = date(2026, 1, 13)
PARIS: Final = ZoneInfo("Europe/Paris")
LORD_HOWE: Final = ZoneInfo("Australia/Lord_Howe")
CELL_US: Final = CELL_S * US


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("occupancy") / "winlog.db"
    school = a_school(seed=5, machines=60, days=3)
    store(path, school.sent, until_us=at(2, 12.3))
    return path


def room(found: Occupancy, name: str | None) -> RoomCells:
    return next(each for each in found.rooms if each.name == name)


def used(counts: list[int]) -> dict[int, int]:
    """Return the cells in which there is a machine, and how many."""
    return {number: count for number, count in enumerate(counts) if count}


def spans_of(found: Found, site: Site, now_us: int) -> list[tuple[bool, int, int]]:
    """Return the spans of a session: known or not, its begin, and its end, which does not belong to it."""
    session, doubt = found.session, found.doubt
    begin_us, logoff_us = session.received_us, session.logoff_received_us
    if session.ended_by == "client" and logoff_us is not None:
        return [(True, begin_us, max(begin_us + 1, logoff_us))]
    cap_us = begin_us + site.rules.keep_open_us
    if not session.is_open:
        return [(False, begin_us, max(begin_us + 1, cap_us if logoff_us is None else min(cap_us, logoff_us)))]
    last_us = min(cap_us, now_us + 1)
    doubt_us = last_us if doubt is None else min(doubt.since_us, last_us)
    return [(True, begin_us, doubt_us), (False, doubt_us, last_us)]


def naive(access: Access, day: date, site: Site, now_us: int, name: str | None) -> tuple[list[int], list[int]]:
    """Count each cell by looking at all sessions."""
    begin_us = int(datetime(day.year, day.month, day.day, tzinfo=site.zone).timestamp()) * US
    on: dict[bool, list[set[str]]] = {grade: [set() for _ in range(96)] for grade in (True, False)}
    for each in find_sessions(access, Filters(), site, now_us, 1_000_000).found:
        if site.rooms.room_of(each.session.hostname, day) != name or each.session.host == "unknown":
            continue
        for is_known, first_us, until_us in spans_of(each, site, now_us):
            for number, machines in enumerate(on[is_known]):
                cell_us = begin_us + number * CELL_US
                if first_us < until_us and first_us < cell_us + CELL_US and until_us > cell_us:
                    machines.add(each.session.host.partition(".")[0])
    past = range(min(96, (now_us - begin_us) // CELL_US + 1))
    return [len(on[True][cell]) for cell in past], [len(on[False][cell] - on[True][cell]) for cell in past]


@pytest.mark.parametrize("day", [MONDAY, TUESDAY, date(2026, 1, 14)])
@pytest.mark.parametrize("zone", [UTC, PARIS])
def test_counts_equal_naive_ones(played: Path, day: date, zone: tzinfo) -> None:
    site, now_us = a_site(zone=zone), at(2, 12.3)
    with reading(played, is_hasty=True) as access:
        found = find_occupancy(access, day, site, now_us)
        assert len(found.rooms) > 2
        assert sum(sum(each.doubtful) for each in found.rooms) > 0
        for each in found.rooms:
            assert (each.in_use, each.doubtful) == naive(access, day, site, now_us, each.name)
            assert max(map(sum, zip(each.in_use, each.doubtful, strict=True))) <= each.machines


def test_a_room_can_be_asked_for_alone(played: Path) -> None:
    with reading(played) as access:
        every = find_occupancy(access, TUESDAY, SITE, at(2, 12.3))
        assert find_occupancy(access, TUESDAY, SITE, at(2, 12.3), "A101").rooms == [room(every, "A101")]


def test_a_machine_counts_once_in_a_cell(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 8.1), "alice"), *stay(at(0, 8.15), at(0, 8.75), "bob"))
    [only] = find_occupancy(access, MONDAY, SITE, at(0, 9)).rooms
    assert (only.name, only.machines, only.doubtful) == ("A102", 1, [0] * 37)
    assert used(only.in_use) == {32: 1, 33: 1, 34: 1}, "an end at 8:45 is not in the cell that begins then"


def test_an_end_that_is_not_known_is_doubtful_and_gives_way_to_who_is_known(
    server: ClockedServer, access: Access
) -> None:
    receive(server, sent(at(0, 8), "alice", "C"), sent(at(0, 9), "alice", "C"), *stay(at(0, 8.5), at(0, 8.7), "bob"))
    receive(server, sent(at(0, 9.5), "alice", "D"))
    [only] = find_occupancy(access, MONDAY, SITE, at(0, 23)).rooms
    assert used(only.in_use) == dict.fromkeys((34, 36, 37), 1)
    assert used(only.doubtful) == dict.fromkeys((32, 33, 35), 1)


def test_an_open_session_is_doubtful_from_its_doubt_on_and_ends_now(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"))
    [only] = find_occupancy(access, MONDAY, SITE, at(0, 23)).rooms
    assert list(used(only.in_use)) == list(range(32, 88)), "14 hours"
    assert list(used(only.doubtful)) == list(range(88, 93))
    assert len(only.in_use) == len(only.doubtful) == 93
    [only] = find_occupancy(access, TUESDAY, SITE, at(1, 23)).rooms
    assert list(used(only.doubtful)) == list(range(32)), "24 hours"


def test_a_session_that_lasts_for_days(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_keep_open_hours", 1000.0)
        for day in range(1, 6):
            server.rotate(at(day, 1))
        receive(server, sent(at(5, 8), "alice", "D"))
        for _ in range(2):
            [only] = find_occupancy(access, date(2026, 1, 15), SITE, at(6, 23)).rooms
            assert only.in_use == [1] * 96
            server.rotate(at(6, 22))


def test_a_session_counts_that_moves_meanwhile(server: ClockedServer, access: Access) -> None:
    for hour in range(8, 12):
        receive(server, *stay(at(0, hour), at(0, hour + 0.9), f"user{hour}", f"A102-{hour}"))
    nights = iter((at(1, 1), at(1, 2)))
    with interrupted(access, lambda: server.rotate(next(nights, at(1, 3)))):
        [only] = find_occupancy(access, MONDAY, SITE, at(0, 20)).rooms
    assert [only.in_use[4 * hour] for hour in range(7, 13)] == [0, 1, 1, 1, 1, 0]


def test_machines_are_those_of_the_list_on_the_day_and_those_that_were_heard_of(
    server: ClockedServer, access: Access
) -> None:
    places = [
        Place("A102-01", "A102"),
        Place("A102-02", "A102", from_date=TUESDAY),
        Place("A102-03.school", "A102", state="out_of_order"),
        Place("A102-04", "A102", state="retired"),
        Place("B1-01", "Elsewhere"),
    ]
    site = a_site(places)
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "a102-03"), *stay(at(0, 8), at(0, 9), "bob", "A102-04"))
    receive(server, *stay(at(0, 8), at(0, 9), "carol", "A102-03.school"), *stay(at(0, 8), at(0, 9), "dave", "PC"))
    receive(server, *stay(at(0, 8), at(0, 9), "eve", "A102-05"), *stay(at(0, 8), at(0, 9), "frank", "unknown"))
    for day, machines in ((MONDAY, 3), (TUESDAY, 4)):
        found = find_occupancy(access, day, site, at(1, 9))
        assert [(each.name, each.machines) for each in found.rooms] == [("A102", machines), ("Elsewhere", 1), (None, 1)]
    found = find_occupancy(access, MONDAY, site, at(1, 9))
    assert room(found, "A102").in_use[32] == 2
    assert room(found, None).in_use[32] == 1


@pytest.mark.parametrize(
    ("day", "zone", "cells"),
    [
        (MONDAY, PARIS, 96),
        (date(2026, 3, 29), PARIS, 92),
        (date(2026, 10, 25), PARIS, 100),
        (date(2026, 4, 5), LORD_HOWE, 98),
    ],
)
def test_a_day_on_which_the_clocks_change_has_other_cells(access: Access, day: date, zone: tzinfo, cells: int) -> None:
    begins_us = find_occupancy(access, day, a_site([Place("PC", "A1")], zone), at(400, 0)).begins_us
    assert len(begins_us) == cells
    local = [datetime.fromtimestamp(each // US, zone) for each in begins_us]
    assert (local[0].hour, local[0].minute, local[-1].hour, local[-1].minute) == (0, 0, 23, 45)
    assert {each.date() for each in local} == {day}
