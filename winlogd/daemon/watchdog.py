"""Notify the service manager that the server is ready, alive, or stopping.

Alive means: the event loop runs, and the writer works or waits. A wait for a lock or for a full disk is none of its
faults, and another start would not end it. This file knows when to report. It must not know the form of a report: that
is in `systemd`. Nor does it know what the writer does.
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from winlogd.daemon import systemd
from winlogd.log.log import Log

_HANGS_AFTER: Final = 2
"""A writer hangs if it has not moved in this many intervals, which are the unit's WatchdogSec together."""


class Watchdog:
    """The reports of one process to the service manager.

    Args:
        loop: the event loop. ``WATCHDOG=1`` proves that it runs.
        log: gets a warning if the service manager cannot be reached, and an error if the writer hangs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, log: Log) -> None:
        self._loop = loop
        self._log = log
        self._awaited = {"listening", "opened"}
        self._is_reloading = False
        self._writer_has_moved: Callable[[], bool]
        self._still = 0

    def keep(self, writer_has_moved: Callable[[], bool]) -> None:
        """Report now, and from now on as often as the unit wants, that the server is alive (sd_watchdog_enabled(3)).

        Args:
            writer_has_moved: returns True if the writer has moved since the last call, and False if it hangs.
        """
        interval_s = systemd.watchdog_interval_s(os.environ)
        if interval_s is not None:
            self._writer_has_moved = writer_has_moved
            self._feed(interval_s)

    def _feed(self, interval_s: float) -> None:
        """Report that the server is alive, unless the writer hangs. Do it again after the interval."""
        if self._writer_hangs():
            if self._still == _HANGS_AFTER:
                self._log.error("server", "the writer of the database hangs: systemd will start winlogd again")
        else:
            self._notify("WATCHDOG=1")
        self._loop.call_later(interval_s, self._feed, interval_s)

    def _writer_hangs(self) -> bool:
        """Return True if the writer has not moved for too long. Opening the database may take any time.

        Count intervals, not seconds: after a pause of the whole process, a clock would find that both have hung.
        """
        has_moved = self._writer_has_moved() or "opened" in self._awaited
        self._still = 0 if has_moved else self._still + 1
        return self._still >= _HANGS_AFTER

    def listening(self) -> None:
        """Note that the server listens. Report ``READY=1`` if the database is open too."""
        self._reached("listening")

    def opened(self) -> None:
        """Note that the database is open. Report ``READY=1`` if the server listens too."""
        self._reached("opened")

    def reloading(self) -> None:
        """Report that a reload has begun. Before the first ``READY=1`` report nothing: it would seem to be there."""
        if not self._awaited and not self._is_reloading:
            self._is_reloading = True
            self._notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """Report that a reload has ended, also one that has changed nothing."""
        if self._is_reloading:
            self._is_reloading = False
            self._notify("READY=1")

    def stopping(self) -> None:
        """Report that a stop has begun."""
        self._notify("STOPPING=1")

    def _reached(self, what: str) -> None:
        """Note that `what` has happened. Report ``READY=1`` if nothing else is awaited."""
        self._awaited.discard(what)
        if not self._awaited:
            self._notify("READY=1")

    def _notify(self, state: str) -> None:
        """Send `state` to the service manager. Log a warning if that fails."""
        try:
            systemd.notify(os.environ, state)
        except OSError as error:
            self._log.warn("server", "the service manager cannot be notified", state=state, cause=error.strerror)
