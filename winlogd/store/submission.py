"""What goes into the writer and what comes out: values only, no SQL and no thread."""

from enum import Enum, auto
from typing import Final, final

from winlogd.events.event import Event
from winlogd.events.value import Value
from winlogd.sessions.pair import Decision


class Fault(Enum):
    """Why an event was not stored."""

    UNAVAILABLE = auto()  # the database was busy, locked, full or failing until the deadline
    FAILED = auto()  # any other reason


@final
class Submission(Value):
    """An event on its way into the database.

    Attributes:
        event: what a client sent.
        source_ip: the client's address.
        received_s: when it came, in seconds since 1970.
        due_s: until when it must be committed, on the monotonic clock.
        reply: what its submitter needs to answer; never looked at here.
        places: how many places it takes among the events that wait.
    """

    __slots__ = ("due_s", "event", "places", "received_s", "reply", "source_ip")

    def __init__(
        self, event: Event, source_ip: str, received_s: float, due_s: float, reply: object, places: int
    ) -> None:
        self.event: Final = event
        self.source_ip: Final = source_ip
        self.received_s: Final = received_s
        self.due_s: Final = due_s
        self.reply: Final = reply
        self.places: Final = places


Result = tuple[Submission, Decision | Fault]
"""What has become of an event. Only ever taken apart into its two, by name."""
