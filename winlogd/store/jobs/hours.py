"""Counts the hours of new sessions in the past (`store.past.hours`), a few in each transaction.

The mark `HOURS_FROM` says where it begins. So a count that was cut short goes on where it was. If the rotation adds
sessions to hours that were counted already, the count begins again there. This file must not know threads, or when it
is called.
"""

import time
from collections.abc import Mapping
from typing import Final, NamedTuple, final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.jobs.job import Step
from winlogd.store.jobs.steps import Steps
from winlogd.store.past.hours import Count
from winlogd.store.past.progress import HOURS_FROM, number

BESIDE_EVENTS: Final = Steps(0.0007, 64, 4096)
"""Steps in a server. A session is read in some 2 µs, and few rows are written."""
ALONE: Final = Steps(0.2, 4096, 65_536)
"""Steps without a server."""


class Counted(NamedTuple):
    """What a count has done.

    Attributes:
        hours: how many hours it has written.
        seconds: from the begin of its first step to its end. Time in the queue does not count.
    """

    hours: int
    seconds: float


@final
class Hours:
    """Counts hours: a job. With nothing to do it ends in one step that writes nothing.

    Args:
        steps: the size of its steps.
    """

    goes_first = False
    needs_space = True
    needs_transaction = True

    def __init__(self, steps: Steps = BESIDE_EVENTS) -> None:
        self._steps = steps
        self._size = steps.fewest
        self._begun_s: float | None = None
        self._book: Book | None = None
        self._count: Count | None = None
        self._is_committed = True
        self._hours = 0

    @property
    def outcome(self) -> Counted:
        """Return what the count has done so far."""
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        written = 0 if self._count is None else self._count.written
        return Counted(self._hours + written, seconds)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many hours were written so far."""
        return {"hours_counted": self.outcome.hours}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Count some hours, inside the transaction that the caller has begun.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
        mark = number(connection, HOURS_FROM)
        if not mark:
            return Step(is_last=True, wrote=False)
        count = self._count
        if count is None or count.is_void or count.mark != mark or not self._is_committed or book is not self._book:
            if count is not None:
                self._hours += count.written
            self._book, self._count = book, (count := Count(mark))
        self._is_committed = False
        before = count.mark, count.written
        is_last = count.go_on(connection, self._size)
        return Step(is_last, wrote=is_last or (count.mark, count.written) != before)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and choose the number of sessions of the next step."""
        self._is_committed = True
        if not step.is_last:
            self._size = self._steps.after(self._size, took_s)

    def abandon(self) -> None:
        """Release nothing: hours that were counted stay."""
