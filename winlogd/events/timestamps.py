"""RFC 3339 timestamps as text: which ones are accepted, how they are stored, and how they compare.

Pure functions over text. Clients send nanoseconds, which `datetime` cannot hold. Therefore timestamps stay text, and
`instant` turns them into text that sorts by time. This file must not know events, nor read a clock.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

MAX_CHARACTERS: Final = 64
"""Of a timestamp as it is received; its stored form may be longer."""
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9998
"""The years that are accepted, in UTC, both included."""

_STORED_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:Z|\+00:00)"
)
_ANY_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.[0-9]+)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
"""RFC 3339 §5.6. Its notes allow lower-case t and z, and a space instead of T; §5.7 allows second 60."""


@lru_cache(maxsize=64)
def _is_date(text: str) -> bool:
    """Return True if ``YYYY-MM-DD`` is a day of an accepted year. Cached: nearly all events are of a few days."""
    try:
        return FIRST_YEAR <= datetime.fromisoformat(text).year <= LAST_YEAR
    except ValueError:
        return False


def stored_form(text: str) -> str | None:
    """Return the form in which the timestamp `text` is stored; None if the timestamp is not accepted.

    ``YYYY-MM-DDTHH:MM:SS[.fraction]`` with ``Z`` or ``+00:00`` is returned unchanged, as the same object. Any other
    form of RFC 3339 is converted to this one with ``+00:00``. All fraction digits are kept.
    """
    if len(text) > MAX_CHARACTERS:
        return None
    match = _STORED_FORM.fullmatch(text)
    if match is not None:
        return text if _is_date(match[1]) else None
    return _rewritten(text)


def _rewritten(text: str) -> str | None:
    match = _ANY_FORM.fullmatch(text)
    if match is None:
        return None
    date, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    try:
        local = datetime.fromisoformat(f"{date}T{hour}:{minute}")
        offset = timedelta(hours=int(offset_hour or 0), minutes=int(offset_minute or 0))
        moment = local + offset if sign == "-" else local - offset
    except (ValueError, OverflowError):
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return f"{moment:%Y-%m-%dT%H:%M}:{second}{fraction or ''}+00:00"


_FRACTION: Final = re.compile(r"(\.[0-9]+)?")
"""What may follow the seconds in the text of `instant`."""


def instant(stored: str) -> str:
    """Return text that sorts by time, to the last fraction digit, for a stored timestamp.

    Second 60 comes after second 59 and before the next minute. An old database or an administrator may have left
    another form of RFC 3339: that is converted first. Text that is no timestamp sorts as it is.
    """
    text = stored if "T" in stored and stored.endswith(("Z", "+00:00")) else (_rewritten(stored) or stored)
    text = text.removesuffix("Z").removesuffix("+00:00")
    return text.rstrip("0").rstrip(".") if "." in text else text


def one_second_before(stored: str, not_before: str) -> str:
    """Return the time one second before `stored`, or `not_before` if that is later.

    `stored` is in stored form. The result is in UTC with ``+00:00``. Text that is no timestamp, which another program
    may have written, is before any time.
    """
    text = instant(stored)
    begin = instant(not_before)
    if not _is_moment(begin):
        begin = ""
    earlier = _minus_one_second(text)
    return f"{max(earlier, begin)}+00:00"


def _is_moment(text: str) -> bool:
    """Return True if `text`, from `instant`, is a time and not any text of another program's."""
    try:
        datetime.fromisoformat(text[:17] + "59" if text[17:19] == "60" else text[:19])
    except ValueError:
        return False
    return len(text) >= 19 and _FRACTION.fullmatch(text, 19) is not None


def _minus_one_second(text: str) -> str:
    second = int(text[17:19])
    if second:
        return f"{text[:17]}{second - 1:02d}{text[19:]}"
    moment = datetime.fromisoformat(text[:19]) - timedelta(seconds=1)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{text[19:]}"


def hours_after(stored: str, hours: float) -> str:
    """Return the time `hours` after the timestamp `stored`, in UTC with ``+00:00``.

    Text that is no timestamp, and a time beyond the year 9999, are returned as they are.
    """
    text = instant(stored)
    try:
        moment = datetime.fromisoformat(text[:17] + "59" if text[17:19] == "60" else text[:19]) + timedelta(hours=hours)
    except (ValueError, OverflowError):
        return stored
    return f"{moment:%Y-%m-%dT%H:%M:%S}{text[19:]}+00:00"


_UTC_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1)
"""Without a zone, like the texts of `instant`: all of them are UTC."""
_MICROSECOND: Final = timedelta(microseconds=1)
_LAST_US: Final = (datetime.max - _EPOCH) // _MICROSECOND
"""The end of the year 9999: second 60 of its last minute is no time that has a text."""
_SECONDS: Final = len("YYYY-MM-DDTHH:MM:SS")


def microseconds(stored: str) -> int | None:
    """Return a timestamp as microseconds since 1970; None if `stored` is no timestamp.

    Further digits of the fraction are cut off. Second 60 is the first second of the next minute. The form of
    CURRENT_TIMESTAMP, which has a space and no zone, is UTC.
    """
    try:
        if stored[10:11] == "T" and stored.endswith(("+00:00", "Z")):  # nearly all: 0.7 µs instead of 3 µs
            return (datetime.fromisoformat(stored) - _UTC_EPOCH) // _MICROSECOND
    except ValueError:  # second 60, or no time at all
        pass
    text = instant(f"{stored[:10]}T{stored[11:]}+00:00" if len(stored) == _SECONDS else stored)
    is_leap = text[17:19] == "60"
    try:
        moment = datetime.fromisoformat(f"{text[:17]}59" if is_leap else text[:_SECONDS]) - _EPOCH
        fraction_us = int(text[20:26].ljust(6, "0")) if _FRACTION.fullmatch(text, _SECONDS) else -1
    except (ValueError, TypeError):  # no time, or one with a zone of another form
        return None
    moment_us = moment // _MICROSECOND + fraction_us + is_leap * 1_000_000
    return None if fraction_us < 0 or moment_us > _LAST_US else moment_us


def microseconds_text(moment_us: int) -> str:
    """Return microseconds since 1970 as RFC 3339 in UTC, with six digits and ``+00:00``."""
    return f"{(_EPOCH + timedelta(microseconds=moment_us)).isoformat(timespec='microseconds')}+00:00"


def utc_text(seconds: float) -> str:
    """Return a time in seconds since 1970 as RFC 3339 in UTC, with microseconds and ``+00:00``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def current_timestamp_text(seconds: float) -> str:
    """Return a time in seconds since 1970 in the form of SQLite's CURRENT_TIMESTAMP: ``YYYY-MM-DD HH:MM:SS`` in UTC.

    A part of a second is cut off, not rounded (lang_createtable.html, "The DEFAULT clause").
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds")[:19]
