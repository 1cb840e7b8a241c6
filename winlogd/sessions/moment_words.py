"""Say a moment in words, in English or French: ``Thursday 26 November, 10:15``. Pure; no locale of the system.

`spoken` understands these words again, except those of a span over several days.
"""

from datetime import datetime, time, timedelta, tzinfo
from typing import Final, Literal

from winlogd.sessions.moments import Moment, local_time

Language = Literal["en", "fr"]

_WEEKDAYS: Final[dict[Language, str]] = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
}
_MONTHS: Final[dict[Language, str]] = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_SPAN: Final[dict[Language, str]] = {"en": "{} to {}", "fr": "de {} à {}"}
_DAYS: Final[dict[Language, str]] = {"en": "{} to {}", "fr": "du {} au {}"}
_UNTIL: Final[dict[Language, str]] = {"en": "until {}", "fr": "jusqu’à {}"}
_TWICE: Final[dict[Language, str]] = {"en": "{} (both times)", "fr": "{} (les deux fois)"}

_MICROSECOND: Final = timedelta(microseconds=1)


def in_words(moment: Moment, now_us: int, zone: tzinfo | None, language: Language) -> str:
    """Return a moment in words. The year is left out if it is that of now.

    Args:
        moment: the moment.
        now_us: the time.
        zone: the time zone; None for the system's own.
        language: the language of the words.
    """
    year = local_time(now_us, zone).year
    (first_us, last_us), *others = moment.spans
    text = _span(local_time(first_us, zone), local_time(last_us, zone), year, language)
    return _TWICE[language].format(text) if others else text


def _span(first: datetime, last: datetime, year: int, language: Language) -> str:
    is_from_midnight = first.time() == time.min
    is_whole = is_from_midnight and _is_last_of_day(last)
    begin, end = _day(first, year, language), _day(last, year, language)
    if first.date() != last.date():
        if not is_whole:
            begin, end = f"{begin}, {_clock(first)}", f"{end}, {_clock(last)}"
        return _DAYS[language].format(begin, end)
    if is_whole:
        return begin
    if first == last:
        return f"{begin}, {_clock(first)}"
    if is_from_midnight:
        return f"{begin}, {_UNTIL[language].format(_clock(last))}"
    return f"{begin}, {_SPAN[language].format(_clock(first), _clock(last))}"


def _is_last_of_day(local: datetime) -> bool:
    return (local + _MICROSECOND).time() == time.min


def _day(local: datetime, year: int, language: Language) -> str:
    number = "1er" if local.day == 1 and language == "fr" else str(local.day)
    weekday, month = _WEEKDAYS[language].split()[local.weekday()], _MONTHS[language].split()[local.month - 1]
    text = f"{weekday} {number} {month}"
    return text if local.year == year else f"{text} {local.year}"


def _clock(local: datetime) -> str:
    """Return hours and minutes, and the seconds if the time is whole seconds. The end of a day is 24:00."""
    if _is_last_of_day(local):
        return "24:00"
    return f"{local:%H:%M:%S}" if local.second and not local.microsecond else f"{local:%H:%M}"
