"""Find the moment in the words of a search: ``A102 hier 10:15``. Pure: the caller passes the time and the time zone.

It understands English and French. It takes at most one day and one time of day, which need not stand together. It
leaves all other words, and never raises. What a person types in a parameter of the API is for `moments`.

A moment without a certain date is the latest past one: a span counts as past when it has begun. A span that has begun
ends now at the latest. Only a day that the words name for certain may lie in the future: today, or a date with a year.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, final

from winlogd.events.value import Value
from winlogd.sessions.moments import ALLOWED, Moment, instant_of, local_instant, local_span, local_time, whole_day
from winlogd.sessions.plain_words import PADDING, phrase_at, plain, plain_words
from winlogd.sessions.spoken_days import DayFound, day_at
from winlogd.sessions.spoken_times import DAY, Hours, TimeFound, time_at

_MOST_WORDS: Final = 100
"""Words that are read. Those after them are left."""
_WHOLE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9]{2}:[^ ]+")
_NOW: Final = frozenset(("now", "maintenant"))
_LAST_TIME: Final = time.max
"""The last microsecond of a day, which is the end of a span until 24:00."""


@final
class Understood(Value):
    """What a search says about time.

    Attributes:
        moment: the moment; None if the words name none.
        used: the words that name the moment, in order, as they were typed.
        left: all other words, in order, as they were typed.
    """

    __slots__ = ("left", "moment", "used")

    def __init__(self, moment: Moment | None, used: Sequence[str], left: Sequence[str]) -> None:
        self.moment: Final = moment
        self.used: Final = list(used)
        self.left: Final = list(left)


def find_moment(
    words: Sequence[str], now_us: int, zone: tzinfo | None, periods: Mapping[str, tuple[time, time]]
) -> Understood:
    """Return the moment that words name, and the words that are left.

    Args:
        words: the words of a search, as they were typed, split at spaces.
        now_us: the time.
        zone: the time zone in which people think; None for the system's own.
        periods: the names of the site's periods, with their first and last time. A name wins over the same word's
            other meaning.
    """
    plain_ones = plain_words(words[:_MOST_WORDS])
    whole = _whole(plain_ones, now_us, zone)
    if whole is not None:
        return _understood(whole[1], words, range(whole[0], whole[0] + 1))
    today = local_time(now_us, zone).date()
    day, hours = _chosen(*_found(plain_ones, today, _hours_by_name(periods)))
    if day is None and hours is None:
        return _understood(None, words, ())
    places = [*range(day.at, day.after)] if day is not None else []
    if hours is not None:
        places += range(hours.at, hours.after)
    return _understood(_moment(day, hours, today, now_us, zone), words, places)


def moment_of(
    text: str, now_us: int, zone: tzinfo | None, periods: Mapping[str, tuple[time, time]], allowed: str = ALLOWED
) -> Moment:
    """Return the moment that a text means: in a form that the API takes too (`moments`), or in words.

    Args:
        text: the text. All of its words must be about time.
        now_us: the time.
        zone: as in `find_moment`.
        periods: as in `find_moment`.
        allowed: what is allowed, for the error.

    Raises:
        ValueError: the text means no moment. The message is `allowed`.
    """
    try:
        return instant_of(text, now_us, zone)
    except ValueError:
        understood = find_moment(text.split(), now_us, zone, periods)
    if understood.moment is None or understood.left:
        raise ValueError(allowed)
    return understood.moment


def _understood(moment: Moment | None, words: Sequence[str], places: Sequence[int]) -> Understood:
    used = frozenset(places)
    return Understood(
        moment,
        [word for place, word in enumerate(words) if place in used],
        [word for place, word in enumerate(words) if place not in used],
    )


def _whole(words: Sequence[str], now_us: int, zone: tzinfo | None) -> tuple[int, Moment] | None:
    """Return the first word that alone is a day and a time, with its moment; None if there is none."""
    for at, word in enumerate(words):
        if word in _NOW:
            return at, Moment(((now_us, now_us),))
        if _WHOLE.fullmatch(word):
            try:
                return at, instant_of(word, now_us, zone)
            except ValueError:
                continue
    return None


def _hours_by_name(periods: Mapping[str, tuple[time, time]]) -> dict[tuple[str, ...], Hours]:
    named = {
        tuple(map(plain, name.split())): Hours(_seconds(first), _seconds(last))
        for name, (first, last) in periods.items()
    }
    return {name: hours for name, hours in named.items() if name and all(name)}


def _seconds(at: time) -> int:
    return 3600 * at.hour + 60 * at.minute + at.second


def _found(
    words: Sequence[str], today: date, periods: Mapping[tuple[str, ...], Hours]
) -> tuple[list[DayFound], list[TimeFound]]:
    """Return all days and all times among the words. They do not overlap: the longest phrase at a word counts."""
    days: list[DayFound] = []
    times: list[TimeFound] = []
    at = 0
    while at < len(words) - PADDING:
        period = phrase_at(periods, words, at)
        hours = time_at(words, at) if period is None else TimeFound(at, period[0], period[1])
        day = None if period is not None else day_at(words, at, today)
        if day is not None and (hours is None or day.after >= hours.after):
            days.append(day)
            at = day.after
        elif hours is not None:
            times.append(hours)
            at = hours.after
        else:
            at += 1
    return days, times


def _chosen(days: Sequence[DayFound], times: Sequence[TimeFound]) -> tuple[DayFound | None, TimeFound | None]:
    """Return the first day and the first time. A day that is not sure counts only beside that time."""
    hours = times[0] if times else None
    beside = (each for each in days if hours is not None and (each.after == hours.at or hours.after == each.at))
    return next((each for each in days if each.is_sure), None) or next(beside, None), hours


def _moment(day: DayFound | None, found: TimeFound | None, today: date, now_us: int, zone: tzinfo | None) -> Moment:
    """Return the latest past moment that a day and a time mean; the last one if all are in the future."""
    hours = None if found is None else found.hours
    if day is not None and day.part is not None:
        hours = Hours(*day.part) if hours is None else hours.in_part(day.part)
    elif day is not None and hours is None:
        hours = day.hours
    # Three days: a zone may have skipped a whole one.
    days = day.days if day is not None else tuple(today - timedelta(days=ago) for ago in range(3))
    moments = [_moment_on(each, hours, zone) for each in days]
    return next((each for each in moments if each.first_us <= now_us), moments[-1]).until(now_us)


def _moment_on(day: date, hours: Hours | None, zone: tzinfo | None) -> Moment:
    if hours is None:
        return whole_day(day, zone)
    midnight = datetime.combine(day, time.min)
    first = midnight + timedelta(seconds=hours.first_s)
    if hours.last_s is None:
        return local_instant(first, zone)
    if hours.last_s == DAY:
        return local_span(first, datetime.combine(day, _LAST_TIME), zone)
    last_s = hours.last_s + (DAY if hours.last_s < hours.first_s else 0)
    return local_span(first, midnight + timedelta(seconds=last_s), zone)
