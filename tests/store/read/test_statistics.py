"""Counts by hour, day and hour of the week equal those of a naive count."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.questions import a_site, at, interrupted, reading, receive, sent, stay
from tests.support.school import a_school
from tests.support.school_rows import ClockedServer, store
from tests.support.school_truth import HOUR_US
from winlogd.sessions.session import US, Session
from winlogd.store.read.access import Access
from winlogd.store.read.buckets import Count, Received, Sweep, begins_of
from winlogd.store.read.filters import Filters
from winlogd.store.read.sessions import find_sessions
from winlogd.store.read.statistics import WeekHour, find_counts, find_week

SITE: Final = a_site()
PARIS: Final = ZoneInfo("Europe/Paris")
INDIA: Final = ZoneInfo("Asia/Kolkata")
LORD_HOWE: Final = ZoneInfo("Australia/Lord_Howe")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


def naive(sessions: list[Session], begins_s: list[int], now_us: int, today_us: int) -> list[Count]:
    """Count each bucket by looking at all sessions, at its begin and at every logon in it."""
    spans = []
    for session in sessions:
        if session.ended_by == "client" and session.logoff_received_us is not None:
            spans.append((session.received_us, session.logoff_received_us))
        elif session.is_open and session.received_us >= today_us:
            spans.append((session.received_us, now_us))
    counts = []
    for begin_s, until_s in pairwise(begins_s):
        begin_us, until_us = begin_s * US, until_s * US
        received = [each for each in sessions if begin_us <= each.received_us < until_us]
        moments = [begin_us, *(first for first, _ in spans if begin_us <= first < until_us)]
        most = max(sum(first <= moment < last for first, last in spans) for moment in moments)
        counts.append(Count(begin_us, len(received), len({each.user for each in received}), most))
    return counts


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("statistics") / "winlog.db"
    school = a_school(seed=5, machines=25, days=4)
    store(path, school.sent, until_us=at(3, 12.3))
    return path


@pytest.mark.parametrize("room", [None, "A101"])
@pytest.mark.parametrize(("by", "zone"), [("hour", UTC), ("day", UTC), ("hour", INDIA), ("day", PARIS)])
def test_counts_equal_naive_ones(played: Path, by: Literal["hour", "day"], zone: tzinfo, room: str | None) -> None:
    site, now_us = a_site(zone=zone), at(3, 12.3)
    with reading(played) as access:
        found = find_sessions(access, Filters(room=room), site, now_us, 100_000).found
        sessions = [each.session for each in found]
        assert sessions
        access.is_piece_over = lambda: True  # type: ignore[method-assign]
        today_us = begins_of("day", now_us, now_us + 1, zone)[0] * US
        for from_us, to_us in (
            (at(-1, 0), at(4, 0)),
            (at(1, 9.3), at(1, 9.4)),
            (at(2, 23), at(3, 11)),
            (at(3, 11), now_us),
        ):
            counts = find_counts(access, by, from_us, to_us, site, now_us, room)
            assert counts == naive(sessions, begins_of(by, from_us, to_us, zone), now_us, today_us)


def test_a_session_that_lasts_for_days(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_keep_open_hours", 1000.0)
        for day in range(1, 6):
            server.rotate(at(day, 1))
        receive(server, sent(at(5, 8), "alice", "D"))
        for _ in range(2):
            found = find_counts(access, "day", at(3, 0), at(7, 0), SITE, at(6, 23))
            assert [(each.logons, each.most) for each in found] == [(0, 1), (0, 1), (0, 1), (0, 0)]
            server.rotate(at(6, 22))


def test_a_session_counts_once_when_it_moves_meanwhile(server: ClockedServer, access: Access) -> None:
    for hour in range(8, 12):
        receive(server, *stay(at(0, hour), at(0, hour + 0.9), f"user{hour}"))
    nights = iter((at(1, 1), at(1, 2)))
    with interrupted(access, lambda: server.rotate(next(nights, at(1, 3)))):
        found = find_counts(access, "hour", at(0, 8), at(0, 12), SITE, at(0, 20))
    assert [(each.logons, each.users, each.most) for each in found] == [(1, 1, 1)] * 4


def test_ghosts_are_logons_only(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C"), sent(at(0, 20), "bob", "C", "A102-08"))
    receive(server, sent(at(1, 9), "carol", "C", "A102-09"))
    days = find_counts(access, "day", at(0, 0), at(1, 12), SITE, at(1, 12))
    assert [(each.logons, each.users, each.most) for each in days] == [(2, 2, 0), (1, 1, 1)]


def test_an_hour_of_the_week_is_taken_over_all_weeks(server: ClockedServer, access: Access) -> None:
    for day, users in ((0, "ab"), (7, "bcd")):
        receive(server, *(each for user in users for each in stay(at(day, 8.2), at(day, 8.5), user, f"A1-{user}")))
    found = {(each.weekday, each.hour): each for each in find_week(access, at(0, 0), at(14, 0), SITE, at(14, 0))}
    assert len(found) == 7 * 24
    assert found[0, 8] == WeekHour(0, 8, hours=2, logons=5, users=3, most=3, most_us=at(7, 8))
    assert found[1, 8] == WeekHour(1, 8, 2, 0, 0, 0, most_us=at(8, 8))


def test_an_hour_of_the_week_names_the_latest_hour_with_the_most(server: ClockedServer, access: Access) -> None:
    for day, users in ((0, "ab"), (7, "cd"), (14, "e")):
        receive(server, *(each for user in users for each in stay(at(day, 8.2), at(day, 8.5), user, f"A1-{user}")))
    found = {(each.weekday, each.hour): each for each in find_week(access, at(0, 0), at(21, 0), SITE, at(21, 0))}
    assert (found[0, 8].most, found[0, 8].most_us) == (2, at(7, 8))


@pytest.mark.parametrize("to_us", [at(0, 0), at(-1, 0), at(402, 0)])
def test_a_span_has_an_end_within_400_days(server: ClockedServer, access: Access, to_us: int) -> None:
    with pytest.raises(ValueError, match="400 days"):
        find_counts(access, "day", at(0, 0), to_us, SITE, at(0, 0))


@pytest.mark.parametrize("zone", [UTC, PARIS, INDIA, LORD_HOWE])
@pytest.mark.parametrize("month", [1, 3, 4, 10])
def test_hours_and_days_begin_by_local_clocks(zone: tzinfo, month: int) -> None:
    from_us = int(datetime(2026, month, 1, 5, 17, 3, tzinfo=zone).timestamp()) * US
    hours = begins_of("hour", from_us, from_us + 30 * 24 * HOUR_US, zone)
    days = begins_of("day", from_us, from_us + 30 * 24 * HOUR_US, zone)
    assert hours[0] * US <= from_us < hours[1] * US
    local = [datetime.fromtimestamp(each, zone) for each in hours]
    assert all((each.minute, each.second) == (0, 0) for each in local)
    assert {later - earlier for earlier, later in pairwise(hours)} <= {3600, 5400}
    assert all(datetime.fromtimestamp(each, zone).hour == 0 for each in days)
    assert len(days) == 32
    assert set(days[1:-1]) <= set(hours)


SPANS: Final = st.lists(st.tuples(st.integers(0, 4 * 8), st.one_of(st.none(), st.integers(0, 12))), max_size=12)


@given(SPANS)
def test_the_sweep_equals_a_naive_count(drawn: list[tuple[int, int | None]]) -> None:
    quarter_us = US // 4  # so that begins, ends and buckets of two seconds meet
    spans = [(begin * quarter_us, None if lasts is None else (begin + lasts) * quarter_us) for begin, lasts in drawn]
    sweep = Sweep([])
    for begin_s in range(0, 12, 2):
        here = [span for span in spans if begin_s * US <= span[0] < (begin_s + 2) * US]
        received = Received(
            range(len(here)),
            [None if last is None else 2 * first + 1 for first, last in here],
            [None if last is None else 2 * last for _, last in here],
        )
        moments = [begin_s * US, *(first for first, _ in here)]
        most = max(sum(last is not None and first <= now < last for first, last in spans) for now in moments)
        assert sweep.count(begin_s, begin_s + 2, received) == Count(begin_s * US, len(here), len(here), most)
