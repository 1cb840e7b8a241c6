"""Decide which time limit of a connection has passed, and what follows.

Pure: knows neither the clock nor the socket, and ends nothing itself.
"""

from enum import Enum, auto

from winlogd.http.states import Phase, State
from winlogd.http.wire.limits import Limits


class End(Enum):
    """What the server does to a connection that has taken too long."""

    RESET = auto()
    CLOSE = auto()
    TIMED_OUT = auto()  # 408, because a request has begun and not ended
    ANSWER_FOR_HANDLERS = auto()  # 503 for each request whose handler has not answered
    ANSWER_FOR_DEFERRED = auto()  # 503 for the request that still waits for its turn


def end_of(
    state: State,
    phase: Phase,
    waited_s: float,
    limits: Limits,
    *,
    is_unread: bool,
    handlers_are_due: bool,
    pieces_are_due: bool,
    is_held: bool,
    has_begun: bool,
    is_stopping: bool,
) -> End | None:
    """Return what the server has to do to a connection now; None while its time limits allow it to wait.

    Args:
        state: of the connection.
        phase: what has come of its next request.
        waited_s: seconds without progress.
        limits: of the connection.
        is_unread: the peer leaves answers unread.
        handlers_are_due: a request waits for its handler.
        pieces_are_due: an answer has begun, and its producer has not ended it. Counts only if no handler is due.
        is_held: the server reads no request now, and that is not the peer's fault.
        has_begun: a part of the next request has come.
        is_stopping: the server is about to end.
    """
    if is_unread:  # at a stop, wait for a peer that does not read no longer than for a connection that lingers
        longest_s, end = limits.linger_timeout if is_stopping else limits.idle_timeout, End.RESET
    elif state is State.LINGERING:
        longest_s, end = limits.linger_timeout, End.CLOSE
    elif handlers_are_due:
        longest_s, end = limits.answer_timeout, End.ANSWER_FOR_HANDLERS
    elif pieces_are_due:  # the producer may have nothing to send for hours
        return None
    elif is_held:
        longest_s, end = limits.answer_timeout, End.ANSWER_FOR_DEFERRED
    elif phase is Phase.IDLE:
        longest_s, end = limits.idle_timeout, End.CLOSE
    else:
        longest_s = limits.headers_timeout if phase is Phase.HEAD else limits.body_timeout
        end = End.TIMED_OUT if has_begun else End.CLOSE
    return end if waited_s > longest_s else None
