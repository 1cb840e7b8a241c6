"""Understand a day as people type it in English or French. The caller passes the day of today.

In numbers, the day comes before the month: ``02/01`` is the 2nd of January. A month's name needs the number of a day
beside it, because Mars and May are people's names too.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, final

from winlogd.events.timestamps import FIRST_YEAR, LAST_YEAR
from winlogd.events.value import Value
from winlogd.sessions.plain_words import MONTHS, PARTS, SHORT_WEEKDAYS, WEEKDAYS, phrase_at
from winlogd.sessions.spoken_times import NOON, Hours, clock_at

_YEARS: Final = 9
"""Years in which a date without a year is looked for. The 29th of February may be eight years ago."""

_DAYS_AGO: Final = {
    ("aujourd'hui",): 0,
    ("aujourdhui",): 0,
    ("aujourd", "hui"): 0,
    ("auj",): 0,
    ("today",): 0,
    ("hier",): 1,
    ("yesterday",): 1,
    ("avant-hier",): 2,
    ("avant", "hier"): 2,
    ("avanthier",): 2,
    ("day", "before", "yesterday"): 2,
}
_THIS: Final = {
    **{(this, *part): hours for part, hours in PARTS.items() for this in ("ce", "cet", "cette", "this")},
    ("tonight",): PARTS[("evening",)],
}
_ARTICLES: Final = frozenset(("le", "on", "the"))
_LAST: Final = frozenset(("dernier", "passe"))
_A_NAME_TOO: Final = "sam"
"""The short weekday that is a whole first name. It counts only before a date."""

_NUMBERS: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}|[0-9]{2}))?")
_WITH_YEAR: Final = re.compile(r"([0-9]{1,2})[.-]([0-9]{1,2})[.-]([0-9]{4})")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_DAY: Final = re.compile(r"([0-9]{1,2})(?:er|st|nd|rd|th)?")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")


@final
class DayFound(Value):
    """A day among the words.

    Attributes:
        at: the place of its first word.
        after: the place after its last word.
        days: the days that it may be, the latest first. One only if the words name the day for certain.
        part: the part of the day, in seconds since midnight; None for all of it.
        hours: the time of day that belongs to the words; None if there is none.
        is_sure: False if the words mean something else when they stand alone.
    """

    __slots__ = ("after", "at", "days", "hours", "is_sure", "part")

    def __init__(
        self,
        at: int,
        after: int,
        days: tuple[date, ...],
        part: tuple[int, int] | None = None,
        hours: Hours | None = None,
        is_sure: bool = True,
    ) -> None:
        self.at: Final = at
        self.after: Final = after
        self.days: Final = days
        self.part: Final = part
        self.hours: Final = hours
        self.is_sure: Final = is_sure


def day_at(words: Sequence[str], at: int, today: date) -> DayFound | None:
    """Return the day that begins at a word; None if none begins there.

    Args:
        words: the words, as `plain_words` returns them.
        at: the place of the word.
        today: the local day.
    """
    this = phrase_at(_THIS, words, at)
    if this is not None:
        return DayFound(at, this[0], (today,), this[1])
    if words[at] in ("ce", "cet") and words[at + 1] == "midi":
        return DayFound(at, at + 2, (today,), hours=Hours(NOON))
    begin = at + 1 if words[at] in _ARTICLES else at
    found = _named_at(words, begin, today) or _weekday_at(words, begin, today) or _date_at(words, begin, today)
    if found is None:
        return None
    part = phrase_at(PARTS, words, found.after)
    if part is None:
        return found.replaced(at=at)
    return DayFound(at, part[0], found.days, part[1])


def _named_at(words: Sequence[str], at: int, today: date) -> DayFound | None:
    ago = phrase_at(_DAYS_AGO, words, at)
    return None if ago is None else DayFound(at, ago[0], (today - timedelta(days=ago[1]),))


def _weekday_at(words: Sequence[str], at: int, today: date) -> DayFound | None:
    is_last = words[at] == "last"
    begin = at + is_last
    is_short = words[begin] in SHORT_WEEKDAYS
    weekday = SHORT_WEEKDAYS.get(words[begin], WEEKDAYS.get(words[begin]))
    if weekday is None:
        return None
    dated = _date_at(words, begin + 1 + (words[begin + 1] in _ARTICLES), today)
    if dated is not None:
        fitting = tuple(day for day in dated.days if day.weekday() == weekday)
        return dated.replaced(days=fitting or dated.days)
    if words[begin] == _A_NAME_TOO:
        return None
    after = begin + 1 + (words[begin + 1] in _LAST)
    is_last = is_last or after > begin + 1
    ago = (today.weekday() - weekday) % 7 or 7 * is_last
    days = tuple(today - timedelta(days=ago + 7 * weeks) for weeks in range(3))
    return DayFound(at, after, days, is_sure=is_last or not is_short)


def _date_at(words: Sequence[str], at: int, today: date) -> DayFound | None:
    """Return the date that begins at a word, in numbers or with a month's name."""
    day_first = _NUMBERS.fullmatch(words[at]) or _WITH_YEAR.fullmatch(words[at])
    year_first = _YEAR_FIRST.fullmatch(words[at])
    if day_first is not None:
        day, month, year = day_first.groups()
        after = at + 1
    elif year_first is not None:
        year, month, day = year_first.groups()
        after = at + 1
    else:
        named = _month_at(words, at)
        if named is None:
            return None
        day, month, after = named
        year = words[after] if _YEAR.fullmatch(words[after]) else None
        after += year is not None
    days = _days(int(day), int(month), year, today)
    return DayFound(at, after, days) if days else None


def _month_at(words: Sequence[str], at: int) -> tuple[str, int, int] | None:
    """Return the number of the day, that of the month, and the place after both; None if there is no month."""
    if words[at] in MONTHS:
        day, after = _DAY.fullmatch(words[at + 1]), at + 2
        clock = clock_at(words, at + 1)
        if clock is not None and clock.is_sure:
            return None  # Mars 10 h
        month = MONTHS[words[at]]
    else:
        day = _DAY.fullmatch(words[at])
        of = words[at + 1] == "of"
        month, after = MONTHS.get(words[at + 1 + of], 0), at + 2 + of
    return (day[1], month, after) if day is not None and month else None


def _days(day: int, month: int, year: str | None, today: date) -> tuple[date, ...]:
    """Return the days that a date may be, the latest first. None is later than today, unless the year is given."""
    if year is not None:
        number = int(year) + (2000 if len(year) == 2 else 0)
        return tuple(_valid([number], month, day))
    years = range(today.year, max(today.year - _YEARS, 0), -1)
    return tuple(each for each in _valid(years, month, day) if each <= today)


def _valid(years: Iterable[int], month: int, day: int) -> Iterable[date]:
    for year in years:
        try:
            if FIRST_YEAR <= year <= LAST_YEAR:
                yield date(year, month, day)
        except ValueError:  # no such day in this year
            continue
