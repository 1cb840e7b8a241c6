"""One user: where the user is, the machines, the last sessions, and the hours."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from tests.support.questions import a_site, at, reading, receive, sent, stay
from tests.support.school_building import DAY_US
from tests.support.school_rows import ClockedServer
from winlogd.events.patterns import Pattern
from winlogd.store.read.access import Access
from winlogd.store.read.users import UsedMachine, find_user, user_hours

SITE: Final = a_site()
ALICE: Final = Pattern("alice")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


def test_where_a_user_is_and_was(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"), *stay(at(0, 10), at(0, 11), "DOM\\Alice", "A1-2"))
    receive(server, *stay(at(0, 8), at(0, 9), "bob", "A1-1"))
    server.rotate(at(1, 1))
    receive(server, *stay(at(1, 8), at(1, 9.5), "alice", "a1-1"), sent(at(1, 9), "Alice", "C", "A1-3"))
    found = find_user(access, ALICE, SITE, at(1, 10))
    assert found is not None
    assert found.username == "Alice"
    assert [(each.session.hostname, each.certainty) for each in found.open_sessions] == [("A1-3", "presumed")]
    assert found.last_seen_us == at(1, 9.5)
    assert found.machines == (
        UsedMachine("a1-1", 2, at(1, 8)),
        UsedMachine("A1-3", 1, at(1, 9)),
        UsedMachine("A1-2", 1, at(0, 10)),
    )
    assert [each.session.received_us for each in found.sessions] == [at(1, 9), at(1, 8), at(0, 10), at(0, 8)]


def test_at_most_ten_sessions(server: ClockedServer, access: Access) -> None:
    for number in range(12):
        receive(server, *stay(at(0, 8 + number / 4), at(0, 8.1 + number / 4), "alice"))
    found = find_user(access, ALICE, SITE, at(0, 23))
    assert found is not None
    assert len(found.sessions) == 10
    assert found.machines == (UsedMachine("A102-07", 12, at(0, 10.75)),)


def test_nobody(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 9), "alice", "D"))
    assert find_user(access, Pattern("bob"), SITE, at(0, 10)) is None
    assert find_user(access, ALICE, SITE, at(0, 10)) is None


def test_hours_count_a_moment_once(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 10), "alice", "A1-1"), *stay(at(0, 9), at(0, 11), "DOM\\alice", "A1-2"))
    receive(server, *stay(at(0, 23), at(1, 2), "alice", "A1-1"), sent(at(1, 8), "alice", "C", "A1-3"))
    hours = user_hours(access, ALICE, SITE, at(1, 12))
    assert len(hours.seconds) == 30
    assert {day: seconds for day, seconds in hours.seconds.items() if seconds} == {
        date(2026, 1, 12): 4 * 3600,
        date(2026, 1, 13): 2 * 3600,
    }
    assert (hours.sessions, hours.without_end) == (3, 0)


def test_sessions_without_a_known_end_count_in_no_sum(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"), *stay(at(0, 9), at(0, 10), "alice"), sent(at(0, 11), "alice", "C"))
    server.rotate(at(1, 23))
    hours = user_hours(access, ALICE, SITE, at(2, 12))
    assert (sum(hours.seconds.values()), hours.sessions, hours.without_end) == (3600, 1, 2)


def test_hours_are_of_local_days_and_of_the_last_thirty(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 22.5), at(0, 23.5), "alice"), *stay(at(2, 8), at(2, 9), "alice"))
    paris = a_site(zone=ZoneInfo("Europe/Paris"))
    assert list(user_hours(access, ALICE, paris, at(2, 12)).seconds.values())[-3:] == [1800, 1800, 3600]
    later = user_hours(access, ALICE, paris, at(30, 12))
    assert (sum(later.seconds.values()), later.sessions) == (1800 + 3600, 2)
    assert user_hours(access, ALICE, paris, at(40, 12)).sessions == 0


def test_where_the_clock_is_wrong_the_times_of_receipt_count(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(5, 8), "alice", "C", by_clock_us=at(5, 8) - DAY_US))
    receive(server, sent(at(5, 9), "alice", "D", by_clock_us=at(5, 9) - DAY_US))
    hours = user_hours(access, ALICE, SITE, at(5, 12))
    assert list(hours.seconds.values())[-2:] == [0, 3600]
