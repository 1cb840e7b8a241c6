"""Moments that a reader asks about: an instant, or a span of time. Pure: the caller passes the time and the time zone.

`instant_of` reads the parameters ``from``, ``to`` and ``at`` of the read API. Times that people type in their own
words are in `spoken`. All times are whole microseconds since 1970.
"""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, final

from winlogd.events.timestamps import FIRST_YEAR, LAST_YEAR, MAX_CHARACTERS, microseconds, stored_form
from winlogd.events.value import Value
from winlogd.sessions.session import US

_DAY: Final = timedelta(days=1)

_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]((?:[01][0-9]|2[0-3]):[0-5][0-9])(:[0-9]{2}(?:\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
"""A date; or a date, a time of day, and perhaps seconds and an offset."""

ALLOWED: Final = (
    "A time is RFC 3339 such as 2026-01-13T10:15:00+01:00 (in a URL, + is written %2B), local time such as 2026-01-13 "
    f"or 2026-01-13T10:15, or one of: now, today, yesterday. The year is {FIRST_YEAR} to {LAST_YEAR}."
)
"""The message of the ValueError of `instant_of`."""


@final
class Moment(Value):
    """An instant, or a span of time.

    When the clocks are set back, some local times come twice. Then such a time means both, and the moment has two
    spans. A caller that asks "who was on?" asks for each span. A caller that needs one limit takes `first_us` as the
    beginning and `last_us` as the end.

    Attributes:
        spans: one or two pairs of a first and a last microsecond, both included, in order. An instant has equal ones.
    """

    __slots__ = ("spans",)

    def __init__(self, spans: tuple[tuple[int, int], ...]) -> None:
        self.spans: Final = spans

    @property
    def first_us(self) -> int:
        """Return the first microsecond of the first span."""
        return self.spans[0][0]

    @property
    def last_us(self) -> int:
        """Return the last microsecond of the last span."""
        return self.spans[-1][1]

    @property
    def is_instant(self) -> bool:
        """Return True if this is an instant, even one that comes twice."""
        return all(first == last for first, last in self.spans)

    def until(self, now_us: int) -> "Moment":
        """Return the part that is not after `now_us`; the whole moment if all of it is later."""
        past = tuple((first, min(last, now_us)) for first, last in self.spans if first <= now_us)
        return Moment(past or self.spans)


def instant_of(text: str, now_us: int, zone: tzinfo | None) -> Moment:
    """Return the moment that a parameter means.

    A date, ``today`` and ``yesterday`` are a whole day: ``from`` takes its `first_us`, ``to`` its `last_us`. All else
    is an instant.

    Args:
        text: RFC 3339; or local time without an offset, where the time of day and the seconds may be missing; or
            ``now``, ``today`` or ``yesterday``.
        now_us: the time.
        zone: the time zone of local times; None for the system's own.

    Raises:
        ValueError: the text is something else. The message is `ALLOWED`.
    """
    text = text.strip()
    match = None if len(text) > MAX_CHARACTERS else _FORM.fullmatch(text)
    if match is None:
        return _named(text.lower(), now_us, zone)
    day, minute, seconds, offset = match.groups()
    try:
        if offset is not None:
            return _with_offset(f"{day}T{minute}{seconds or ':00'}{offset}")
        local = datetime.fromisoformat(day if minute is None else f"{day}T{minute}{seconds or ''}")
    except ValueError:
        raise ValueError(ALLOWED) from None
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise ValueError(ALLOWED)
    return whole_day(local.date(), zone) if minute is None else local_instant(local, zone)


def _named(name: str, now_us: int, zone: tzinfo | None) -> Moment:
    if name == "now":
        return Moment(((now_us, now_us),))
    if name not in ("today", "yesterday"):
        raise ValueError(ALLOWED)
    today = local_time(now_us, zone).date()
    return whole_day(today if name == "today" else today - _DAY, zone)


def _with_offset(text: str) -> Moment:
    stored = stored_form(text)
    moment_us = None if stored is None else microseconds(stored)
    if moment_us is None:
        raise ValueError(ALLOWED)
    return Moment(((moment_us, moment_us),))


def whole_day(day: date, zone: tzinfo | None) -> Moment:
    """Return a local day from its first to its last microsecond."""
    first, following = (_times(datetime.combine(each, time.min), zone)[0] for each in (day, day + _DAY))
    return Moment(((first, max(first, following - 1)),))  # where a zone skipped a whole day, there is no more of it


def local_instant(local: datetime, zone: tzinfo | None) -> Moment:
    """Return the instant of a local time, or both if it comes twice.

    A time that the clocks skip is read with the offset before the change: in Paris 02:30 becomes 03:30.
    """
    return Moment(tuple((each, each) for each in _times(local, zone)))


def local_span(first: datetime, last: datetime, zone: tzinfo | None) -> Moment:
    """Return the span between two local times, both included.

    If both come twice, there are two spans. If only one does, the span is the longer one.
    """
    firsts, lasts = _times(first, zone), _times(last, zone)
    pairs = zip(firsts, lasts, strict=True) if len(firsts) == len(lasts) else ((firsts[0], lasts[-1]),)
    return Moment(tuple((min(pair), max(pair)) for pair in pairs))  # a skipped time may change places with the other


def local_time(moment_us: int, zone: tzinfo | None) -> datetime:
    """Return a moment as local time, without its zone."""
    local = datetime.fromtimestamp(moment_us // US, zone).replace(tzinfo=None, fold=0)
    return local + timedelta(microseconds=moment_us % US)


def _times(local: datetime, zone: tzinfo | None) -> tuple[int, ...]:
    """Return the microseconds of a local time without a zone: one number, or two if the time comes twice."""
    whole = local.replace(microsecond=0, tzinfo=zone)
    # PEP 495: fold 1 is later than fold 0 if the time comes twice, and earlier if the clocks skip it.
    first, second = (int(whole.replace(fold=fold).timestamp()) * US + local.microsecond for fold in (0, 1))
    return (first, second) if first < second else (first,)
