"""Gathers the events of a few rounds of the event loop into one hand-over to the writer.

When many clients send at once, each round of the loop brings some of their events. One hand-over of all these events
costs less than many, and makes larger transactions. An event of a single client is handed over at once. This file must
not know what an event is, or what the writer does with it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from winlogd.store.submission import Submission

_MAX_GATHERED_EVENTS: Final = 512
"""Hand over at this many events, even if the next round of the loop may bring more."""
_MAX_GATHER_S: Final = 0.002
"""Hand over when the first event has waited this long, even if the next round may bring more."""


class Gathering:
    """Events that were submitted and not handed over yet. All methods run on the loop's thread.

    Args:
        loop: the event loop.
        hand_over: gives the gathered events to the writer.
        go_on: called after a hand-over, and when no further events are expected: the writer may stop waiting for more.

    Attributes:
        gathered: the submissions that were not handed over yet. Call `begin_round` before you append the first one.
        received_s: when the events of this round were received, in seconds since 1970.
    """

    __slots__ = (
        "_gather_until_s",
        "_go_on",
        "_hand_over",
        "_is_crowded",
        "_is_scheduled",
        "_loop",
        "_seen",
        "gathered",
        "received_s",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hand_over: Callable[[list[Submission]], None],
        go_on: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._hand_over = hand_over
        self._go_on = go_on
        self.gathered: list[Submission] = []
        self._is_scheduled = self._is_crowded = False
        self._seen = 0
        self._gather_until_s = 0.0
        self.received_s = 0.0

    def begin_round(self) -> None:
        """Note the time of receipt of this round's events, and schedule their hand-over."""
        self.received_s = time.time()
        self._schedule()

    def note_answered(self, count: int) -> None:
        """Take note that `count` clients were answered at once. If they are several, gather their next events."""
        self._is_crowded = count > 1
        if self._is_crowded:
            self._schedule()
        else:
            self._go_on()

    def flush(self) -> None:
        """Hand all gathered events over now."""
        if self.gathered:
            self._hand_over(self.gathered)
            self.gathered = []

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._seen = 0
            self._gather_until_s = time.monotonic() + _MAX_GATHER_S
            self._loop.call_soon(self._flush_when_quiet)

    def _flush_when_quiet(self) -> None:
        """Hand over, unless several clients are active and this round has brought further events."""
        seen = len(self.gathered)
        if self._is_crowded and self._seen < seen < _MAX_GATHERED_EVENTS and time.monotonic() < self._gather_until_s:
            self._seen = seen
            self.received_s = time.time()
            self._loop.call_soon(self._flush_when_quiet)
            return
        self._is_scheduled = False
        self.flush()
        self._go_on()
