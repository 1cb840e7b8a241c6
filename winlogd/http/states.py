"""The life of a connection: its states, and what has come of its next request.

Knows neither the socket nor the clock.
"""

from enum import Enum, IntEnum, auto


class State(IntEnum):
    """The states of a connection, in order: it goes down this list, and never up."""

    READING = auto()
    LAST_ANSWER_DUE = auto()  # no further request is read, answers are still owed
    LINGERING = auto()  # FIN is sent, and what still comes is dropped
    CLOSED = auto()


class Phase(Enum):
    """What has come of the next request."""

    IDLE = auto()  # nothing; a request was handled before
    HEAD = auto()  # a part of its head, or nothing on a new connection
    BODY = auto()  # its head, and a part of its body


class Life:
    """Where one connection is in its life; its parts share it.

    Args:
        now: seconds on the loop's clock.

    Attributes:
        state: set by `go_down_to` alone.
        phase: what has come of the next request.
        since: when there was progress last: a request or a part of it came, an answer went, the peer took some.
    """

    __slots__ = ("phase", "since", "state")

    def __init__(self, now: float) -> None:
        self.state = State.READING
        self.phase = Phase.HEAD
        self.since = now

    def go_down_to(self, state: State) -> None:
        """Go down to `state`; stay where the life is, if that is further down already."""
        if state > self.state:
            self.state = state
