"""Understand a time of day, or a span of them, as people type it in English or French. It knows no dates.

A plain number is a time only where the words around it say so: in ``10 to 11``, ``at 10``, ``10-11h``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, final

from winlogd.events.value import Value
from winlogd.sessions.plain_words import AFTERNOON, EVENING, MONTHS, MORNING, PARTS, phrase_at

HOUR: Final = 3600
NOON: Final = 12 * HOUR
DAY: Final = 24 * HOUR
"""Seconds."""

_CLOCK: Final = re.compile(r"([0-9]{1,2})(?:[h:]([0-9]{2})(?:[:m]([0-9]{2})|m(?:in|n)?)?|(h))?(am|pm)?")
_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_MINUTES: Final = re.compile(r"[0-5][0-9]")

_NAMED: Final = {"midi": NOON, "noon": NOON, "minuit": 0, "midnight": 0}
_HOURS: Final = frozenset(("h", "heure", "heures", "o'clock"))
_HALVES: Final[Mapping[tuple[str, ...], tuple[int, int]]] = {
    ("am",): MORNING,
    ("a.m",): MORNING,
    ("pm",): AFTERNOON,
    ("p.m",): AFTERNOON,
    ("du", "matin"): MORNING,
    ("du", "soir"): EVENING,
    ("de", "l'apres-midi"): AFTERNOON,
    **{("in", "the", word): PARTS[(word,)] for word in ("morning", "afternoon", "evening")},
}
_BEFORE_ONE: Final = frozenset(("at", "à"))
"""A plain number may follow these."""
_BEFORE_CLOCK: Final = frozenset((*_BEFORE_ONE, "vers", "about", "around"))
_OPENERS: Final = {
    "de": frozenset(("à", "a", "-", "jusqu'a")),
    "from": frozenset(("to", "until", "till", "-")),
    "between": frozenset(("and",)),
    "entre": frozenset(("et",)),
}
"""The words that begin a span, with those that join its ends."""
_JOINS: Final = frozenset(("-", "à", "a", "to"))
"""The words that join two times where nothing began a span."""
_SURE_JOINS: Final = frozenset(("à", "to"))
"""Two plain numbers with one of these between them are times."""
_UNTIL: Final = frozenset(("until", "till", "jusqu'a"))


@final
class Hours(Value):
    """A time of day, or a span.

    Attributes:
        first_s: seconds since midnight.
        last_s: the end of the span; None for one time. If it is before `first_s`, it is on the next day.
    """

    __slots__ = ("first_s", "last_s")

    def __init__(self, first_s: int, last_s: int | None = None) -> None:
        self.first_s: Final = first_s
        self.last_s: Final = last_s

    def in_part(self, part: tuple[int, int]) -> "Hours":
        """Return this time as people say it within a part of the day: 8 in the evening is 20:00."""
        if part == MORNING:
            return self  # 12:15 stays
        first_s, last_s = (each and in_half(each, part) for each in (self.first_s, self.last_s))
        return Hours(first_s or 0, last_s)


@final
class TimeFound(Value):
    """A time among the words: `hours`, from the word at `at` to the one before `after`."""

    __slots__ = ("after", "at", "hours")

    def __init__(self, at: int, after: int, hours: Hours) -> None:
        self.at: Final = at
        self.after: Final = after
        self.hours: Final = hours


@final
class Clock(Value):
    """One time of day among the words.

    Attributes:
        after: the place after its last word.
        time_s: seconds since midnight.
        is_sure: False for a plain number.
        is_late: True if the words say that it is after noon.
    """

    __slots__ = ("after", "is_late", "is_sure", "time_s")

    def __init__(self, after: int, time_s: int, is_sure: bool, is_late: bool = False) -> None:
        self.after: Final = after
        self.time_s: Final = time_s
        self.is_sure: Final = is_sure
        self.is_late: Final = is_late


def time_at(words: Sequence[str], at: int) -> TimeFound | None:
    """Return the time of day, or the span, that begins at a word. None if none begins there.

    Args:
        words: the words, as `plain_words` returns them.
        at: the place of the word.
    """
    return _span_at(words, at) or _until_at(words, at) or _one_at(words, at)


def clock_at(words: Sequence[str], at: int) -> Clock | None:
    """Return the one time of day, or the plain number, that begins at a word. None if none does."""
    clock = _clock_in(words[at], at + 1)
    if clock is None:
        return None
    if _NUMBER.fullmatch(words[at]) and words[at + 1] in _HOURS:
        clock = Clock(at + 2, clock.time_s, True)
        if _MINUTES.fullmatch(words[at + 2]) and words[at + 3] not in MONTHS and clock.time_s < DAY:
            clock = Clock(at + 3, clock.time_s + 60 * int(words[at + 2]), True)
    half = phrase_at(_HALVES, words, clock.after)
    time_s = None if half is None else in_half(clock.time_s, half[1])
    return clock if half is None or time_s is None else Clock(half[0], time_s, True, half[1] is not MORNING)


def _clock_in(word: str, after: int) -> Clock | None:
    """Return the time of day, or the plain number, that a word is; None if it is neither."""
    if word in _NAMED:
        return Clock(after, _NAMED[word], True)
    match = _CLOCK.fullmatch(word)
    if match is None:
        return None
    hour, minute, second, _, half = match.groups()
    time_s: int | None = HOUR * int(hour) + 60 * int(minute or 0) + int(second or 0)
    if int(hour) > 24 or int(minute or 0) > 59 or int(second or 0) > 59:
        return None
    if half is not None:
        time_s = in_half(time_s or 0, AFTERNOON if half == "pm" else MORNING)
    return None if time_s is None or time_s > DAY else Clock(after, time_s, not word.isdecimal(), half == "pm")


def in_half(time_s: int, part: tuple[int, int]) -> int | None:
    """Return a time of day as it is meant in a part of the day: 8 in the evening is 20:00, and 12 am is midnight.

    Returns None if there is no such time, as 15 am.
    """
    if part == MORNING:
        return time_s if time_s < NOON else time_s - NOON if time_s < NOON + HOUR else None
    return time_s + NOON if time_s < NOON else time_s


def _span_at(words: Sequence[str], at: int) -> TimeFound | None:
    joins = _OPENERS.get(words[at])
    begin = at if joins is None else at + 1
    is_sure = joins is not None
    first_word, dash, last_word = words[begin].partition("-")
    if dash and first_word:
        first, last = _clock_in(first_word, begin), _clock_in(last_word, begin + 1)
    else:
        first = clock_at(words, begin)
        join = "" if first is None else words[first.after]
        is_sure = is_sure or join in _SURE_JOINS
        last = clock_at(words, first.after + 1) if first and join in (joins or _JOINS) else None
    if first is None or last is None or not (is_sure or first.is_sure or last.is_sure):
        return None
    if not last.is_sure and words[last.after] in MONTHS:
        return None  # from 10 to 11 january
    first_s = first.time_s
    if not first.is_sure and last.is_late and first_s + NOON <= last.time_s:
        first_s += NOON  # 2 to 3 pm
    return None if first_s >= DAY else TimeFound(at, last.after, Hours(first_s, last.time_s))


def _until_at(words: Sequence[str], at: int) -> TimeFound | None:
    last = clock_at(words, at + 1) if words[at] in _UNTIL else None
    return TimeFound(at, last.after, Hours(0, last.time_s)) if last is not None and last.is_sure else None


def _one_at(words: Sequence[str], at: int) -> TimeFound | None:
    clock = clock_at(words, at + 1 if words[at] in _BEFORE_CLOCK else at)
    if clock is None or clock.time_s >= DAY:
        return None
    if not clock.is_sure and (words[at] not in _BEFORE_ONE or words[clock.after] in MONTHS):
        return None
    return TimeFound(at, clock.after, Hours(clock.time_s))
