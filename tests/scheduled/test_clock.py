"""The rotation is due once every local day, whatever daylight saving does."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.scheduled.clock import Moment, Schedule, zone_of

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_before_the_hour_the_last_moment_was_yesterdays() -> None:
    schedule = Schedule("01:00", BERLIN)
    now_s = at("2026-01-13T00:30:00+01:00")

    assert schedule.last(now_s) == Moment("2026-01-12", at("2026-01-12T01:00:00+01:00"))
    assert schedule.following(now_s) == Moment("2026-01-13", at("2026-01-13T01:00:00+01:00"))


def test_at_the_very_moment_it_is_due() -> None:
    schedule = Schedule("01:00", BERLIN)
    now_s = at("2026-01-13T01:00:00+01:00")

    assert schedule.last(now_s).day == "2026-01-13"
    assert schedule.following(now_s).day == "2026-01-14"


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ("2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00"),
        ("2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00"),
        ("2026-07-01T00:00:00+02:00", "2026-07-01T00:00:00+02:00"),
    ],
    ids=["the day of 23 hours", "the day of 25 hours", "midnight itself"],
)
def test_a_day_begins_at_its_own_midnight(day: str, begins: str) -> None:
    assert Schedule("01:00", BERLIN).midnight_s(at(day)) == at(begins)


def test_an_hour_that_is_skipped_comes_an_hour_later() -> None:
    schedule = Schedule("02:30", BERLIN)

    assert schedule.following(at("2026-03-29T00:00:00+01:00")).at_s == at("2026-03-29T03:30:00+02:00")


@given(
    st.integers(0, 4_102_444_800),
    st.sampled_from(["00:00", "01:00", "02:30", "23:59"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_one_moment_has_passed_and_the_next_is_at_most_a_long_day_away(now_s: int, at: str, zone: str) -> None:
    schedule = Schedule(at, ZoneInfo(zone))
    last, following = schedule.last(now_s), schedule.following(now_s)

    assert last.at_s <= now_s < following.at_s
    assert last.day < following.day
    assert following.at_s - last.at_s <= 26 * 3600
    assert schedule.midnight_s(now_s) <= now_s


def test_without_a_name_it_is_the_systems_zone() -> None:
    assert zone_of("") is None
    assert Schedule("01:00", None).last(1.8e9).at_s <= 1.8e9
    assert datetime.fromtimestamp(1.8e9, zone_of("UTC")).utcoffset() == datetime.fromtimestamp(1.8e9, UTC).utcoffset()
