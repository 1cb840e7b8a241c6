"""Give turns to connections that have sent more than the server handles at once.

A new client waits for the end of the present round of the event loop. So each round does only a little of the work that
has to wait anyway. Knows order and time; not what a turn does.
"""

import time
from asyncio import AbstractEventLoop
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # types only
    from winlogd.http.protocols import Reader

_ROUND_S: Final = 0.001
"""Start turns for this long in one round of the event loop.

Without this limit, the answers of one batch let a hundred pipelining connections read on in the same round, for 10 to
20 ms. With it, and with fewer connections in a sweep, P99 of an honest client under siege is 25 to 38 ms. Before it
was 43 to 79 (`python -m tests.chaos`)."""


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

    def ask(self, reader: "Reader") -> None:
        """Give `reader` one turn, after the readers that have asked before, and never at once.

        A reader that asks again before its turn still gets one turn.
        """
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
