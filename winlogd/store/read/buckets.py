"""Counts the sessions of one hour or day after the other: logons, distinct users, and the most sessions at once.

Pure: the caller passes the sessions of each. This file must not know where they come from.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from winlogd.sessions.session import US

Unit = Literal["hour", "day"]

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class Count(NamedTuple):
    """One hour or day.

    Attributes:
        begins_us: when it begins, in microseconds since 1970.
        logons: how many logons were received.
        users: of how many users.
        most: how many sessions were on at once, at most.
    """

    begins_us: int
    logons: int
    users: int
    most: int


class Received(NamedTuple):
    """Sessions that were received in an hour or day, by columns: a year of rows would keep Python's collector busy.

    Attributes:
        users: the user's number of each.
        begins: the moment at which each began, as `Sweep` takes it; None if its end is not known: it is only a logon.
        ends: the moment at which each ended; None if it is not known.
    """

    users: Sequence[int]
    begins: Sequence[int | None]
    ends: Sequence[int | None]


class Sweep:
    """Counts one hour or day after the other.

    A moment is a number: twice the microseconds since 1970 for the end of a session, and one more for a begin. So of
    the same moment, an end sorts before a begin: the two sessions are not on at once.

    Args:
        ends: the ends, in this form, of sessions that are on when the first bucket begins.
    """

    __slots__ = ("_ends",)

    def __init__(self, ends: Iterable[int]) -> None:
        self._ends = sorted(ends)

    def count(self, begin_s: int, until_s: int, received: Received) -> Count:
        """Count the next bucket.

        Args:
            begin_s: when it begins, in seconds since 1970.
            until_s: when the next one begins.
            received: the sessions that were received in it.
        """
        on_ends = self._ends[bisect_right(self._ends, 2 * begin_s * US) :]
        on = len(on_ends)
        on_ends += [end for end in received.ends if end is not None]
        on_ends.sort()
        at_end = bisect_left(on_ends, 2 * until_s * US)
        self._ends = on_ends[at_end:]
        moments = [begin for begin in received.begins if begin is not None]
        moments += on_ends[:at_end]
        moments.sort()
        levels = accumulate([1 if moment & 1 else -1 for moment in moments], initial=on)
        return Count(begin_s * US, len(received.users), len(set(received.users)), max(levels))


def begins_of(unit: Unit, from_us: int, to_us: int, zone: tzinfo | None) -> list[int]:
    """Return the begins of the hours or days of a span by a site's clocks, in seconds since 1970, and last their end.

    Args:
        unit: hours or days.
        from_us: the span begins with the hour or day of this moment, in microseconds since 1970.
        to_us: it ends with that of the last microsecond before this moment.
        zone: the site's time zone; None for the system's.
    """
    last_s = (to_us - 1) // US
    if unit == "day":
        day, last = _day(from_us // US, zone), _day(last_s, zone)
        return [_midnight_s(day + timedelta(days=number), zone) for number in range((last - day).days + 2)]
    begins = [_hour_s(from_us // US, zone)]
    while begins[-1] <= last_s:
        begins.append(_next_hour_s(begins[-1], zone))
    return begins


def _day(second: int, zone: tzinfo | None) -> date:
    return datetime.fromtimestamp(second, zone).date()


def _midnight_s(day: date, zone: tzinfo | None) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _hour_s(second: int, zone: tzinfo | None) -> int:
    """Return the begin of the hour that holds a second, by local clocks."""
    local = datetime.fromtimestamp(second, zone)
    return second - local.minute * _MINUTE_S - local.second


def _next_hour_s(begin_s: int, zone: tzinfo | None) -> int:
    """Return the begin of the next hour. A change of the clocks by half an hour makes a longer one."""
    after = datetime.fromtimestamp(begin_s + _HOUR_S, zone)
    past_s = after.minute * _MINUTE_S + after.second
    return begin_s + (2 * _HOUR_S - past_s if past_s else _HOUR_S)
