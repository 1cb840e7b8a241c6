"""Has each day of the site summed up when it has ended. This file must not know what a summary says."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from winlogd.scheduled.clock import Day, Schedule

_LOOK_EVERY_S: Final = 3600.0
"""Look at the clock at least this often for a new day."""


class Days:
    """Has each day of the site summed up when it has ended.

    A timer does not notice that the machine sleeps, or that somebody sets the clock. So the clock is looked at once an
    hour, too.

    Args:
        loop: the event loop.
        calendar: the moments at which days begin.
        sum_up: called with each day that has ended, and with the refused requests of that day.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, calendar: Schedule, sum_up: Callable[[Day, int], None]) -> None:
        self._loop = loop
        self._calendar = calendar
        self._sum_up = sum_up
        self._began_s = 0.0
        self._refused: Callable[[float], int]
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, refused: Callable[[float], int]) -> None:
        """Begin to look at the clock.

        Args:
            refused: returns how many requests were refused on the day before that of a time in seconds since 1970.
        """
        self._refused = refused
        self._began_s = self._calendar.midnight_s(time.time())
        self._look()

    def change(self, calendar: Schedule) -> None:
        """Let days begin at other moments."""
        self.stop()
        self._calendar = calendar
        self._began_s = calendar.midnight_s(time.time())
        self._look()

    def stop(self) -> None:
        """Look at the clock no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now_s = time.time()
        before_s, self._began_s = self._began_s, self._calendar.midnight_s(now_s)
        if self._began_s > before_s:
            self._sum_up(Day(before_s, self._calendar.following(before_s).at_s), self._refused(now_s))
        wait_s = min(self._calendar.following(now_s).at_s - now_s, _LOOK_EVERY_S)
        self._timer = self._loop.call_later(max(wait_s, 0.0) + 0.001, self._look)
