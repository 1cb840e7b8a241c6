"""To find some machines gives what the list of all machines has of them, whatever days they have had."""

from collections.abc import Sequence
from datetime import UTC, date
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.questions import RULES, a_site, at, reading, receive, sent, stay
from tests.support.school_rows import ClockedServer
from winlogd.events.names import folded_host, short_host
from winlogd.events.patterns import Pattern
from winlogd.sessions.host_template import HostTemplate
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms
from winlogd.store.read.access import Access
from winlogd.store.read.days import silent_before
from winlogd.store.read.filters import Site
from winlogd.store.read.machines import Machine, find_machines
from winlogd.store.read.some_machines import Sight, find_narrowed, find_some, last_event_us, look

PLACES: Final = (
    Place("A1-01", "A1"),
    Place("A1-02.school.local", "A1"),
    Place("A1-09", "A1"),
    Place("A1-10", "A1", state="retired"),
    Place("A1-11", "A1", state="out_of_order"),
)
NOW_US: Final = at(2, 12)
EVENTS: Final = [
    *stay(at(0, 8), at(0, 9), "alice", "A1-01"),
    sent(at(0, 9), "bob", "C", "A1-02"),
    *stay(at(0, 10), at(0, 11), "carol", "b1-01.school.local"),
    sent(at(1, 7), "SYSTEM", "M", "B1-01", hardware={"cpu": "x"}),
    sent(at(1, 8), "dave", "D", "B1-02"),
    sent(at(1, 9), "erin", "C", "A1-10"),
    sent(at(2, 9), "alice", "C", "A1-01"),
    sent(at(2, 9.5), "frank", "C", "A1-01"),
    sent(at(2, 10), "grace", "C", "A1-02.school.local"),
    sent(at(2, 11), "heidi", "C", "C1-01.one"),
    sent(at(2, 11), "ivan", "C", "C1-01.two"),
    sent(at(2, 11.5), "judy", "C", "C1-01"),
    sent(at(2, 11.6), "ken", "C", "unknown"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server:
        receive(server, *EVENTS)
    return path


def described(machines: Sequence[Machine]) -> dict[str, object]:
    return {each.hostname: repr(each) for each in machines}


def some(access: Access, site: Site, labels: Sequence[str]) -> dict[str, object]:
    silent_us = silent_before(access, site, NOW_US, site.silent_days)
    return described(find_some(access, labels, site, NOW_US, silent_us))


def test_each_label_gives_the_machines_of_the_whole_list(path: Path) -> None:
    site = a_site(PLACES, UTC)
    with reading(path) as access:
        whole = find_machines(access, site, NOW_US, site.silent_days)
        assert len(whole) == 9
        labels = {short_host(each.hostname) for each in whole}
        for label in labels:
            wanted = described([each for each in whole if short_host(each.hostname) == label])
            assert some(access, site, [label]) == wanted
        assert some(access, site, [*labels]) == described(whole)


MOVED: Final = (
    *PLACES,
    Place("B1-01", "B1", to_date=date(2026, 1, 13)),
    Place("B1-01.school.local", "B2", from_date=date(2026, 1, 14)),
    Place("C1-01", "C1"),
)
BY_NAME: Final = Rooms({"A1": [Pattern("a1-*")]}, HostTemplate("{room}-*"), MOVED)


@pytest.mark.parametrize("rooms", [Rooms({}, None, PLACES), Rooms({}, None, MOVED), BY_NAME])
def test_a_room_or_a_name_finds_no_fewer_machines_than_the_whole_list(path: Path, rooms: Rooms) -> None:
    site = Site(rooms, RULES, UTC)
    with reading(path) as access:
        whole = find_machines(access, site, NOW_US, site.silent_days)
        named = [None, "A1", "B1", "B2", "C1", *rooms.names(each.hostname for each in whole)]
        hosts = [None, *(Pattern(text) for text in ("a1-01", "A1-02", "a1-02.school.local", "b1-*", "c1-01", "nobody"))]
        for room, host in product(named, hosts):
            found = find_narrowed(access, site, NOW_US, site.silent_days, room, host)
            assert passing(found, room, host) == passing(whole, room, host)
        assert passing(whole, "A1", None)


def passing(machines: Sequence[Machine], room: str | None, host: Pattern | None) -> dict[str, object]:
    """Return the machines that are in a room and have a name."""
    return described(
        [
            each
            for each in machines
            if (room is None or each.room == room) and (host is None or host.matches_host(folded_host(each.hostname)))
        ]
    )


def test_a_name_whose_folded_form_folds_anew_is_found(tmp_path: Path) -> None:
    names = ("ß\u0301-1", "ß\u0301.school", "\u0149\u0301.x", "..", ".a", "a..")
    path = tmp_path / "winlog.db"
    with ClockedServer(path, at(0, 7)) as server:
        receive(server, *(sent(at(2, 11), f"user{number}", "C", name) for number, name in enumerate(names)))
    site = a_site((), UTC)
    with reading(path) as access:
        whole = find_machines(access, site, NOW_US, site.silent_days)
        for host in map(Pattern, names):
            found = find_narrowed(access, site, NOW_US, site.silent_days, None, host)
            assert passing(found, None, host) == passing(whole, None, host)
    assert len(whole) >= 4


def test_a_room_with_very_many_machines_is_found(path: Path) -> None:
    rooms = Rooms({}, None, [*PLACES, *(Place(f"D1-{number:04d}", "D1") for number in range(600))])
    site = Site(rooms, RULES, UTC)
    with reading(path) as access:
        found = find_narrowed(access, site, NOW_US, site.silent_days, "D1", None)
    assert len(passing(found, "D1", None)) == 600


def test_names_that_nobody_has_and_retired_machines_give_nothing(path: Path) -> None:
    with reading(path) as access:
        assert some(access, a_site(PLACES, UTC), ["a1-10", "unknown", "", "nobody"]) == {}


def test_a_look_finds_the_machines_of_new_rows(path: Path) -> None:
    with reading(path) as access:
        before = look(access, None).sight
        assert look(access, before).hosts == []
        with ClockedServer(path, at(2, 13)) as server:
            receive(server, sent(at(2, 13), "alice", "C", "A1-03"), sent(at(2, 13), "bob", "M", "A1-02"))
        found = look(access, before)
        assert (sorted(found.hosts), found.is_partial) == (["A1-02", "A1-03"], False)
        assert look(access, found.sight).hosts == []


@pytest.mark.parametrize(
    ("changed", "is_partial"),
    [
        ({"deletions": 1}, True),
        ({"epoch": 9}, True),
        ({"history": "building, 9 %"}, True),
        ({"last_id": -5_000}, True),
        ({}, False),
    ],
)
def test_a_look_says_if_other_machines_may_have_changed(path: Path, changed: dict[str, Any], is_partial: bool) -> None:
    with reading(path) as access:
        sight: Sight = look(access, None).sight
        assert look(access, sight._replace(**changed)).is_partial is is_partial


def test_the_last_event_is_that_of_any_machine(path: Path) -> None:
    with reading(path) as access:
        assert last_event_us(access) == at(2, 11.6)


def test_after_a_rotation_the_last_event_is_known_to_the_second(path: Path) -> None:
    with ClockedServer(path, at(9, 12)) as server:
        server.rotate(at(9, 12))
    with reading(path) as access:
        assert last_event_us(access) == at(2, 11.6)
