"""What waits for the writer: events in the order in which they came, each until its deadline, and jobs.

Other threads put lists of events into a queue; here they are taken out, on the writer's thread. Knows order, turns and
time; no SQL.
"""

import time
from collections import deque
from contextlib import suppress
from math import inf
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from winlogd.store.submission import Submission

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob

_TURN_S: Final = 0.002
"""How long the event loop may take to hand a batch's results out and to hear what the clients send next."""


class Inbox:
    """The writer's end of the queue.

    Args:
        queue: of lists of events, jobs, and None for a look at `is_stopping`; an empty list ends a turn.

    Attributes:
        waiting: the events that were taken out of the queue and not written yet, oldest first.
        jobs: what else was asked for, and not taken up yet.
        is_stopping: whether the writer is to end when all that waits is written.
        latest_due_s: until when an event may wait whatever its own deadline, on the monotonic clock.
        is_their_turn: whether results were handed out, and those who got them have not submitted what they send next.
        waits_its_turn: whether the writer waits for that.
    """

    __slots__ = ("_queue", "is_stopping", "is_their_turn", "jobs", "latest_due_s", "waiting", "waits_its_turn")

    def __init__(self, queue: "SimpleQueue[list[Submission] | AnyJob | None]") -> None:
        self._queue = queue
        self.waiting: deque[Submission] = deque()
        self.jobs: deque[AnyJob] = deque()
        self.is_stopping = False
        self.latest_due_s = inf
        self.is_their_turn = self.waits_its_turn = False

    def await_more(self, until_s: float | None) -> None:
        """Wait for something to do, at most until `until_s` on the monotonic clock; None for as long as it takes."""
        if until_s is None:
            self._take_in(self._queue.get())
        elif (left_s := until_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._take_in(self._queue.get(timeout=left_s))

    def await_turn(self) -> None:
        """Lets those whose events were committed send their next ones, which then share a transaction with what waits.

        Sixty-four clients that wait for each answer would otherwise fall into two halves, of which one is written
        while the other is read: commits half as large, and two threads that fight for one core: 15 % of the processor
        time.
        """
        until_s = time.monotonic() + _TURN_S
        self.waits_its_turn = True
        while self.is_their_turn and not self.is_stopping and (left_s := until_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._take_in(self._queue.get(timeout=left_s))
        self.waits_its_turn = self.is_their_turn = False

    def take_all_in(self) -> None:
        """Takes out what is in the queue by now."""
        while not self._queue.empty():
            self._take_in(self._queue.get())

    def is_overdue(self, submission: Submission) -> bool:
        """Whether `submission` has waited for as long as it may."""
        return time.monotonic() >= min(submission.due_s, self.latest_due_s)

    def take_overdue(self) -> list[Submission]:
        """Takes those out that have waited for as long as they may."""
        overdue = []
        while self.waiting and self.is_overdue(self.waiting[0]):
            overdue.append(self.waiting.popleft())
        return overdue

    def _take_in(self, item: "list[Submission] | AnyJob | None") -> None:
        if isinstance(item, list):
            self.waiting.extend(item)
        elif item is not None:
            self.jobs.append(item)
