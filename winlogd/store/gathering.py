"""Gathers the events of a few rounds of the event loop into one hand-over to the writer.

When many clients send at once, each round of the loop brings some of their events. One hand-over with all of them costs
less than many, and makes larger transactions. One client alone waits for nobody. Knows rounds and time; neither what an
event is nor what the writer does with it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from winlogd.store.submission import Submission

_MAX_GATHERED: Final = 512
"""Events that are handed over without waiting for a round of the loop that brings none."""
_MAX_GATHER_S: Final = 0.002
"""How long the first of them may wait for that."""


class Gathering:
    """What was submitted and not handed over yet; on the loop's thread.

    Args:
        loop: the event loop.
        hand_over: takes the gathered events.
        go_on: called after a hand-over, or when there was nothing to wait for: the writer need not wait for more.

    Attributes:
        gathered: what was submitted in this round and not handed over yet. Whoever appends the first one calls
            `begin_round` before it.
        received_s: when the events of this round were received, in seconds since 1970.
    """

    __slots__ = (
        "_gather_until_s",
        "_go_on",
        "_hand_over",
        "_heard",
        "_is_crowded",
        "_is_scheduled",
        "_loop",
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
        self._heard = 0
        self._gather_until_s = 0.0
        self.received_s = 0.0

    def begin_round(self) -> None:
        """Note when the events of this round came, and hand them over soon."""
        self.received_s = time.time()
        self._schedule()

    def note_answered(self, count: int) -> None:
        """Take note that so many clients were answered at once: what they send next is gathered."""
        self._is_crowded = count > 1
        if self._is_crowded:
            self._schedule()
        else:
            self._go_on()

    def flush(self) -> None:
        """Hand over what there is."""
        if self.gathered:
            self._hand_over(self.gathered)
            self.gathered = []

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._heard = 0
            self._gather_until_s = time.monotonic() + _MAX_GATHER_S
            self._loop.call_soon(self._flush_when_quiet)

    def _flush_when_quiet(self) -> None:
        """Go on gathering for as long as each round of the loop brings events, when more than one client is there."""
        heard = len(self.gathered)
        if self._is_crowded and self._heard < heard < _MAX_GATHERED and time.monotonic() < self._gather_until_s:
            self._heard = heard
            self.received_s = time.time()
            self._loop.call_soon(self._flush_when_quiet)
            return
        self._is_scheduled = False
        self.flush()
        self._go_on()
