"""Which time limit counts, and what follows it, for every situation of a connection."""

import pytest

from winlogd.http.deadlines import End, end_of
from winlogd.http.states import Phase, State
from winlogd.http.wire.limits import Limits

LIMITS = Limits(headers_timeout=10, body_timeout=30, idle_timeout=75, answer_timeout=27, linger_timeout=2)
ANSWERING = ("handlers_are_due", "pieces_are_due")


def end_after(waited_s: float, state: State, phase: Phase, *facts: str) -> End | None:
    """Return what follows the wait. All facts that `facts` do not name are False."""
    return end_of(
        state,
        phase,
        waited_s,
        LIMITS,
        is_unread="is_unread" in facts,
        handlers_are_due="handlers_are_due" in facts,
        pieces_are_due="pieces_are_due" in facts,
        is_held="is_held" in facts,
        has_begun="has_begun" in facts,
        is_stopping="is_stopping" in facts,
    )


@pytest.mark.parametrize(
    ("state", "phase", "facts", "limit_s", "end"),
    [
        (State.READING, Phase.IDLE, (), 75, End.CLOSE),
        (State.READING, Phase.HEAD, (), 10, End.CLOSE),
        (State.READING, Phase.HEAD, ("has_begun",), 10, End.TIMED_OUT),
        (State.READING, Phase.BODY, ("has_begun",), 30, End.TIMED_OUT),
        (State.READING, Phase.IDLE, ("is_held",), 27, End.ANSWER_FOR_DEFERRED),
        (State.READING, Phase.IDLE, ANSWERING, 27, End.ANSWER_FOR_HANDLERS),
        (State.LAST_ANSWER_DUE, Phase.IDLE, (*ANSWERING, "is_stopping"), 27, End.ANSWER_FOR_HANDLERS),
        (State.LINGERING, Phase.IDLE, (), 2, End.CLOSE),
        (State.READING, Phase.IDLE, ("is_unread",), 75, End.RESET),
        (State.READING, Phase.IDLE, (*ANSWERING, "is_unread"), 75, End.RESET),
        (State.READING, Phase.IDLE, ("is_unread", "is_stopping"), 2, End.RESET),
        (State.LINGERING, Phase.IDLE, ("is_unread",), 75, End.RESET),
    ],
)
def test_a_wait_ends_only_after_its_limit(
    state: State, phase: Phase, facts: tuple[str, ...], limit_s: float, end: End
) -> None:
    assert end_after(limit_s, state, phase, *facts) is None
    assert end_after(limit_s + 0.1, state, phase, *facts) is end


@pytest.mark.parametrize("facts", [(), ("is_stopping",), ("is_held",)])
def test_the_rest_of_an_answer_in_pieces_may_take_as_long_as_it_likes(facts: tuple[str, ...]) -> None:
    assert end_after(1e9, State.READING, Phase.IDLE, "pieces_are_due", *facts) is None
