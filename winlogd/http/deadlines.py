"""Which time limit ends what on a connection.

Pure: knows neither the clock nor the socket, and ends nothing itself.
"""

from enum import Enum, auto
from typing import NamedTuple

from winlogd.http.states import Phase, State
from winlogd.http.wire.limits import Limits


class End(Enum):
    """What becomes of a connection that has taken too long."""

    RESET = auto()
    CLOSE = auto()
    TIMED_OUT = auto()  # 408, because a request has begun and not ended
    ANSWER_FOR_HANDLERS = auto()  # 503 for each request whose handler has not answered
    ANSWER_FOR_DEFERRED = auto()  # 503 for the request that still waits for its turn


class Situation(NamedTuple):
    """What a connection waits for.

    Attributes:
        state: of the connection.
        phase: what has come of the next request.
        is_unread: the peer leaves answers unread.
        handlers_are_due: a request waits for its handler.
        pieces_are_due: an answer has begun and its producer has not ended it.
        is_held: no request may be read, for no fault of the peer.
        has_begun: a part of a request has come.
        is_stopping: the server is about to end.
    """

    state: State
    phase: Phase
    is_unread: bool
    handlers_are_due: bool
    pieces_are_due: bool
    is_held: bool
    has_begun: bool
    is_stopping: bool


def end_of(situation: Situation, waited_s: float, limits: Limits) -> End | None:
    """Return what ends the wait in `situation`, None while it may go on.

    Args:
        situation: what is waited for.
        waited_s: for how many seconds there was no progress.
        limits: of the connection.
    """
    longest_s, end = _limit(situation, limits)
    return end if waited_s > longest_s else None


def _limit(situation: Situation, limits: Limits) -> tuple[float, End]:
    """How many seconds the wait may last, and what ends it then."""
    if situation.is_unread:  # a stop waits for a peer that does not read only as long as for one that lingers
        return limits.linger_timeout if situation.is_stopping else limits.idle_timeout, End.RESET
    if situation.state is State.LINGERING:
        return limits.linger_timeout, End.CLOSE
    if situation.handlers_are_due:
        return limits.answer_timeout, End.ANSWER_FOR_HANDLERS
    if situation.pieces_are_due:  # its producer may have nothing to tell for hours
        return float("inf"), End.CLOSE
    if situation.is_held:
        return limits.answer_timeout, End.ANSWER_FOR_DEFERRED
    if situation.phase is Phase.IDLE:
        return limits.idle_timeout, End.CLOSE
    longest_s = limits.headers_timeout if situation.phase is Phase.HEAD else limits.body_timeout
    return longest_s, End.TIMED_OUT if situation.has_begun else End.CLOSE
