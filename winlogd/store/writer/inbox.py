"""The writer's inbox: events in their order of arrival, each with a deadline, and jobs.

Other threads put lists of events and jobs into a queue. The writer's thread takes them out here. This file must not
know SQL.
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
"""The longest wait for the loop to hand a batch's results out and to submit the next events of the same clients."""


class Inbox:
    """The writer's end of the queue.

    Args:
        queue: gives lists of events, and jobs. None only wakes the thread, which then sees `is_stopping`. An empty list
            only ends the wait of `await_turn`.

    Attributes:
        waiting: the events that were taken out of the queue and not written yet, oldest first.
        jobs: the jobs that were taken out of the queue and not started yet.
        is_stopping: True if the writer is to end when all waiting events are written. Any thread may set it.
        latest_due_s: no event waits longer than this, on the monotonic clock. Any thread may set it.
        looks: how often the thread has taken everything out of the queue. It does so after each piece of work, and
            again and again while it waits for a lock or a disk.
        is_clients_turn: True if results were handed out and the loop has not yet submitted the clients' next events.
            The writer's thread sets it; both threads clear it.
        waits_for_clients: True while `await_turn` waits for these events.
    """

    __slots__ = (
        "_queue",
        "is_clients_turn",
        "is_stopping",
        "jobs",
        "latest_due_s",
        "looks",
        "waiting",
        "waits_for_clients",
    )

    def __init__(self, queue: "SimpleQueue[list[Submission] | AnyJob | None]") -> None:
        self._queue = queue
        self.waiting: deque[Submission] = deque()
        self.jobs: deque[AnyJob] = deque()
        self.is_stopping = False
        self.latest_due_s = inf
        self.looks = 0
        self.is_clients_turn = self.waits_for_clients = False

    def await_more(self, until_s: float | None) -> None:
        """Wait for an event or a job, at most until `until_s` on the monotonic clock; None waits without a limit."""
        if until_s is None:
            self._take_in(self._queue.get())
        elif (left_s := until_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._take_in(self._queue.get(timeout=left_s))

    def await_turn(self) -> None:
        """Wait until the clients of the last batch have sent their next events, so that these join the waiting ones.

        Sixty-four clients that wait for each answer would otherwise fall into two halves: one is written while the
        other is read. Commits would be half as large, and two threads would compete for one core. That costs 15 % of
        the processor time.
        """
        until_s = time.monotonic() + _TURN_S
        self.waits_for_clients = True
        while self.is_clients_turn and not self.is_stopping and (left_s := until_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._take_in(self._queue.get(timeout=left_s))
        self.waits_for_clients = self.is_clients_turn = False

    def take_all_in(self) -> None:
        """Take everything out of the queue that is in it now."""
        self.looks += 1
        while not self._queue.empty():
            self._take_in(self._queue.get())

    def is_overdue(self, submission: Submission) -> bool:
        """Return True if `submission` has reached its deadline."""
        return time.monotonic() >= min(submission.due_s, self.latest_due_s)

    def take_overdue(self) -> list[Submission]:
        """Remove the events that have reached their deadlines from `waiting`, and return them."""
        overdue = []
        while self.waiting and self.is_overdue(self.waiting[0]):
            overdue.append(self.waiting.popleft())
        return overdue

    def _take_in(self, item: "list[Submission] | AnyJob | None") -> None:
        if isinstance(item, list):
            self.waiting.extend(item)
        elif item is not None:
            self.jobs.append(item)
