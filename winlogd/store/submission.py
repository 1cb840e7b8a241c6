"""The values that go into the writer and come out of it, and their counts. This file must not know SQL or threads."""

from collections.abc import Sequence
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

DURATIONS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
"""The bounds by which durations are counted. At 25 s an event is given up (``server.event_timeout``)."""
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""The bounds by which numbers of events are counted."""


@final
class Histogram:
    """Counts values by their size.

    One thread counts. Any thread may read: it may see a value in `counts` that is not in `total` yet.

    Args:
        bounds: the upper bounds of the counts, ascending. A value that is equal to a bound is below it.

    Attributes:
        bounds: as above.
        counts: how many values were between one bound and the next; the last number is of those above all bounds.
        total: the sum of all values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds: Final = bounds
        self.counts: Final = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float, times: int = 1) -> None:
        """Count a value that has come some times."""
        bounds, place = self.bounds, 0
        while place < len(bounds) and bounds[place] < value:  # most are small: `bisect` is no faster, and takes 40 KiB
            place += 1
        self.counts[place] += times
        self.total += value * times


def count_waits(histogram: Histogram, results: Sequence[Result], due_s: float) -> None:
    """Count how long some events have waited.

    Args:
        histogram: counts them.
        results: the events, in the order of their receipt. Those of one round of the event loop came together.
        due_s: the deadline of an event that comes now, on the monotonic clock.
    """
    if results and results[0][0].due_s == results[-1][0].due_s:  # most batches have the events of one round
        histogram.note(due_s - results[0][0].due_s, len(results))
        return
    for submission, _ in results:
        histogram.note(due_s - submission.due_s)


@final
class Counts:
    """What a writer has committed since its start. The writer's thread alone counts, once a batch; any thread may read.

    Attributes:
        stored: the events that were stored, by action.
        retries: the events that were stored already.
        automatic: the sessions that the next logon has closed.
        batches: the sizes of the batches, in events.
        commits_s: how long each COMMIT of a batch took.
        committed_s: when the last batch was committed, in seconds since 1970; 0 before the first.
    """

    __slots__ = ("automatic", "batches", "commits_s", "committed_s", "retries", "stored")

    def __init__(self) -> None:
        self.stored: Final = {"C": 0, "D": 0, "M": 0}
        self.retries = self.automatic = 0
        self.batches: Final = Histogram(SIZES)
        self.commits_s: Final = Histogram(DURATIONS_S)
        self.committed_s = 0.0

    def note(self, decided: list[tuple[Submission, Decision]], rows: int, took_s: float, now_s: float) -> None:
        """Count a batch that was committed.

        Args:
            decided: its events.
            rows: how many rows it has inserted.
            took_s: how long its COMMIT took.
            now_s: the wall clock, in seconds since 1970.
        """
        stored, retries, number = self.stored, 0, len(decided)
        for submission, decision in decided:
            if decision.is_retry:
                retries += 1
            else:
                stored[submission.event.action] += 1
        self.retries += retries
        self.automatic += rows - number + retries
        self.batches.note(number)
        self.commits_s.note(took_s)
        self.committed_s = now_s
