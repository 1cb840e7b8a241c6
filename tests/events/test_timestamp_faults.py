"""The details of the answer to an event whose timestamp is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.events.timestamp_faults import fault_of
from winlogd.events.timestamps import MAX_CHARACTERS, stored_form

NO_DATE = "does not begin with a date: write it like 2026-01-13T08:30:00+01:00"
NO_TIME = "must have T and a time of day after the date: write it like 2026-01-13T08:30:00+01:00"
NO_SECONDS = "has no seconds: write it like 2026-01-13T08:30:00+01:00"
NO_ZONE = "has no time zone: append Z or an offset such as +01:00"
BAD_ZONE = "has a time zone that is not understood: write Z or an offset such as +01:00"
BAD_CLOCK = "has a time of day that no clock shows: it goes from 00:00:00 to 23:59:60"
NO_SUCH_DATE = "has a date that no calendar has"
BAD_YEAR = "must lie between the years 1970 and 9998, in UTC"

FAULTS = {
    NO_DATE: [
        "now",
        "13/01/2026 08:30",
        "20260113T083000Z",
        "1736757000",
        " 2026-01-13T08:30:00Z",
        "26-01-13T08:30:00Z",
    ],
    NO_TIME: ["2026-01-13", "2026-01-13Z", "2026-01-13T", "2026-01-13  08:30:00Z", "2026-01-13T8:30:00Z"],
    NO_SECONDS: ["2026-01-13T08:30", "2026-01-13T08:30Z", "2026-01-13T08:30+01:00"],
    NO_ZONE: ["2026-01-13T08:30:00", "2026-01-13 08:30:00", "2026-01-13T08:30:00.1234567", "2026-02-30T08:30:00"],
    BAD_ZONE: [
        *(
            "2026-01-13T08:30:00+0100",
            "2026-01-13T08:30:00+01",
            "2026-01-13T08:30:00 +01:00",
            "2026-01-13T08:30:00+24:00",
        ),
        *("2026-01-13T08:30:00 CET", "2026-01-13T08:30:00ZZ", "2026-01-13T08:30:00Z\n", "2026-01-13T08:30:00.1.2Z"),
        "2026-01-13T08:30:00\N{MINUS SIGN}01:00",
    ],
    BAD_CLOCK: ["2026-01-13T24:00:00Z", "2026-01-13T08:60:00Z", "2026-01-13T08:30:61Z"],
    "has a comma before the fraction of a second: write a point": ["2026-01-13T08:30:00,5Z"],
    "has a point without digits after the seconds": ["2026-01-13T08:30:00.Z"],
    NO_SUCH_DATE: ["2026-13-01T08:30:00Z", "2026-02-30T08:30:00Z", "2026-01-00T08:30:00+01:00", "1969-04-31T08:30:00Z"],
    f"{NO_SUCH_DATE}: that year has no 29 February": ["2026-02-29T08:30:00Z", "2100-02-29T08:30:00+01:00"],
    BAD_YEAR: [
        *("1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00", "9999-01-01T00:00:00Z", "9998-12-31T23:59:59-00:01"),
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "1900-02-29T08:30:00Z"),
    ],
    "must have at most 64 characters": ["2026-01-13T08:30:00." + "0" * 44 + "Z", "1" * 65],
}


@pytest.mark.parametrize(("fault", "text"), [(fault, text) for fault, texts in FAULTS.items() for text in texts])
def test_what_is_wrong_with_a_timestamp_is_told(fault: str, text: str) -> None:
    assert stored_form(text) is None
    assert fault_of(text) == fault


times = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][012][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?", fullmatch=True
)


@given(times | st.text(max_size=30))
def test_a_zone_is_asked_for_where_nothing_before_it_is_missing(text: str) -> None:
    if stored_form(text + "Z") is not None:
        assert fault_of(text) == NO_ZONE


@given(times, st.sampled_from(["Z", "+01:00", "-23:59"]))
def test_a_refused_time_with_a_zone_has_a_fault_of_clock_date_or_year(text: str, zone: str) -> None:
    if len(text + zone) <= MAX_CHARACTERS and stored_form(text + zone) is None:
        assert fault_of(text + zone) in (
            BAD_CLOCK,
            NO_SUCH_DATE,
            BAD_YEAR,
            f"{NO_SUCH_DATE}: that year has no 29 February",
        )
