"""Which time limit ends what, for every situation that a connection can be in."""

import pytest

from winlogd.http.deadlines import End, Situation, end_of
from winlogd.http.states import Phase, State
from winlogd.http.wire.limits import Limits

LIMITS = Limits(headers_timeout=10, body_timeout=30, idle_timeout=75, answer_timeout=27, linger_timeout=2)
BETWEEN_REQUESTS = Situation(
    State.READING,
    Phase.IDLE,
    is_unread=False,
    handlers_are_due=False,
    pieces_are_due=False,
    is_held=False,
    has_begun=False,
    is_stopping=False,
)
ANSWERING = BETWEEN_REQUESTS._replace(handlers_are_due=True, pieces_are_due=True)


@pytest.mark.parametrize(
    ("situation", "limit_s", "end"),
    [
        (BETWEEN_REQUESTS, 75, End.CLOSE),
        (BETWEEN_REQUESTS._replace(phase=Phase.HEAD), 10, End.CLOSE),
        (BETWEEN_REQUESTS._replace(phase=Phase.HEAD, has_begun=True), 10, End.TIMED_OUT),
        (BETWEEN_REQUESTS._replace(phase=Phase.BODY, has_begun=True), 30, End.TIMED_OUT),
        (BETWEEN_REQUESTS._replace(is_held=True), 27, End.ANSWER_FOR_DEFERRED),
        (ANSWERING, 27, End.ANSWER_FOR_HANDLERS),
        (ANSWERING._replace(state=State.LAST_ANSWER_DUE, is_stopping=True), 27, End.ANSWER_FOR_HANDLERS),
        (BETWEEN_REQUESTS._replace(state=State.LINGERING), 2, End.CLOSE),
        (BETWEEN_REQUESTS._replace(is_unread=True), 75, End.RESET),
        (ANSWERING._replace(is_unread=True), 75, End.RESET),
        (BETWEEN_REQUESTS._replace(is_unread=True, is_stopping=True), 2, End.RESET),
        (BETWEEN_REQUESTS._replace(is_unread=True, state=State.LINGERING), 75, End.RESET),
    ],
)
def test_a_wait_ends_only_after_its_limit(situation: Situation, limit_s: float, end: End) -> None:
    assert end_of(situation, limit_s, LIMITS) is None
    assert end_of(situation, limit_s + 0.1, LIMITS) is end


@pytest.mark.parametrize("is_stopping", [False, True])
def test_the_rest_of_an_answer_in_pieces_may_take_as_long_as_it_likes(is_stopping: bool) -> None:
    situation = BETWEEN_REQUESTS._replace(pieces_are_due=True, is_stopping=is_stopping)
    assert end_of(situation, 1e9, LIMITS) is None
