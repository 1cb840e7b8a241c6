"""The values that go into the writer and come out of it. This file must not know SQL or threads."""

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
        event: the client's event.
        source_ip: the client's address.
        received_s: the time of receipt, in seconds since 1970.
        due_s: the deadline of its COMMIT, on the monotonic clock.
        reply: the object by which the submitter answers. The store never looks into it.
        places: how many places it takes in the queue (`Store`).
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
"""An event and its outcome. Always unpack it into two names."""
