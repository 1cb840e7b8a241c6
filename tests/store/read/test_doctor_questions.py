"""What the doctor asks the database: the machines' clocks, and how much of it is new."""

from pathlib import Path

import pytest

from tests.support.questions import at, reading, receive, sent, stay
from tests.support.school_building import DAY_US
from tests.support.school_rows import ClockedServer
from tests.support.school_truth import HOUR_US
from winlogd.store.read.clock_errors import HostClock, host_clocks
from winlogd.store.read.growth import growth

MINUTE_US = HOUR_US // 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two days: the first one is in the archive."""
    with ClockedServer(tmp_path / "winlog.db", at(0, 7)) as server:
        receive(server, *stay(at(0, 8), at(0, 9), "alice", "A-1"), sent(at(0, 10), "bob", "D", "A-1"))
        receive(server, sent(at(0, 10), "bob", "C", "A-2", by_clock_us=at(0, 10) - 2 * HOUR_US))
        receive(server, sent(at(0, 11), "bob", "D", "A-2"), sent(at(0, 11), "bob", "M", "A-2"))
        server.rotate(at(1, 1))
        receive(server, sent(at(1, 8), "alice", "C", "a-2", by_clock_us=at(1, 8) + 6 * MINUTE_US))
        receive(server, sent(at(1, 8), "carol", "C", "A-1", by_clock_us=at(1, 8) + 4 * MINUTE_US))
    return tmp_path / "winlog.db"


def test_a_machine_has_its_wrong_sessions_of_the_archive_and_of_today_and_the_greatest_difference(path: Path) -> None:
    with reading(path) as access:
        clocks = sorted(host_clocks(access, at(0, 0)))
    assert clocks == [
        HostClock("A-1", 2, 0, 4 * MINUTE_US),
        HostClock("a-2", 2, 2, -2 * HOUR_US),
    ]


def test_older_sessions_do_not_count(path: Path) -> None:
    with reading(path) as access:
        assert sorted(host_clocks(access, at(1, 0))) == [
            HostClock("A-1", 1, 0, 4 * MINUTE_US),
            HostClock("a-2", 1, 1, 6 * MINUTE_US),
        ]


def test_the_growth_counts_all_sessions_and_the_new_ones(path: Path) -> None:
    with reading(path) as access:
        found = growth(access, at(1, 0))
        assert (found.sessions, found.lately, found.oldest_us) == (5, 2, at(0, 8))  # a logoff without a logon is a row
        assert 0 < found.used_bytes <= path.stat().st_size
        assert growth(access, at(0, 0) - DAY_US).lately == 5


def test_an_empty_database_has_no_growth(tmp_path: Path) -> None:
    with ClockedServer(tmp_path / "winlog.db", at(0, 7)):
        pass
    with reading(tmp_path / "winlog.db") as access:
        assert growth(access, 0)[1:] == (0, 0, None)
        assert host_clocks(access, 0) == []
