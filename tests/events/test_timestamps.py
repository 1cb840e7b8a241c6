import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.events.timestamps import (
    MAX_CHARACTERS,
    current_timestamp_text,
    instant,
    one_second_before,
    stored_form,
    utc_text,
)

KEPT = [
    "2026-01-13T08:30:00Z",
    "2026-01-13T08:30:00+00:00",
    "2026-01-13T08:30:00.123456789+00:00",
    "2026-01-13T08:30:00.0Z",
    "2026-01-13T08:30:00.500000Z",
    "2026-01-13T00:00:00Z",
    "2026-01-13T23:59:59Z",
    "2016-12-31T23:59:60Z",
    "2016-12-31T23:59:60.999+00:00",
    "2026-01-13T08:30:60Z",
    "2024-02-29T12:00:00Z",
    "2000-02-29T12:00:00Z",
    "1970-01-01T00:00:00Z",
    "9998-12-31T23:59:60.9Z",
    f"2026-01-13T08:30:00.{'7' * (MAX_CHARACTERS - 21)}Z",
    f"2026-01-13T08:30:00.{'7' * (MAX_CHARACTERS - 26)}+00:00",
]

REWRITTEN = {
    "2026-01-13t08:30:00Z": "2026-01-13T08:30:00+00:00",
    "2026-01-13T08:30:00z": "2026-01-13T08:30:00+00:00",
    "2026-01-13t08:30:00.5z": "2026-01-13T08:30:00.5+00:00",
    "2026-01-13 08:30:00Z": "2026-01-13T08:30:00+00:00",
    "2026-01-13 08:30:00.120+00:00": "2026-01-13T08:30:00.120+00:00",
    "2026-01-13T08:30:00-00:00": "2026-01-13T08:30:00+00:00",
    "2026-01-13T08:30:00+01:00": "2026-01-13T07:30:00+00:00",
    "2026-01-13T08:30:00-05:30": "2026-01-13T14:00:00+00:00",
    "2026-01-13T08:30:00.123456789012+05:45": "2026-01-13T02:45:00.123456789012+00:00",
    "2026-01-13T00:30:00+01:00": "2026-01-12T23:30:00+00:00",
    "2026-01-13T23:30:00-01:00": "2026-01-14T00:30:00+00:00",
    "2026-03-01T00:00:00+00:01": "2026-02-28T23:59:00+00:00",
    "2024-03-01T00:00:00+00:01": "2024-02-29T23:59:00+00:00",
    "2026-01-01T00:00:00+14:00": "2025-12-31T10:00:00+00:00",
    "2025-12-31T23:59:59-23:59": "2026-01-01T23:58:59+00:00",
    "2017-01-01T00:59:60+01:00": "2016-12-31T23:59:60+00:00",
    "2016-12-31T18:59:60.5-05:00": "2016-12-31T23:59:60.5+00:00",
    # The years count in UTC.
    "1970-01-01T01:00:00+01:00": "1970-01-01T00:00:00+00:00",
    "1969-12-31T23:00:00-01:00": "1970-01-01T00:00:00+00:00",
    "9999-01-01T00:59:59+01:00": "9998-12-31T23:59:59+00:00",
    # 64 characters as received; the stored form may be longer.
    f"2026-01-13 08:30:00.{'1' * (MAX_CHARACTERS - 21)}Z": f"2026-01-13T08:30:00.{'1' * (MAX_CHARACTERS - 21)}+00:00",
}

REFUSED = [
    "",
    "yesterday",
    "2026-01-13",
    "08:30:00Z",
    "2026-01-13T08:30Z",
    "2026-01-13T08:30:00",
    "2026-01-13T08:30:00.5",
    "2026-01-13T08:30:00+0000",
    "2026-01-13T08:30:00+00",
    "2026-01-13T08:30:00 +00:00",
    "2026-01-13T08:30:00+24:00",
    "2026-01-13T08:30:00+00:60",
    "2026-01-13T08:30:00\u221201:00",
    "2026-01-13T08:30:00.Z",
    "2026-01-13T08:30:00,5Z",
    "2026-01-13T24:00:00Z",
    "2026-01-13T08:60:00Z",
    "2026-01-13T08:30:61Z",
    "2026-01-13T08:30:61+01:00",
    "2026-13-01T08:30:00Z",
    "2026-00-01T08:30:00Z",
    "2026-01-00T08:30:00Z",
    "2026-02-29T08:30:00Z",
    "2100-02-29T08:30:00Z",
    "2026-02-29T08:30:00+01:00",
    "2026-04-31T08:30:00Z",
    "2026-1-13T08:30:00Z",
    "26-01-13T08:30:00Z",
    "+2026-01-13T08:30:00Z",
    "20260113T083000Z",
    "2026-W03-2T08:30:00Z",
    "2026-01-13_08:30:00Z",
    "2026-01-13  08:30:00Z",
    " 2026-01-13T08:30:00Z",
    "2026-01-13T08:30:00Z ",
    "2026-01-13T08:30:00Z\n",
    "2026-01-13T08:30:00+00:00\n",
    "2026-01-13T08:30:00Z\x00",
    "2026-01-13T08:30:00ZZ",
    # Digits that Python knows and RFC 3339 does not.
    "２０２６-01-13T08:30:00Z",
    "2026-01-13T08:30:0٠Z",
    "2026-01-13T08:30:00.५Z",
    "2026-01-13T08:30:00+0１:00",
    # The years count in UTC.
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:60Z",
    "1970-01-01T00:59:59+01:00",
    "9999-01-01T00:00:00Z",
    "9999-01-01T01:00:00+01:00",
    "9998-12-31T23:00:00-01:00",
    "9999-12-31T23:59:59-23:59",
    # 65 characters.
    f"2026-01-13T08:30:00.{'7' * (MAX_CHARACTERS - 20)}Z",
    f"2026-01-13T08:30:00.{'7' * (MAX_CHARACTERS - 25)}+00:00",
    f"2026-01-13T08:30:00.{'7' * (MAX_CHARACTERS - 25)}+01:00",
]


@pytest.mark.parametrize("text", KEPT)
def test_utc_is_kept_as_it_came(text: str) -> None:
    assert stored_form(text) == text


@pytest.mark.parametrize(("text", "stored"), REWRITTEN.items())
def test_another_form_is_rewritten_to_utc_with_all_its_digits(text: str, stored: str) -> None:
    assert stored_form(text) == stored


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    assert stored_form(text) is None


Moment = tuple[Fraction, Fraction]
"""The instant of a timestamp: seconds since 1970, and the fraction of a second.

A leap second is second 59 with a fraction of 1 or more: it comes after all of second 59 and before the next minute.
"""


@st.composite
def timestamps(draw: st.DrawFn) -> tuple[str, Moment]:
    """Draw a timestamp in any accepted form, and its instant."""
    utc = draw(
        st.datetimes(datetime(1970, 1, 2), datetime(9998, 12, 30))
        | st.datetimes(datetime(2026, 1, 13, 8, 29), datetime(2026, 1, 13, 8, 31))
    ).replace(microsecond=0)
    offset = draw(st.sampled_from(["Z", "z", "+00:00", "-00:00"]) | st.integers(-1439, 1439))
    minutes = offset if isinstance(offset, int) else 0
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    local = utc + timedelta(minutes=minutes)
    leap = draw(st.booleans())
    second = 60 if leap else local.second
    digits = draw(st.text("0123456789", max_size=12) | st.sampled_from(["0", "5", "50", "500000000", "499999999999"]))
    fraction = Fraction(int(digits), 10 ** len(digits)) if digits else Fraction(0)
    text = f"{local:%Y-%m-%d}{draw(st.sampled_from('Tt '))}{local:%H:%M}:{second:02d}{'.' * bool(digits)}{digits}"
    whole = Fraction((utc.replace(second=59 if leap else utc.second) - datetime(1970, 1, 1)) // timedelta(seconds=1))
    moment = (whole, 1 + fraction) if leap else (whole, fraction)
    return text + (zone if isinstance(offset, int) else offset), moment


@given(timestamps(), timestamps())
def test_instants_of_stored_timestamps_compare_as_real_instants_do(
    one: tuple[str, Moment], other: tuple[str, Moment]
) -> None:
    stored, also_stored = stored_form(one[0]), stored_form(other[0])

    assert stored is not None
    assert also_stored is not None
    assert (instant(stored) < instant(also_stored)) == (one[1] < other[1])
    assert (instant(stored) == instant(also_stored)) == (one[1] == other[1])


@given(timestamps())
def test_an_instant_does_not_depend_on_the_form(one: tuple[str, Moment]) -> None:
    stored = stored_form(one[0])

    assert stored is not None
    assert instant(one[0]) == instant(stored)  # an older server stored any form


@given(timestamps())
def test_a_stored_form_is_its_own_stored_form_unless_it_grew_too_long(one: tuple[str, Moment]) -> None:
    stored = stored_form(one[0])

    assert stored is not None
    assert len(stored) > MAX_CHARACTERS or stored_form(stored) == stored


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-13 08:30:00", "2026-01-13", "Z", "1736757000"])
def test_what_an_administrator_wrote_has_some_instant(text: str) -> None:
    assert isinstance(instant(text), str)


@given(timestamps(), timestamps())
def test_one_second_before_is_a_second_earlier_but_not_before_the_other(
    one: tuple[str, Moment], other: tuple[str, Moment]
) -> None:
    stored, begin = stored_form(one[0]) or "", stored_form(other[0]) or ""

    result = one_second_before(stored, begin)

    assert result.endswith("+00:00")
    assert instant(result) == max(instant(begin), instant(_second_before(stored)))


def _second_before(stored: str) -> str:
    """Return `stored` one second earlier. `datetime` counts the seconds, and the fraction stays as text."""
    if stored[17:19] == "60":
        return stored.replace(":60", ":59")
    whole = datetime.fromisoformat(stored[:19]) - timedelta(seconds=1)
    return f"{whole:%Y-%m-%dT%H:%M:%S}{stored[19:]}"


@pytest.mark.parametrize(
    ("stored", "not_before", "result"),
    [
        ("2026-01-13T09:00:00.5Z", "2026-01-13T08:00:00Z", "2026-01-13T08:59:59.5+00:00"),
        ("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2025-12-31T23:59:59+00:00"),
        ("2024-03-01T00:00:00.000Z", "2024-01-01T00:00:00Z", "2024-02-29T23:59:59+00:00"),
        ("2016-12-31T23:59:60Z", "2016-01-01T00:00:00Z", "2016-12-31T23:59:59+00:00"),
        ("2017-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2016-12-31T23:59:60+00:00"),
        ("2026-01-13T09:00:00Z", "2026-01-13T08:59:59.25Z", "2026-01-13T08:59:59.25+00:00"),
        ("2026-01-13T09:00:00Z", "2026-01-13T11:00:00+00:00", "2026-01-13T11:00:00+00:00"),
        ("2026-01-13T09:00:00Z", "2026-01-13T09:59:59+01:00", "2026-01-13T08:59:59+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        (  # a stored time may be longer than one that a client may send
            "2026-01-13T08:00:00.9Z",
            f"2026-01-13T08:00:00.{'9' * 60}+00:00",
            f"2026-01-13T08:00:00.{'9' * 60}+00:00",
        ),
    ],
)
def test_one_second_before(stored: str, not_before: str, result: str) -> None:
    assert one_second_before(stored, not_before) == result


@given(st.integers(0, 4_000_000_000_000_000))
def test_the_machines_clock_is_written_with_six_digits_and_an_offset(microseconds: int) -> None:
    text = utc_text(microseconds / 1_000_000)

    assert len(text) == len("2026-01-13T08:30:00.123456+00:00")
    assert stored_form(text) == text
    written = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert abs(written / timedelta(microseconds=1) - microseconds) <= 1


@given(st.integers(0, 4_000_000_000))
def test_sqlite_writes_the_same_text_for_current_timestamp(seconds: int) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        [sqlite_text] = database.execute(
            "SELECT datetime(?, 'unixepoch')", (seconds,)
        ).fetchone()  # as CURRENT_TIMESTAMP

    assert current_timestamp_text(seconds) == sqlite_text


def test_a_part_of_a_second_is_cut_off_current_timestamp() -> None:
    assert current_timestamp_text(1_768_266_000.999) == "2026-01-13 01:00:00"


@pytest.mark.parametrize("unreadable", ["yesterday", "", "2026-13-45T99:00:00Z", "2026-01-13T09:00:00 or so", "zzz"])
def test_text_that_is_no_timestamp_is_before_any_time(unreadable: str) -> None:
    assert one_second_before("2026-01-13T08:00:00Z", unreadable) == "2026-01-13T07:59:59+00:00"
