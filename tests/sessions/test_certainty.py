import pytest

from tests.support.sessions import HOUR, LOGON, ended, session
from winlogd.sessions.certainty import (
    CERTAIN,
    DOUBTFUL_BY_CLOCK,
    PRESUMED,
    Grade,
    certainty_now,
    clock_error_seconds,
    duration_us,
    grade_at,
    overlaps,
    span_us,
)
from winlogd.sessions.doubts import Doubt, Rules
from winlogd.sessions.session import US, Ending

RULES = Rules(doubtful_after_us=14 * HOUR, keep_open_us=24 * HOUR)
END = LOGON + 2 * HOUR
OTHER_USER = Doubt("other_user", LOGON + HOUR)
NO_END = Doubt("no_end", LOGON)
ORPHAN = session("client", connected=None, disconnected=LOGON, logoff_received=LOGON)


def test_a_session_whose_end_a_client_reported_is_certain_with_both_its_ends() -> None:
    told = ended("client", END)
    assert [grade_at(told, None, at, RULES) for at in (LOGON, LOGON + HOUR, END)] == [CERTAIN] * 3
    assert [grade_at(told, None, at, RULES) for at in (LOGON - 1, END + 1)] == [None, None]


def test_a_reported_end_makes_a_session_certain_whatever_spoke_against_it() -> None:
    assert grade_at(ended("client", END), OTHER_USER, LOGON + 90 * 60 * US, RULES) == CERTAIN


def test_a_certain_session_has_no_cap() -> None:
    end = LOGON + 100 * HOUR
    assert grade_at(ended("client", end), None, end, RULES) == CERTAIN
    assert overlaps(ended("client", end), end, end, RULES)


def test_what_one_clock_alone_holds_is_doubtful() -> None:
    behind = session("client", connected=LOGON - HOUR, disconnected=END - HOUR, logoff_received=END)
    assert grade_at(behind, None, LOGON - HOUR, RULES) == DOUBTFUL_BY_CLOCK
    assert grade_at(behind, None, LOGON - 1, RULES) == DOUBTFUL_BY_CLOCK
    assert grade_at(behind, None, LOGON, RULES) == CERTAIN
    assert grade_at(behind, None, END - HOUR, RULES) == CERTAIN
    assert grade_at(behind, None, END, RULES) == DOUBTFUL_BY_CLOCK
    assert grade_at(behind, None, END + 1, RULES) is None


def test_a_logoff_that_claims_to_be_earlier_than_the_logon_leaves_that_moment() -> None:
    backwards = session("client", disconnected=LOGON - HOUR, logoff_received=END)
    assert grade_at(backwards, None, LOGON, RULES) == CERTAIN
    assert grade_at(backwards, None, LOGON + 1, RULES) == DOUBTFUL_BY_CLOCK


def test_an_open_session_is_presumed_until_something_speaks_against_it() -> None:
    assert grade_at(session(), None, LOGON, RULES) == PRESUMED
    assert grade_at(session(), OTHER_USER, LOGON + HOUR - 1, RULES) == PRESUMED
    assert grade_at(session(), OTHER_USER, LOGON + HOUR, RULES) == Grade("doubtful", "other_user")


def test_an_open_session_with_a_clock_that_is_ahead_is_doubtful_at_first() -> None:
    ahead = session(connected=LOGON + HOUR)
    assert grade_at(ahead, None, LOGON, RULES) == DOUBTFUL_BY_CLOCK
    assert grade_at(ahead, None, LOGON + HOUR, RULES) == PRESUMED


def test_an_open_session_is_reported_for_the_hours_that_it_may_stay_open() -> None:
    old = Doubt("age", LOGON + 14 * HOUR)
    assert grade_at(session(), old, LOGON + 24 * HOUR, RULES) == Grade("doubtful", "age")
    assert grade_at(session(), old, LOGON + 24 * HOUR + 1, RULES) is None


@pytest.mark.parametrize("ending", ["auto", "expired"])
def test_a_session_whose_end_is_unknown_is_doubtful_up_to_its_recorded_end(ending: Ending) -> None:
    assert grade_at(ended(ending, END), NO_END, LOGON, RULES) == Grade("doubtful", "no_end")
    assert grade_at(ended(ending, END), NO_END, END, RULES) == Grade("doubtful", "no_end")
    assert grade_at(ended(ending, END), NO_END, END + 1, RULES) is None


def test_a_session_without_a_recorded_end_is_doubtful_up_to_the_cap() -> None:
    lost = session("expired")
    assert grade_at(lost, NO_END, LOGON + 24 * HOUR, RULES) == Grade("doubtful", "no_end")
    assert grade_at(lost, NO_END, LOGON + 24 * HOUR + 1, RULES) is None


def test_an_orphan_was_never_on() -> None:
    assert grade_at(ORPHAN, None, LOGON, RULES) is None
    assert not overlaps(ORPHAN, LOGON, LOGON, RULES)
    assert span_us(ORPHAN, RULES) is None


def test_a_listing_shows_an_open_session_s_certainty_of_now() -> None:
    assert certainty_now(session(), None, LOGON + HOUR, RULES) == "presumed"
    assert certainty_now(session(), OTHER_USER, LOGON + HOUR, RULES) == "doubtful"
    assert certainty_now(session(), None, LOGON + 25 * HOUR, RULES) == "doubtful"  # no grade holds


def test_a_listing_shows_an_ended_session_as_certain_if_a_client_reported_the_end() -> None:
    assert certainty_now(ended("client", END), OTHER_USER, LOGON + 50 * HOUR, RULES) == "certain"
    assert certainty_now(ended("auto", END), NO_END, LOGON + HOUR, RULES) == "doubtful"
    assert certainty_now(session("expired"), NO_END, LOGON + HOUR, RULES) == "doubtful"


def test_the_span_of_an_open_session_ends_with_the_cap() -> None:
    assert span_us(session(), RULES) == (LOGON, LOGON + 24 * HOUR)
    assert span_us(session(connected=LOGON - HOUR), RULES) == (LOGON - HOUR, LOGON + 24 * HOUR)


def test_the_clock_s_error_is_shown_above_five_minutes() -> None:
    assert clock_error_seconds(session(connected=LOGON + 300 * US)) is None
    assert clock_error_seconds(session(connected=LOGON - 300 * US)) is None
    assert clock_error_seconds(session(connected=LOGON + 300 * US + 1)) == 300
    assert clock_error_seconds(session(connected=LOGON + 3600 * US)) == 3600
    assert clock_error_seconds(session(connected=LOGON - 3600 * US - 999_999)) == -3600
    assert clock_error_seconds(ORPHAN) is None


def test_only_a_session_whose_end_a_client_reported_has_a_duration() -> None:
    assert duration_us(ended("client", END)) == 2 * HOUR
    assert duration_us(ended("client", LOGON - HOUR)) == 0
    assert [duration_us(each) for each in (session(), ended("auto", END), ended("expired", END), ORPHAN)] == [None] * 4
