"""Who goes on reading when, among connections that have sent more than was handled at once.

Whoever comes in a round of the event loop waits for its end. So of what has to wait anyway only a little is done in
each round. Knows order and time; not what a turn does.
"""

import time
from asyncio import AbstractEventLoop
from collections import OrderedDict
from typing import Final, Protocol

_ROUND_S: Final = 0.001
"""How long turns may begin in one round of the event loop. Before, the answers of one batch let a hundred pipelining
connections read on in the same round, for 10 to 20 ms. With this and fewer connections in a sweep, P99 of an honest
client under siege is 25 to 38 ms instead of 43 to 79 (`python -m tests.chaos`)."""


class Reader(Protocol):
    """What waits for a turn."""

    def take_turn(self) -> None:
        """Does a little, and asks for another turn if that was not all."""


class Turns:
    """A queue of readers.

    Args:
        loop: the event loop.
    """

    __slots__ = ("_is_due", "_loop", "_waiting")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: OrderedDict[Reader, None] = OrderedDict()
        self._is_due = False

    def ask(self, reader: Reader) -> None:
        """Gives `reader` one turn, however often it asks until then: after those that asked before, and not at once."""
        self._waiting[reader] = None
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._give)

    def _give(self) -> None:
        waiting = self._waiting
        until_s = time.monotonic() + _ROUND_S
        try:
            while waiting and time.monotonic() < until_s:
                reader, _ = waiting.popitem(last=False)
                reader.take_turn()
        finally:
            self._is_due = bool(waiting)
            if waiting:
                self._loop.call_soon(self._give)
