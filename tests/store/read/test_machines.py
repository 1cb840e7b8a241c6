"""The list of machines, one machine, and the counts of rooms."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.questions import a_site, at, reading, receive, sent, stay
from tests.support.school import School, a_school
from tests.support.school_rows import ClockedServer, store
from tests.support.school_truth import HOUR_US
from winlogd.events.names import folded_host
from winlogd.sessions.places import Place
from winlogd.store.read.access import Access
from winlogd.store.read.days import silent_before
from winlogd.store.read.filters import Filters
from winlogd.store.read.machine import Change, find_machine
from winlogd.store.read.machines import Machine, find_machines
from winlogd.store.read.rooms import find_rooms
from winlogd.store.read.sessions import find_sessions

SITE: Final = a_site()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


def by_name(machines: list[Machine]) -> dict[str, Machine]:
    return {machine.hostname: machine for machine in machines}


def test_a_played_school_is_listed_as_its_events_tell(tmp_path: Path) -> None:
    school = a_school(seed=4, machines=25, days=3)
    now_us = school.first_us + 2 * 24 * HOUR_US + 10 * HOUR_US
    store(tmp_path / "winlog.db", school.sent, until_us=now_us)
    heard = heard_of(school, now_us)
    with reading(tmp_path / "winlog.db", is_hasty=True) as access:
        machines = {folded_host(each.hostname): each for each in find_machines(access, SITE, now_us, 2)}
        opened = find_sessions(access, Filters(state="open"), SITE, now_us, 1000).found
    assert machines.keys() == heard.keys()
    on = defaultdict(list)
    for found in opened:
        on[found.session.host].append(found)
    for host, machine in machines.items():
        assert machine.open_sessions == tuple(on[host])
        assert machine.last_contact_us is not None
        assert abs(machine.last_contact_us - heard[host]) <= 1_000_000
        assert machine.room == host.partition("-")[0].upper()


def heard_of(school: School, now_us: int) -> dict[str, int]:
    """Return when the server has received the last event of each machine that is no repetition."""
    heard = {}
    for event in school.sent:
        if event.received_us < now_us and not event.is_repeated:
            heard[folded_host(event.hostname)] = event.received_us
    return heard


def test_states_and_last_users(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"), sent(at(0, 10), "bob", "C", "A1-2"))
    receive(server, sent(at(0, 11), "x", "M", "A1-3"))
    server.rotate(at(1, 1))
    receive(server, *stay(at(1, 8), at(1, 9), "Carol", "a1-1."), sent(at(1, 10), "dora", "C", "A1-4"))
    site = a_site([Place("A1-9", "A1"), Place("A1-4", "B7"), Place("A1-3", "A1", state="out_of_order")])
    machines = by_name(find_machines(access, site, at(1, 12), 10))
    assert {name: (each.room, each.state) for name, each in machines.items()} == {
        "a1-1.": ("A1", "free"),
        "A1-2": ("A1", "doubtful"),
        "A1-3": ("A1", "out_of_order"),
        "A1-4": ("B7", "in_use"),
        "A1-9": ("A1", "never_seen"),
    }
    assert machines["a1-1."].last_contact_us == at(1, 9)
    assert [each and each.username for each in (machines["a1-1."].last_session, machines["A1-2"].last_session)] == [
        "Carol",
        "bob",
    ]
    assert machines["A1-3"].last_session is None
    assert machines["A1-3"].last_contact_us == at(0, 11)
    assert [found.certainty for found in machines["A1-2"].open_sessions] == ["doubtful"]


def test_who_logs_on_while_a_question_waits_is_on(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8) + 2_000_000, "alice", "C"))
    [machine] = find_machines(access, SITE, at(0, 8), 2)
    [found] = machine.open_sessions
    assert (machine.state, found.certainty, found.reason) == ("in_use", "presumed", None)


def test_who_has_logged_on_before_the_clock_was_set_back_is_doubtful(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 9), "alice", "C", by_clock_us=at(0, 8)))
    [machine] = find_machines(access, SITE, at(0, 8), 2)
    [found] = machine.open_sessions
    assert (machine.state, found.certainty, found.reason) == ("doubtful", "doubtful", "clock")


def test_a_retired_machine_is_left_out(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"))
    site = a_site([Place("a1-1", "A1", state="retired"), Place("A1-2", "A1", state="retired")])
    assert find_machines(access, site, at(0, 12), 10) == []
    assert find_machine(access, "A1-1", site, at(0, 12), 10) is None


def test_a_name_with_and_without_its_domain_is_one_machine(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"), *stay(at(0, 9), at(0, 10), "bob", "A1-1.school.local"))
    receive(server, *stay(at(0, 8), at(0, 9), "carol", "A1-2.a"), *stay(at(0, 9), at(0, 10), "dora", "A1-2.b"))
    assert [each.hostname for each in find_machines(access, SITE, at(0, 12), 10)] == [
        "A1-1.school.local",
        "A1-2.a",
        "A1-2.b",
    ]
    listed = a_site([Place("A1-2", "A1")])
    assert [each.hostname for each in find_machines(access, listed, at(0, 12), 10)] == ["A1-1.school.local", "A1-2.b"]


def test_the_unknown_host_is_no_machine(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C", "unknown"))
    assert find_machines(access, SITE, at(0, 12), 10) == []


def test_only_days_with_sessions_make_a_machine_silent(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"))
    for day in (1, 2, 9, 10):
        server.rotate(at(day, 1))
        receive(server, *stay(at(day, 8), at(day, 9), "bob", "A1-2"))
    assert silent_before(access, SITE, at(10, 12), 4) == at(1, 0)
    assert silent_before(access, SITE, at(10, 12), 5) == at(0, 0)
    assert silent_before(access, SITE, at(10, 12), 6) is None
    states = [by_name(find_machines(access, SITE, at(10, 12), days))["A1-1"].state for days in (4, 5, 6)]
    assert states == ["silent", "free", "free"]


# ── one machine ───────────────────────────────────────────────────────────────────────────────────────────────


def test_one_machine_with_its_hardware(server: ClockedServer, access: Access) -> None:
    for day, ram in enumerate((8, 8, 16)):
        receive(server, sent(at(day, 8), "x", "M", "A1-1", hardware={"ram": ram, "cpu": "i5"}))
        receive(server, *stay(at(day, 9), at(day, 10), f"user{day}", "A1-1"))
        server.rotate(at(day + 1, 1))
    receive(server, sent(at(3, 8), "x", "M", "a1-1", hardware={"ram": 16, "cpu": "i7"}))
    details = find_machine(access, "A1-1", SITE, at(3, 12), 10)
    assert details is not None
    assert (details.hardware, details.hardware_us) == ('{"ram":16,"cpu":"i7"}', at(3, 8))
    changes = (Change("cpu", '"i5"', '"i7"', at(3, 8)), Change("ram", "8", "16", at(2, 8)))
    assert details.changes == changes
    assert [found.session.username for found in details.sessions] == ["user2", "user1", "user0"]
    [listed] = find_machines(access, SITE, at(3, 12), 10)
    assert details.machine == listed
    server.rotate(at(4, 1))
    moved = find_machine(access, "a1-1", SITE, at(4, 12), 10)
    assert moved is not None
    assert (moved.hardware, moved.changes) == (details.hardware, changes)


def test_one_machine_is_found_without_its_domain(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1.school.local"))
    details = find_machine(access, "a1-1", SITE, at(0, 12), 10)
    assert details is not None
    assert (details.machine.hostname, len(details.sessions)) == ("A1-1.school.local", 1)


@pytest.mark.parametrize("name", ["A1-2", "", "*", "a*b*c*d*e*f", "unknown"])
def test_a_machine_that_nobody_knows(server: ClockedServer, access: Access, name: str) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"))
    assert find_machine(access, name, SITE, at(0, 12), 10) is None


def test_a_machine_with_stars_in_its_name(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A*1*2*3*4*5"), *stay(at(0, 9), at(0, 10), "bob", "A1-1"))
    details = find_machine(access, "a*1*2*3*4*5", SITE, at(0, 12), 10)
    assert details is not None
    assert [found.session.username for found in details.sessions] == ["alice"]


# ── rooms ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rooms_count_their_machines(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"), sent(at(0, 10), "bob", "C", "A1-2"))
    receive(server, *stay(at(0, 8), at(0, 9), "carol", "laptop"))
    site = a_site([Place("B2-1", "B2")])
    found = find_rooms(access, site, at(0, 12), 10)
    assert list(found.rooms) == ["A1", "B2"]
    assert (found.rooms["A1"].machines, found.rooms["A1"].in_use, found.rooms["A1"].free) == (2, 1, 1)
    assert (found.rooms["B2"].machines, found.rooms["B2"].never_seen) == (1, 1)
    assert (found.elsewhere.machines, found.elsewhere.free) == (1, 1)


def test_many_sessions_without_a_logoff_hide_the_free_machines(server: ClockedServer, access: Access) -> None:
    for day in range(3):
        receive(server, *stay(at(day, 8), at(day, 9), "alice", "A1-1"), sent(at(day, 10), "bob", "C", "A1-2"))
        server.rotate(at(day + 1, 23))
    week = find_rooms(access, SITE, at(3, 23.5), 10).rooms["A1"]
    assert week.free is None
    assert week.free_unknown == "3 of the last week's 6 sessions have no logoff."
    later = find_rooms(access, SITE, at(12, 12), 10).rooms["A1"]
    assert later.free == 2
