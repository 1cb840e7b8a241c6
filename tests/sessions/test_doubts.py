from datetime import UTC, time

import pytest

from tests.support.sessions import HOUR, LOGON, ended, session
from winlogd.events.patterns import Pattern
from winlogd.sessions.closing import Closing
from winlogd.sessions.doubts import Doubt, Evidence, Rules, doubt_of
from winlogd.sessions.session import Ending, Session

RULES = Rules(doubtful_after_us=14 * HOUR, keep_open_us=24 * HOUR)
NOTHING = Evidence()
LATER = LOGON + 100 * HOUR


def test_nothing_speaks_against_a_young_open_session() -> None:
    assert doubt_of(session(), NOTHING, RULES, LOGON + 14 * HOUR - 1) is None


def test_age_speaks_against_an_open_session_after_the_hours_that_are_set() -> None:
    assert doubt_of(session(), NOTHING, RULES, LOGON + 14 * HOUR) == Doubt("age", LOGON + 14 * HOUR)


def test_age_counts_from_the_receipt_not_from_the_workstation_s_time() -> None:
    behind = session(connected=LOGON - 50 * HOUR)
    assert doubt_of(behind, NOTHING, RULES, LATER) == Doubt("age", LOGON + 14 * HOUR)


def test_another_user_s_logon_speaks_against_a_session_from_its_receipt_on() -> None:
    evidence = Evidence(other_user_us=LOGON + HOUR)
    assert doubt_of(session(), evidence, RULES, LATER) == Doubt("other_user", LOGON + HOUR)
    assert doubt_of(session(), evidence, RULES, LOGON + HOUR - 1) is None


@pytest.mark.parametrize("host", ["TS-01", "ts-02.school.local", "serveur-ts.school.local"])
def test_another_user_says_nothing_on_a_machine_of_several_users(host: str) -> None:
    rules = RULES.replaced(multi_user=(Pattern("TS-*"), Pattern("*-TS")))
    evidence = Evidence(other_user_us=LOGON + HOUR)
    assert doubt_of(session(host=host), evidence, rules, LOGON + 2 * HOUR) is None
    assert doubt_of(session(host="A102-07"), evidence, rules, LOGON + 2 * HOUR) == Doubt("other_user", LOGON + HOUR)


@pytest.mark.parametrize("host", [None, "Unknown"])
def test_nothing_follows_from_events_of_the_unknown_host(host: str | None) -> None:
    evidence = Evidence(other_user_us=LOGON + HOUR, restart_us=LOGON + HOUR)
    rules = RULES.replaced(inventory_at_boot=True)
    assert doubt_of(session(host=host), evidence, rules, LOGON + 2 * HOUR) is None


def test_hardware_speaks_against_a_session_only_if_it_is_reported_at_start_up() -> None:
    evidence = Evidence(restart_us=LOGON + HOUR)
    assert doubt_of(session(), evidence, RULES, LOGON + 2 * HOUR) is None
    at_boot = RULES.replaced(inventory_at_boot=True)
    assert doubt_of(session(), evidence, at_boot, LOGON + 2 * HOUR) == Doubt("restart", LOGON + HOUR)


def test_the_site_s_closing_speaks_against_a_session_that_is_still_open() -> None:
    rules = RULES.replaced(closing=Closing(time(19), UTC))
    assert doubt_of(session(), NOTHING, rules, LOGON + 11 * HOUR - 1) is None
    assert doubt_of(session(), NOTHING, rules, LATER) == Doubt("closed", LOGON + 11 * HOUR)


def test_the_earliest_doubt_counts() -> None:
    rules = RULES.replaced(inventory_at_boot=True, closing=Closing(time(19), UTC))
    evidence = Evidence(other_user_us=LOGON + 3 * HOUR, restart_us=LOGON + 2 * HOUR)
    assert doubt_of(session(), evidence, rules, LATER) == Doubt("restart", LOGON + 2 * HOUR)


def test_of_doubts_that_begin_together_the_first_in_the_documented_order_counts() -> None:
    at = LOGON + 11 * HOUR
    rules = Rules(11 * HOUR, 24 * HOUR, inventory_at_boot=True, closing=Closing(time(19), UTC))

    def reason(evidence: Evidence, rules: Rules, of: Session) -> str:
        doubt = doubt_of(of, evidence, rules, LATER)
        assert doubt is not None
        return doubt.reason

    assert reason(Evidence(at, at), rules, session()) == "other_user"
    assert reason(Evidence(None, at), rules, session()) == "restart"
    assert reason(NOTHING, rules, session()) == "closed"
    assert reason(NOTHING, rules.replaced(closing=None), session()) == "age"
    assert reason(Evidence(LOGON, LOGON), rules, ended("auto", at)) == "no_end"


def test_only_what_came_before_a_client_s_logoff_counts() -> None:
    end = LOGON + 2 * HOUR
    told = ended("client", end)
    assert doubt_of(told, Evidence(other_user_us=end - 1), RULES, LATER) == Doubt("other_user", end - 1)
    assert doubt_of(told, Evidence(other_user_us=end), RULES, LATER) is None
    assert doubt_of(told, NOTHING, RULES, LATER) is None


def test_what_counts_is_when_the_logoff_was_received() -> None:
    late = ended("client", LOGON + HOUR, logoff_received=LOGON + 20 * HOUR)
    assert doubt_of(late, NOTHING, RULES, LATER) == Doubt("age", LOGON + 14 * HOUR)


@pytest.mark.parametrize("ending", ["auto", "expired"])
def test_a_session_whose_end_is_unknown_is_doubtful_from_its_logon_on(ending: Ending) -> None:
    assert doubt_of(ended(ending, LOGON + HOUR), NOTHING, RULES, LATER) == Doubt("no_end", LOGON)
    assert doubt_of(session("expired"), Evidence(LOGON + 1, LOGON + 1), RULES, LATER) == Doubt("no_end", LOGON)


def test_nothing_speaks_against_an_orphan() -> None:
    orphan = session("client", connected=None, disconnected=LOGON, logoff_received=LOGON)
    assert doubt_of(orphan, Evidence(LOGON, LOGON), RULES, LATER) is None
