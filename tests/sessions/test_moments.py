import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.sessions.moments import ALLOWED, Moment, instant_of, local_instant, local_span, local_time, whole_day

PARIS = ZoneInfo("Europe/Paris")
ZONES = [PARIS, UTC, ZoneInfo("America/Havana"), ZoneInfo("Africa/Cairo"), ZoneInfo("Pacific/Apia"), None]


def us(text: str) -> int:
    """Return the microseconds of a moment with its offset."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


NOW_US = us("2026-11-26T14:00:00.5+01:00")


@pytest.fixture
def system_in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        clock.tzset()
        yield
    clock.tzset()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-13T10:15:00+01:00", "2026-01-13T10:15:00+01:00"),
        ("2026-01-13T10:15:00.123456789Z", "2026-01-13T10:15:00.123456+00:00"),
        ("2026-01-13t10:15:00z", "2026-01-13T10:15:00+00:00"),
        ("2026-01-13 10:15:00-05:00", "2026-01-13T10:15:00-05:00"),
        ("2026-01-13T10:15+01:00", "2026-01-13T10:15:00+01:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2026-01-13T10:15", "2026-01-13T10:15:00+01:00"),
        ("2026-01-13 10:15:30", "2026-01-13T10:15:30+01:00"),
        ("2026-07-13T10:15:30.25", "2026-07-13T10:15:30.250+02:00"),
        ("2026-07-13T10:15:30.1234567", "2026-07-13T10:15:30.123456+02:00"),
        ("now", "2026-11-26T14:00:00.500+01:00"),
        (" Now ", "2026-11-26T14:00:00.500+01:00"),
    ],
)
def test_a_time_is_an_instant(text: str, meant: str) -> None:
    moment = instant_of(text, NOW_US, PARIS)
    assert moment == Moment(((us(meant), us(meant)),))
    assert moment.is_instant


@pytest.mark.parametrize(
    ("text", "first", "following"),
    [
        ("2026-01-13", "2026-01-13T00:00:00+01:00", "2026-01-14T00:00:00+01:00"),
        ("today", "2026-11-26T00:00:00+01:00", "2026-11-27T00:00:00+01:00"),
        ("YESTERDAY", "2026-11-25T00:00:00+01:00", "2026-11-26T00:00:00+01:00"),
        ("2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
    ],
)
def test_a_date_is_a_day_from_its_first_to_its_last_microsecond(text: str, first: str, following: str) -> None:
    moment = instant_of(text, NOW_US, PARIS)
    assert (moment.first_us, moment.last_us) == (us(first), us(following) - 1)
    assert not moment.is_instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "hier",
        "10:15",
        "13/01/2026",
        "2026-1-13",
        "2026-13-01",
        "2026-02-30",
        "2026-02-30T10:15:00Z",
        "2026-01-13T24:00",
        "2026-01-13T10:60",
        "2026-01-13T10",
        "2026-01-13T10:15:60",
        "2026-01-13T10:15:00 01:00",
        "2026-01-13T10:15:00+25:00",
        "2026-01-13Z",
        "1969-12-31",
        "9999-01-01",
        "0000-01-01",
        "٢٠٢٦-01-13",
        "1768299300",
        "2026-01-13T10:15:00." + "1" * 100_000,
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        instant_of(text, NOW_US, PARIS)
    assert str(refused.value) == ALLOWED


def test_a_time_that_comes_twice_is_both_times() -> None:
    moment = instant_of("2026-10-25T02:30", NOW_US, PARIS)
    first, second = us("2026-10-25T02:30:00+02:00"), us("2026-10-25T02:30:00+01:00")
    assert moment.spans == ((first, first), (second, second))
    assert moment.is_instant
    assert (moment.first_us, moment.last_us) == (first, second)


def test_with_an_offset_such_a_time_is_one() -> None:
    assert instant_of("2026-10-25T02:30:00+01:00", NOW_US, PARIS).first_us == us("2026-10-25T01:30:00+00:00")


def test_a_time_that_the_clocks_skip_is_read_with_the_offset_before() -> None:
    assert instant_of("2026-03-29T02:30", NOW_US, PARIS).spans == ((us("2026-03-29T03:30:00+02:00"),) * 2,)


def test_a_span_whose_ends_come_twice_is_two_spans() -> None:
    moment = local_span(datetime(2026, 10, 25, 2, 10), datetime(2026, 10, 25, 2, 40), PARIS)
    assert moment.spans == tuple(
        (us(f"2026-10-25T02:10:00{offset}"), us(f"2026-10-25T02:40:00{offset}")) for offset in ("+02:00", "+01:00")
    )
    assert not moment.is_instant


def test_a_span_with_one_end_that_comes_twice_is_the_longer_one() -> None:
    moment = local_span(datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 2, 30), PARIS)
    assert moment.spans == ((us("2026-10-25T01:30:00+02:00"), us("2026-10-25T02:30:00+01:00")),)
    moment = local_span(datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 3, 30), PARIS)
    assert moment.spans == ((us("2026-10-25T02:30:00+02:00"), us("2026-10-25T03:30:00+01:00")),)


def test_a_span_from_a_skipped_time_has_its_ends_in_order() -> None:
    moment = local_span(datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 3, 10), PARIS)
    assert moment.spans == ((us("2026-03-29T03:10:00+02:00"), us("2026-03-29T03:30:00+02:00")),)


def test_a_day_that_a_zone_skips_is_not_longer_than_an_instant() -> None:
    moment = whole_day(date(2011, 12, 30), ZoneInfo("Pacific/Apia"))
    assert moment.spans == ((us("2011-12-31T00:00:00+14:00"),) * 2,)


def test_a_day_whose_midnight_comes_twice_begins_at_the_first() -> None:
    moment = whole_day(date(2026, 11, 1), ZoneInfo("America/Havana"))
    assert moment.spans == ((us("2026-11-01T00:00:00-04:00"), us("2026-11-02T00:00:00-05:00") - 1),)


@pytest.mark.usefixtures("system_in_new_york")
def test_without_a_zone_the_systems_own_counts() -> None:
    assert instant_of("2026-01-13T10:15", NOW_US, None).first_us == us("2026-01-13T10:15:00-05:00")
    assert instant_of("today", NOW_US, None).first_us == us("2026-11-26T00:00:00-05:00")
    twice = instant_of("2026-11-01T01:30", NOW_US, None)
    assert (twice.first_us, twice.last_us) == (us("2026-11-01T01:30:00-04:00"), us("2026-11-01T01:30:00-05:00"))
    assert instant_of("2026-03-08T02:30", NOW_US, None).spans == ((us("2026-03-08T03:30:00-04:00"),) * 2,)


def test_the_part_until_now_leaves_out_what_is_later() -> None:
    assert Moment(((10, 20),)).until(15) == Moment(((10, 15),))
    assert Moment(((10, 20),)).until(20) == Moment(((10, 20),))
    assert Moment(((10, 10), (30, 30))).until(20) == Moment(((10, 10),))
    assert Moment(((10, 20),)).until(5) == Moment(((10, 20),))


@given(
    st.one_of(
        st.text(max_size=80),
        st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-]..:..)?"),
    ),
    st.sampled_from(ZONES),
)
def test_any_text_is_a_moment_or_a_value_error(text: str, zone: tzinfo | None) -> None:
    try:
        moment = instant_of(text, NOW_US, zone)
    except ValueError:
        return
    assert moment.first_us <= moment.last_us


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1)),
    st.timedeltas(timedelta(0), timedelta(hours=23)),
    st.sampled_from(ZONES),
)
def test_spans_are_in_order_and_hold_their_ends(first: datetime, length: timedelta, zone: tzinfo | None) -> None:
    moment = local_span(first, first + length, zone)
    flat = [end for span in moment.spans for end in span]
    assert flat == sorted(flat)
    for moment_us in (moment.first_us, moment.last_us):
        assert local_time(moment_us, zone).tzinfo is None
    assert local_instant(first, zone).first_us in flat or len(moment.spans) == 1


@given(st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1)), st.sampled_from(ZONES))
def test_a_day_holds_the_times_of_its_date(local: datetime, zone: tzinfo | None) -> None:
    day = whole_day(local.date(), zone)
    for moment_us in (day.first_us, day.last_us):
        assert local_time(moment_us, zone).date() == local.date() or day.is_instant
