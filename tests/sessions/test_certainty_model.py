"""Certainty against a model that reads like the table of the specification, at every moment of a small world."""

from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.sessions import session
from winlogd.sessions.certainty import Grade, grade_at, overlaps, span_us
from winlogd.sessions.doubts import Evidence, Rules, doubt_of
from winlogd.sessions.session import Ending, Session

WORLD = range(-25, 45)
"""All moments at which a session of these tests can be on, and some more."""

FOREVER = 1000
ENDINGS: Final[list[Ending | None]] = [None, "client", "auto", "expired"]
moments = st.integers(-10, 20)
rules = st.builds(
    Rules, doubtful_after_us=st.integers(0, 12), keep_open_us=st.integers(0, 20), inventory_at_boot=st.booleans()
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    received, connected = draw(st.integers(0, 10)), draw(moments)
    ended_by = draw(st.sampled_from(ENDINGS))
    if ended_by is None:
        return session(received=received, connected=connected)
    if ended_by == "expired" and draw(st.booleans()):
        return session("expired", received=received, connected=connected)
    logoff, disconnected = draw(moments), draw(moments)
    return session(ended_by, received=received, connected=connected, logoff_received=logoff, disconnected=disconnected)


def lies_between(at: int, logon: int, logoff: int | None) -> bool:
    return logon <= at <= (FOREVER if logoff is None else max(logon, logoff))


@given(sessions(), rules, st.integers(0, 12), st.integers(0, 12), st.integers(20, 40))
def test_a_grade_is_that_of_the_table(each: Session, rules: Rules, other: int, restart: int, now: int) -> None:
    evidence = Evidence(each.received_us + other, each.received_us + restart)
    doubt = doubt_of(each, evidence, rules, now)
    assert each.connected_us is not None
    for at in WORLD:
        by_client = lies_between(at, each.connected_us, each.disconnected_us)
        by_receipt = lies_between(at, each.received_us, each.logoff_received_us)
        expected = None
        if each.ended_by == "client" and by_client and by_receipt:
            expected = Grade("certain")
        elif at > each.received_us + rules.keep_open_us:
            expected = None
        elif by_client and by_receipt and each.is_open and (doubt is None or at < doubt.since_us):
            expected = Grade("presumed")
        elif by_client and by_receipt:
            assert doubt is not None
            expected = Grade("doubtful", doubt.reason)
        elif by_client or by_receipt:
            expected = Grade("doubtful", "clock")
        assert grade_at(each, doubt, at, rules) == expected, at


@given(sessions(), rules, moments, moments)
@example(session(received=0, connected=9), Rules(1, 5), 6, 9)
def test_a_session_overlaps_a_span_if_it_has_a_grade_in_it(each: Session, rules: Rules, first: int, last: int) -> None:
    doubt = doubt_of(each, Evidence(), rules, 40)
    graded = [at for at in range(first, last + 1) if grade_at(each, doubt, at, rules) is not None]
    assert overlaps(each, first, last, rules) == bool(graded)


@given(sessions(), rules)
def test_the_span_goes_from_the_first_grade_to_the_last(each: Session, rules: Rules) -> None:
    doubt = doubt_of(each, Evidence(), rules, 40)
    graded = [at for at in WORLD if grade_at(each, doubt, at, rules) is not None]
    assert span_us(each, rules) == (graded[0], graded[-1])
