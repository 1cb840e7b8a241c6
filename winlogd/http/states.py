"""The life of a connection: its states, and which part of its next request has come.

Knows neither the socket nor the clock.
"""

from enum import Enum, IntEnum, auto


class State(IntEnum):
    """The states of a connection, in order: it goes down this list, and never up."""

    READING = auto()
    LAST_ANSWER_DUE = auto()  # no further request is read, answers are still owed
    LINGERING = auto()  # FIN is sent, later octets are dropped
    CLOSED = auto()


class Phase(Enum):
    """Which part of the next request has come."""

    IDLE = auto()  # nothing, and a request was handled before
    HEAD = auto()  # a part of its head, or nothing on a new connection
    BODY = auto()  # its head, and a part of its body


class Life:
    """The state of one connection, which its parts share.

    Args:
        now: the present time, in seconds on the loop's clock.

    Attributes:
        state: set by `go_down_to` alone.
        phase: which part of the next request has come.
        since: the time of the last progress, in seconds on the loop's clock. Progress is that a part of a request came,
            that an answer was sent, or that the peer read on.
    """

    __slots__ = ("phase", "since", "state")

    def __init__(self, now: float) -> None:
        self.state = State.READING
        self.phase = Phase.HEAD
        self.since = now

    def go_down_to(self, state: State) -> None:
        """Go down to `state`. Do nothing if the connection has reached it or a later one already."""
        if state > self.state:
            self.state = state
