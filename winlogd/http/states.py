"""The life of a connection: its states, what is being read meanwhile, and how long that may take.

Knows neither the socket nor the clock.
"""

from enum import Enum, auto

from winlogd.http.wire.limits import Limits


class State(Enum):
    """Which end of its life a connection is nearer to; it only goes down this list."""

    READING = auto()
    LAST_ANSWER_DUE = auto()  # no further request is read, answers are still owed
    LINGERING = auto()  # FIN is sent, and what still comes is dropped
    CLOSED = auto()


class Phase(Enum):
    """What has come of the next request."""

    IDLE = auto()  # nothing; a request was handled before
    HEAD = auto()  # a part of its head, or nothing on a new connection
    BODY = auto()  # its head, and a part of its body


def longest_s(phase: Phase, limits: Limits) -> float:
    """Seconds for which a peer may leave a connection in `phase`."""
    if phase is Phase.IDLE:
        return limits.idle_timeout
    return limits.headers_timeout if phase is Phase.HEAD else limits.body_timeout
