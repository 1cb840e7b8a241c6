"""Handle the signals of the server from its first moment: some ask for a stop, the others must not end the process.

Signals that come before the event loop are remembered. The loop gets them when it is there. This file knows signals
and the loop. It must not know what a stop does.
"""

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # asyncio takes half of the start, and signals come at any time
    import asyncio

FAILED: Final = 1
"""The exit status of a server that failed, or that ended before it had answered every request."""

_STOP: Final = (signal.SIGTERM, signal.SIGINT)
_IGNORED: Final = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)


class Signals:
    """The signals of this process. Make this object first: until then, most signals end the process at once."""

    def __init__(self) -> None:
        self._stops = 0
        self._hangups = 0
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        for number in _STOP:
            signal.signal(number, self._note_stop)
        signal.signal(signal.SIGHUP, self._note_hangup)

    def pass_on(self, loop: "asyncio.AbstractEventLoop", stop: Callable[[], None], hang_up: Callable[[], None]) -> None:
        """From now on, call `stop` for each SIGTERM and SIGINT, and `hang_up` for each SIGHUP, on the loop's thread.

        If such signals have come already, call `stop` once, and `hang_up` for each SIGHUP, before this returns.
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
        if self._stops > 1:  # the start may hang for long, as at a name server: do not wait for it
            os._exit(FAILED)

    def _note_hangup(self, *_: object) -> None:
        self._hangups += 1
