import random
import time as clock
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winlogd.sessions.moment_words import Language, in_words
from winlogd.sessions.moments import Moment
from winlogd.sessions.spoken import Understood, find_moment

PARIS = ZoneInfo("Europe/Paris")
ZONES = [PARIS, UTC, ZoneInfo("America/Havana"), ZoneInfo("Africa/Cairo"), ZoneInfo("Pacific/Apia"), None]
PERIODS = {"M2": (time(9, 0), time(10, 0)), "S1": (time(14, 30), time(15, 25)), "Pause midi": (time(12), time(13, 30))}


def us(text: str) -> int:
    """Return the microseconds of a moment; without an offset, it is local time in Paris that comes once."""
    local = datetime.fromisoformat(text)
    whole = local if local.tzinfo else local.replace(tzinfo=PARIS)
    return (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


NOW_US = us("2026-11-26T14:00:00")  # a Thursday


def understood(
    text: str, now_us: int = NOW_US, zone: tzinfo | None = PARIS, periods: Mapping[str, tuple[time, time]] = PERIODS
) -> Understood:
    return find_moment(text.split(), now_us, zone, periods)


def moment_of(text: str, now: str = "2026-11-26T14:00:00") -> Moment:
    result = understood(text, us(now))
    assert result.moment is not None, text
    assert result.left == [], text
    return result.moment


def instant(text: str) -> Moment:
    return Moment(((us(text), us(text)),))


def span(first: str, last: str) -> Moment:
    return Moment(((us(first), us(last)),))


def day(text: str) -> Moment:
    first = datetime.fromisoformat(text)
    return Moment(((us(first.isoformat()), us((first + timedelta(days=1)).isoformat()) - 1),))


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (
            "10:15|10h15|10H15|10h15m|10h15min|10 h 15|10 heures 15|à 10h15|at 10:15|vers 10:15|10:15?",
            "2026-11-26T10:15:00",
        ),
        (
            "10h|10 h|10:00|10am|10 am|10 o'clock|at 10|à 10|10 a.m.|10 in the morning|10h du matin",
            "2026-11-26T10:00:00",
        ),
        ("10:15:30", "2026-11-26T10:15:30"),
        ("midi|noon|Midi|12h|12pm|ce midi", "2026-11-26T12:00:00"),
        ("minuit|midnight|0h|00:00|12am", "2026-11-26T00:00:00"),
        ("14:00|2pm|2:00 pm|now|maintenant", "2026-11-26T14:00:00"),
        ("14:01", "2026-11-25T14:01:00"),
        ("8pm|8h du soir|8 in the evening|20h|hier soir 8h|hier soir à 20h", "2026-11-25T20:00:00"),
        ("hier 10h15|10h15 hier|yesterday 10:15|yesterday at 10:15|hier matin 10:15", "2026-11-25T10:15:00"),
        ("hier matin 12:15|hier 12h15", "2026-11-25T12:15:00"),
        ("avant-hier à 10h|day before yesterday 10am|the day before yesterday at 10", "2026-11-24T10:00:00"),
        ("mon 10:15|lun. 10h15|monday 10:15|lundi, 10:15|on monday at 10:15|10:15 lun", "2026-11-23T10:15:00"),
        ("jeudi 10h|thursday 10am|jeu 10h", "2026-11-26T10:00:00"),
        ("jeudi 15h|thursday 3pm|last thursday 15:00|jeudi dernier 15h", "2026-11-19T15:00:00"),
        ("13/01 10h15|13 jan 10:15|jan 13 10:15|le 13 janvier à 10h15|january 13th, 10:15", "2026-01-13T10:15:00"),
        ("26/11 15:00", "2025-11-26T15:00:00"),
        ("26/11/2026 15:00|today 15:00|aujourd'hui 15h|2026-11-26 15:00", "2026-11-26T15:00:00"),
        ("2026-01-13T10:15|2026-01-13T10:15:00+01:00|2026-01-13T09:15:00Z", "2026-01-13T10:15:00"),
    ],
)
def test_these_words_are_an_instant(texts: str, meant: str) -> None:
    for text in texts.split("|"):
        assert moment_of(text) == instant(meant), text


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        ("hier|Hier|HIER|yesterday|Yesterday,", "2026-11-25"),
        ("avant-hier|avant hier|avant‑hier|day before yesterday|the day before yesterday", "2026-11-24"),
        ("lundi|lundi dernier|monday|last monday|Lundi", "2026-11-23"),
        ("jeudi dernier|jeudi passé|last thursday|last thu", "2026-11-19"),
        ("vendredi|friday", "2026-11-20"),
        ("13/01|13/1|13/01/2026|13/01/26|13.01.2026|13-01-2026|2026-01-13|2026/1/13|le 13/01", "2026-01-13"),
        ("13 janvier|13 JANV.|13 jan|january 13|January 13th|the 13th of january|mardi 13 janvier", "2026-01-13"),
        ("Jan 13, 2025|13 janvier 2025|lundi 13 janvier 2025", "2025-01-13"),
        ("1er février|1 fevrier|february 1st|01/02", "2026-02-01"),
        ("15 août|15 aout|15 aou|AUGUST 15", "2026-08-15"),
        ("sam 21/11|sam. 21 nov|samedi", "2026-11-21"),
        ("mars 10|10 mars|10 mar.", "2026-03-10"),
        ("27/11|27 novembre|jeudi 27 novembre", "2025-11-27"),
        ("29/02|29 février", "2024-02-29"),
        ("13/01/2027", "2027-01-13"),
    ],
)
def test_these_words_are_a_day(texts: str, meant: str) -> None:
    for text in texts.split("|"):
        assert moment_of(text) == day(meant), text


@pytest.mark.parametrize(
    ("texts", "first", "last"),
    [
        ("10h-10h30|10:00-10:30|10:00–10:30|10h - 10h30|10h à 10h30", "2026-11-26T10:00:00", "2026-11-26T10:30:00"),
        ("between 10 and 11|de 10h à 11h|de 10h a 11h|from 10 to 11", "2026-11-26T10:00:00", "2026-11-26T11:00:00"),
        ("entre 10h et 11h|10 à 11|10-11h|10h-11|10 to 11|de 10h-11h", "2026-11-26T10:00:00", "2026-11-26T11:00:00"),
        ("hier de 10h à 11h|yesterday from 10 to 11|10h-11h hier", "2026-11-25T10:00:00", "2026-11-25T11:00:00"),
        ("hier 2-3pm|yesterday 2 to 3 pm|hier 14h-15h", "2026-11-25T14:00:00", "2026-11-25T15:00:00"),
        ("9-5pm hier|hier 9h-17h", "2026-11-25T09:00:00", "2026-11-25T17:00:00"),
        ("22h-2h|hier 22h-2h|22:00 to 02:00", "2026-11-25T22:00:00", "2026-11-26T02:00:00"),
        ("22h-24h|hier 22h-24h", "2026-11-25T22:00:00", "2026-11-25T23:59:59.999999"),
        ("ce matin|this morning|Ce Matin", "2026-11-26T06:00:00", "2026-11-26T12:00:00"),
        ("hier matin|yesterday morning", "2026-11-25T06:00:00", "2026-11-25T12:00:00"),
        ("lundi après-midi|lundi apres midi|monday afternoon", "2026-11-23T12:00:00", "2026-11-23T18:00:00"),
        ("hier soir|yesterday evening", "2026-11-25T18:00:00", "2026-11-25T23:59:59.999999"),
        ("M2|m2", "2026-11-26T09:00:00", "2026-11-26T10:00:00"),
        ("hier M2|M2 hier", "2026-11-25T09:00:00", "2026-11-25T10:00:00"),
        ("M2 lundi|lun M2", "2026-11-23T09:00:00", "2026-11-23T10:00:00"),
        ("S1", "2026-11-25T14:30:00", "2026-11-25T15:25:00"),
        ("pause midi|Pause Midi", "2026-11-26T12:00:00", "2026-11-26T13:30:00"),
        ("jusqu’à 10h|until 10:00", "2026-11-26T00:00:00", "2026-11-26T10:00:00"),
    ],
)  # fmt: skip
def test_these_words_are_a_span(texts: str, first: str, last: str) -> None:
    for text in texts.split("|"):
        assert moment_of(text) == span(first, last), text


@pytest.mark.parametrize("text", ["aujourd'hui", "aujourd’hui", "AUJOURD'HUI", "aujourdhui", "today", "jeudi", "26/11"])
def test_a_day_that_is_not_over_ends_now(text: str) -> None:
    assert moment_of(text) == span("2026-11-26T00:00:00", "2026-11-26T14:00:00")


@pytest.mark.parametrize("text", ["13h-15h", "cet après-midi", "cet apres midi", "this afternoon", "13h à 24h"])
def test_a_span_that_is_not_over_ends_now(text: str) -> None:
    assert moment_of(text).last_us == NOW_US


@pytest.mark.parametrize("text", ["ce soir", "this evening", "tonight", "today 15:00", "aujourd'hui S1", "27/11/2026"])
def test_only_a_day_that_is_named_for_certain_may_be_in_the_future(text: str) -> None:
    assert moment_of(text).first_us > NOW_US


def test_a_period_wins_over_another_meaning() -> None:
    result = understood("midi", periods={"Midi": (time(11, 30), time(13, 0))})
    assert result.moment == span("2026-11-26T11:30:00", "2026-11-26T13:00:00")


NO_TIMES = """
10|2026|M3|10-11|10 a 11|10 - 11|10/24|31/02|30 février|31/13|25h|24h|10:60|13th|0 janvier|13 am|10h-|-|from 10 to
de|at|à|Mars|May|Jan|Marie|mar|mer|sam|Sam|mon|sun|matin|last|le|the|jan mars|Mars May|M 2
2026-02-30T10:15|2026-01-13T10:75|10.1.2.3|10.0.0.0/8|192.0.2.0/24|2001:db8::10|A102|PC-10h|13-01
١٠:١٥|alice@school|DOM\\may|,|a|A 10
"""


@pytest.mark.parametrize("text", NO_TIMES.strip().replace("\n", "|").split("|"))
def test_these_words_are_left(text: str) -> None:
    result = understood(text)
    assert result.moment is None
    assert result.left == text.split()
    assert result.used == []


@pytest.mark.parametrize(
    ("text", "meant", "left"),
    [
        ("A102 hier 10:15", "2026-11-25T10:15:00", "A102"),
        ("hier A102 10:15", "2026-11-25T10:15:00", "A102"),
        ("hier 10:15 A102", "2026-11-25T10:15:00", "A102"),
        ("salle A 10:15", "2026-11-26T10:15:00", "salle A"),
        ("Mars 10 h", "2026-11-26T10:00:00", "Mars"),
        ("May 10:15", "2026-11-26T10:15:00", "May"),
        ("Sam 10:15", "2026-11-26T10:15:00", "Sam"),
        ("mon A102 10:15", "2026-11-26T10:15:00", "mon A102"),
        ("mon hier 10:15", "2026-11-25T10:15:00", "mon"),
        ("10:15 11:30", "2026-11-26T10:15:00", "11:30"),
        ("hier lundi 10h", "2026-11-25T10:00:00", "lundi"),
        ("10 10:15", "2026-11-26T10:15:00", "10"),
    ],
)
def test_other_words_are_left_in_order(text: str, meant: str, left: str) -> None:
    result = understood(text)
    assert result.moment == instant(meant)
    assert result.left == left.split()


def test_no_words_are_no_moment() -> None:
    assert find_moment([], NOW_US, PARIS, {}) == Understood(None, [], [])


def test_a_time_that_comes_twice_is_both_times() -> None:
    moment = moment_of("25/10 2h30")
    first, second = us("2026-10-25T02:30:00+02:00"), us("2026-10-25T02:30:00+01:00")
    assert moment.spans == ((first, first), (second, second))
    assert in_words(moment, NOW_US, PARIS, "en") == "Sunday 25 October, 02:30 (both times)"
    assert in_words(moment, NOW_US, PARIS, "fr") == "dimanche 25 octobre, 02:30 (les deux fois)"
    assert len(moment_of("25/10 2h10-2h40").spans) == 2


def test_between_the_two_times_only_the_first_is_past() -> None:
    assert moment_of("2h30", "2026-10-25T02:45:00+02:00") == instant("2026-10-25T02:30:00+02:00")
    assert len(moment_of("2h30", "2026-10-25T02:30:00+01:00").spans) == 2


def test_a_time_that_the_clocks_skip_is_past_when_its_moment_is() -> None:
    assert moment_of("2h30", "2026-03-29T03:10:00+02:00") == instant("2026-03-28T02:30:00")
    assert moment_of("2h30", "2026-03-29T03:40:00+02:00") == instant("2026-03-29T03:30:00+02:00")


@pytest.mark.parametrize(
    ("moment", "english", "french"),
    [
        (instant("2026-11-26T10:15:00"), "Thursday 26 November, 10:15", "jeudi 26 novembre, 10:15"),
        (instant("2026-11-26T10:15:30"), "Thursday 26 November, 10:15:30", "jeudi 26 novembre, 10:15:30"),
        (instant("2026-11-26T10:15:30.5"), "Thursday 26 November, 10:15", "jeudi 26 novembre, 10:15"),
        (instant("2025-01-01T00:00:00"), "Wednesday 1 January 2025, 00:00", "mercredi 1er janvier 2025, 00:00"),
        (day("2026-08-15"), "Saturday 15 August", "samedi 15 août"),
        (day("2026-10-25"), "Sunday 25 October", "dimanche 25 octobre"),
        (
            span("2026-11-26T10:00:00", "2026-11-26T10:30:00"),
            "Thursday 26 November, 10:00 to 10:30",
            "jeudi 26 novembre, de 10:00 à 10:30",
        ),
        (
            span("2026-11-26T00:00:00", "2026-11-26T14:00:00"),
            "Thursday 26 November, until 14:00",
            "jeudi 26 novembre, jusqu’à 14:00",
        ),
        (
            span("2026-11-25T18:00:00", "2026-11-25T23:59:59.999999"),
            "Wednesday 25 November, 18:00 to 24:00",
            "mercredi 25 novembre, de 18:00 à 24:00",
        ),
        (
            span("2025-12-31T22:00:00", "2026-01-01T02:00:00"),
            "Wednesday 31 December 2025, 22:00 to Thursday 1 January, 02:00",
            "du mercredi 31 décembre 2025, 22:00 au jeudi 1er janvier, 02:00",
        ),
        (
            span("2026-11-23T00:00:00", "2026-11-25T23:59:59.999999"),
            "Monday 23 November to Wednesday 25 November",
            "du lundi 23 novembre au mercredi 25 novembre",
        ),
    ],
)
def test_a_moment_in_words(moment: Moment, english: str, french: str) -> None:
    assert in_words(moment, NOW_US, PARIS, "en") == english
    assert in_words(moment, NOW_US, PARIS, "fr") == french


LANGUAGES: Sequence[Language] = ("en", "fr")


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2026, 11, 25)).map(lambda each: each.replace(second=0, microsecond=0)),
    st.integers(0, 23 * 60),
    st.sampled_from(LANGUAGES),
)
@example(datetime(2026, 3, 29, 2, 30), 0, "en")
@example(datetime(2024, 2, 29, 12, 0), 30, "fr")
def test_a_moment_in_words_is_understood_again(first: datetime, minutes: int, language: Language) -> None:
    last = first + timedelta(minutes=minutes)
    if last.date() == first.date():
        moment = span(first.isoformat(), last.isoformat())
        if first.replace(tzinfo=PARIS).utcoffset() == last.replace(tzinfo=PARIS, fold=1).utcoffset():
            text = in_words(moment, NOW_US, PARIS, language)
            assert moment_of(text) == moment, text


VOCABULARY = """
10:15 10h15 10h 10 24h 2h30 2pm 10h-10h30 22h-2h hier avant-hier avant aujourd'hui today day before yesterday lundi last
dernier mon mar sam monday jeudi 13/01 26/11 29/02 25/10 29/03 2026-01-13 13/01/2027 13 janvier january mars may 2025
2027 ce cet this matin après-midi evening soir midi noon minuit M2 S1 pause le the on of at h heures am pm du in now
A102 de à a to from between and entre et until jusqu'à alice - , 9999 31/12/9999 2026-11-26T10:15 1970-01-01
"""
WORDS = VOCABULARY.split()
FIXED = ("aujourd'hui", "today", "2027", "2025", "2026", "1970", "9999", "ce", "cet", "this")
"""What is in the words that name a day for certain, and perhaps a future one."""

TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.lists(st.one_of(st.text(max_size=12), st.sampled_from(WORDS)), max_size=6),
)
NOWS = st.datetimes(datetime(1972, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)).map(
    lambda each: (each - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
)
CHANGES = [us("2026-03-29T03:10:00+02:00"), us("2026-10-25T02:20:00+02:00"), us("2026-10-25T02:20:00+01:00")]
APIA_US = us("2011-12-31T00:10:00+14:00")


@given(TEXTS, st.one_of(NOWS, st.sampled_from([NOW_US, APIA_US, *CHANGES])), st.sampled_from(ZONES))
@example(["10h"], APIA_US, ZoneInfo("Pacific/Apia"))
def test_any_words_are_used_or_left_and_a_moment_is_past(words: list[str], now_us: int, zone: tzinfo | None) -> None:
    result = find_moment(words, now_us, zone, PERIODS)
    assert sorted([*result.used, *result.left]) == sorted(words)
    rest = iter(words)
    assert all(word in rest for word in result.left)  # in order
    assert bool(result.used) == (result.moment is not None)
    if result.moment is None:
        return
    flat = [end for each in result.moment.spans for end in each]
    assert flat == sorted(flat)
    if not any(fixed in word.casefold().replace("’", "'") for word in result.used for fixed in FIXED):
        assert result.moment.last_us <= now_us
    for language in LANGUAGES:
        assert in_words(result.moment, now_us, zone, language)


@given(TEXTS)
def test_letter_case_does_not_count(words: list[str]) -> None:
    ascii_only = [word for word in words if word.isascii()]
    upper = find_moment([word.upper() for word in ascii_only], NOW_US, PARIS, PERIODS)
    assert upper.moment == find_moment(ascii_only, NOW_US, PARIS, PERIODS).moment


def test_long_input_takes_no_time_and_is_left() -> None:
    words = ["1" * 100_000, "10h" * 10_000, *["à"] * 50_000, "10:15"]
    began = clock.process_time()
    assert find_moment(words, NOW_US, PARIS, PERIODS).left == words
    assert clock.process_time() - began < 2


def test_the_order_of_the_periods_does_not_count() -> None:
    names = [*PERIODS.items(), ("M2 bis", (time(10, 0), time(10, 30)))]
    for seed in range(3):
        random.Random(seed).shuffle(names)
        assert understood("M2 bis", periods=dict(names)).moment == span("2026-11-26T10:00:00", "2026-11-26T10:30:00")
