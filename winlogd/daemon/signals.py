"""Signals, from the first moment of a server on: which ask for a stop, and which must not end it.

Before there is an event loop, requests are remembered, and passed on as soon as there is one. Knows signals and the
loop; not what a stop is.
"""

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # it takes half of a start, and signals come at any time
    import asyncio

FAILED: Final = 1
"""The exit status of a server that failed, or that ended before it had answered every request."""

_STOP: Final = (signal.SIGTERM, signal.SIGINT)
_IGNORED: Final = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)


class Signals:
    """The signals of this process. Make it first: until then, most of them end a process at once."""

    def __init__(self) -> None:
        self._stops = 0
        self._hangups = 0
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        for number in _STOP:
            signal.signal(number, self._note_stop)
        signal.signal(signal.SIGHUP, self._note_hangup)

    def pass_on(self, loop: "asyncio.AbstractEventLoop", stop: Callable[[], None], hang_up: Callable[[], None]) -> None:
        """Call `stop` for each SIGTERM and SIGINT, and `hang_up` for each SIGHUP, on the loop's thread.

        Those that have come already are passed on now.
        """
        for number in _STOP:
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, hang_up)
        for _ in range(self._hangups):
            hang_up()
        if self._stops:
            stop()

    def _note_stop(self, *_: object) -> None:
        self._stops += 1
        if self._stops > 1:  # what holds the start up may hold it up for long, such as a name server
            os._exit(FAILED)

    def _note_hangup(self, *_: object) -> None:
        self._hangups += 1
