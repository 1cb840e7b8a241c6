"""Say why a timestamp is refused, in words for the client's author. Loaded when the first bad timestamp comes.

Knows the rules of `timestamps` (RFC 3339 §5.6). The words repeat nothing that the client sent.
"""

import re
from typing import Final

from winlogd.events.timestamps import FIRST_YEAR, LAST_YEAR, MAX_CHARACTERS, stored_form

_FORM: Final = "write it like 2026-01-13T08:30:00+01:00"

_PARTS: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<minute>[0-9]{2}:[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]*)?)?)?"
    r"(?P<zone>.*)",
    re.DOTALL,
)
_MINUTE: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_ZONE: Final = re.compile(r"[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]")


def fault_of(text: str) -> str:
    """Return what is wrong with `text`, which `timestamps.stored_form` refuses.

    The words complete a sentence that begins with "the timestamp".
    """
    if len(text) > MAX_CHARACTERS:
        return f"must have at most {MAX_CHARACTERS} characters"
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return f"does not begin with a date: {_FORM}"
    if parts["minute"] is None:
        return f"must have T and a time of day after the date: {_FORM}"
    return _fault_of_clock(parts) or _fault_of_zone(parts["zone"]) or _fault_of_date(parts["date"])


def _fault_of_clock(parts: re.Match[str]) -> str | None:
    if parts["second"] is None:
        return f"has no seconds: {_FORM}"
    if not _MINUTE.fullmatch(parts["minute"]) or parts["second"] > "60":
        return "has a time of day that no clock shows: it goes from 00:00:00 to 23:59:60"
    fraction = parts["fraction"]
    if fraction is None:
        return None
    if fraction.startswith(","):
        return "has a comma before the fraction of a second: write a point"
    return "has a point without digits after the seconds" if fraction == "." else None


def _fault_of_zone(zone: str) -> str | None:
    if not zone:
        return "has no time zone: append Z or an offset such as +01:00"
    return (
        None if _ZONE.fullmatch(zone) else "has a time zone that is not understood: write Z or an offset such as +01:00"
    )


def _fault_of_date(date: str) -> str:
    """Return what is wrong with `date`, in a timestamp in which everything else is right.

    Either the calendar has no such day, or its year is not accepted.
    """
    month_and_day = date[4:]
    if stored_form(f"2000{month_and_day}T12:00:00Z") is None:  # a leap year
        return "has a date that no calendar has"
    if stored_form(f"{date}T12:00:00Z") is None and FIRST_YEAR <= int(date[:4]) <= LAST_YEAR:
        return "has a date that no calendar has: that year has no 29 February"
    return f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}, in UTC"
