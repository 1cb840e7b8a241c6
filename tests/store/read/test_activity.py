"""The counts of a span by the time of receipt, and of the open sessions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.questions import a_site, at, reading, receive, sent, stay
from tests.support.school_rows import ClockedServer
from winlogd.store.read.access import Access
from winlogd.store.read.activity import Activity, OpenNow, find_activity, find_open

SITE: Final = a_site()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


def test_a_span_has_its_own_events_and_no_others(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice"), sent(at(0, 9), "bob", "M"))
    receive(server, *stay(at(1, 8), at(1, 9), "alice"), sent(at(1, 9), "bob", "C"))

    assert find_activity(access, at(0, 0), at(1, 0)) == Activity(logons=1, logoffs=1, inventories=1, closed=0)
    assert find_activity(access, at(1, 0), at(2, 0)) == Activity(logons=2, logoffs=1, inventories=0, closed=0)
    assert find_activity(access, at(2, 0), at(3, 0)) == Activity(0, 0, 0, 0)


def test_the_span_holds_its_first_moment_and_not_its_end(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"), sent(at(0, 9), "bob", "C"))

    assert find_activity(access, at(0, 8), at(0, 9)).logons == 1


def test_a_rotation_changes_no_count(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice"), sent(at(0, 10), "bob", "C"), sent(at(0, 11), "eve", "M"))
    receive(server, sent(at(1, 0.5), "alice", "C"))
    before = find_activity(access, at(0, 0), at(1, 0))

    server.rotate(at(1, 1))

    assert before == Activity(logons=2, logoffs=1, inventories=1, closed=0)
    assert find_activity(access, at(0, 0), at(1, 0)) == before


def test_what_winlogd_has_ended_is_no_logoff_of_a_client(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"), sent(at(0, 9), "alice", "C"))
    server.rotate(at(3, 1))  # the second session is open for more than a day

    assert find_activity(access, at(0, 0), at(4, 0)) == Activity(logons=2, logoffs=0, inventories=0, closed=2)


def test_open_sessions_are_counted_and_those_that_are_doubtful(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice"), sent(at(0, 9), "bob", "C", "A102-08"))
    receive(server, sent(at(0, 10), "carol", "C"), sent(at(0, 11), "dan", "C"))

    assert find_open(access, SITE, at(0, 12)) == OpenNow(sessions=3, doubtful=1, oldest_us=at(0, 9))


def test_more_sessions_than_a_page_holds_are_all_counted(server: ClockedServer, access: Access) -> None:
    receive(server, *(sent(at(0, 8) + number, f"user{number}", "C", f"B-{number}") for number in range(1100)))

    assert find_open(access, SITE, at(0, 9)) == OpenNow(sessions=1100, doubtful=0, oldest_us=at(0, 8))


def test_nothing_is_open_at_first(access: Access) -> None:
    assert find_open(access, SITE, at(0, 9)) == OpenNow(0, 0, None)
