from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from winlogd.sessions.closing import Closing
from winlogd.sessions.session import US

PARIS = ZoneInfo("Europe/Paris")
SEVEN = time(19, 0)


def us(text: str) -> int:
    """Return the microseconds of a moment with its offset."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_site_closes_on_the_same_day_at_its_time() -> None:
    assert Closing(SEVEN, PARIS).first_after(us("2026-01-13T10:15:00+01:00")) == us("2026-01-13T19:00:00+01:00")


def test_a_site_closes_the_next_day_if_it_has_closed_already() -> None:
    closing = Closing(SEVEN, PARIS)
    assert closing.first_after(us("2026-01-13T19:00:00+01:00")) == us("2026-01-14T19:00:00+01:00")
    assert closing.first_after(us("2026-01-13T18:59:59.999999+01:00")) == us("2026-01-13T19:00:00+01:00")


def test_the_time_of_day_is_that_of_the_zone_in_summer_too() -> None:
    assert Closing(SEVEN, PARIS).first_after(us("2026-07-01T10:00:00+02:00")) == us("2026-07-01T19:00:00+02:00")


def test_an_exception_gives_another_time_or_no_closing() -> None:
    exceptions = {date(2026, 1, 13): time(22, 30), date(2026, 1, 14): None, date(2026, 1, 15): None}
    closing = Closing(SEVEN, PARIS, exceptions)
    assert closing.first_after(us("2026-01-13T20:00:00+01:00")) == us("2026-01-13T22:30:00+01:00")
    assert closing.first_after(us("2026-01-13T23:00:00+01:00")) == us("2026-01-16T19:00:00+01:00")


def test_a_time_that_the_clocks_skip_is_read_with_the_offset_before_the_change() -> None:
    closing = Closing(time(2, 30), PARIS)
    assert closing.on(date(2026, 3, 29)) == us("2026-03-29T03:30:00+02:00")
    assert closing.first_after(us("2026-03-29T03:30:00+02:00")) == us("2026-03-30T02:30:00+02:00")


def test_a_time_that_comes_twice_counts_when_it_comes_first() -> None:
    closing = Closing(time(2, 30), PARIS)
    assert closing.on(date(2026, 10, 25)) == us("2026-10-25T02:30:00+02:00")
    assert closing.first_after(us("2026-10-25T02:30:00+02:00")) == us("2026-10-26T02:30:00+01:00")


def test_a_closing_that_the_clocks_move_past_midnight_still_comes() -> None:
    nuuk = ZoneInfo("America/Nuuk")  # on 30 March 2024 the clocks went from 23:00 to midnight
    closing = Closing(time(23, 30), nuuk)
    assert closing.first_after(us("2024-03-31T00:10:00-01:00")) == us("2024-03-31T00:30:00-01:00")


def test_a_fraction_of_a_second_is_kept() -> None:
    assert Closing(time(19, 0, 0, 250_000), UTC).on(date(2026, 1, 13)) == us("2026-01-13T19:00:00.250000+00:00")


def test_without_a_zone_the_system_s_own_counts() -> None:
    expected = int(datetime(2026, 1, 13, 19).timestamp()) * US
    assert Closing(SEVEN, None).on(date(2026, 1, 13)) == expected
    assert Closing(SEVEN, None).first_after(expected - 1) == expected


@given(
    st.integers(us("2026-03-27T00:00:00Z"), us("2026-04-01T00:00:00Z"))
    | st.integers(us("2026-10-23T00:00:00Z"), us("2026-10-28T00:00:00Z")),
    st.times(),
    st.dictionaries(st.dates(date(2026, 3, 27), date(2026, 4, 2)), st.none() | st.times(), max_size=4),
)
def test_no_closing_lies_between_a_moment_and_the_first_one_after_it(
    moment_us: int, at: time, exceptions: dict[date, time | None]
) -> None:
    closing = Closing(at, PARIS, exceptions)
    days = (date(2026, 3, 20) + timedelta(days=number) for number in range(250))
    later = [each for each in map(closing.on, days) if each is not None and each > moment_us]
    assert closing.first_after(moment_us) == min(later)
