"""Which time limit ends what on a connection.

Pure: knows neither the clock nor the socket, and ends nothing itself.
"""

from enum import Enum, auto

from winlogd.http.states import Phase, State
from winlogd.http.wire.limits import Limits


class End(Enum):
    """What becomes of a connection that has taken too long."""

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
    """Return what ends the wait of a connection, None while it may go on.

    Args:
        state: of the connection.
        phase: what has come of its next request.
        waited_s: for how many seconds there was no progress.
        limits: of the connection.
        is_unread: the peer leaves answers unread.
        handlers_are_due: a request waits for its handler.
        pieces_are_due: if no handler is due: an answer has begun and its producer has not ended it.
        is_held: no request may be read, for no fault of the peer.
        has_begun: a part of a request has come.
        is_stopping: the server is about to end.
    """
    if is_unread:  # a stop waits for a peer that does not read only as long as for one that lingers
        longest_s, end = limits.linger_timeout if is_stopping else limits.idle_timeout, End.RESET
    elif state is State.LINGERING:
        longest_s, end = limits.linger_timeout, End.CLOSE
    elif handlers_are_due:
        longest_s, end = limits.answer_timeout, End.ANSWER_FOR_HANDLERS
    elif pieces_are_due:  # the producer may have nothing to tell for hours
        return None
    elif is_held:
        longest_s, end = limits.answer_timeout, End.ANSWER_FOR_DEFERRED
    elif phase is Phase.IDLE:
        longest_s, end = limits.idle_timeout, End.CLOSE
    else:
        longest_s = limits.headers_timeout if phase is Phase.HEAD else limits.body_timeout
        end = End.TIMED_OUT if has_begun else End.CLOSE
    return end if waited_s > longest_s else None
