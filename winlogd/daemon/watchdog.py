"""Notify the service manager that the server is ready, alive, or stopping.

This file knows when to report. It must not know the form of a report: that is in `systemd`.
"""

import asyncio
import os
import time

from winlogd.daemon import systemd
from winlogd.log.log import Log


class Watchdog:
    """The reports of one process to the service manager.

    Args:
        loop: the event loop. ``WATCHDOG=1`` proves that it runs.
        log: gets a warning if the service manager cannot be reached.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, log: Log) -> None:
        self._loop = loop
        self._log = log
        self._awaited = {"listening", "opened"}
        self._is_reloading = False

    def keep(self) -> None:
        """Report now, and from now on as often as the unit wants, that the loop runs (sd_watchdog_enabled(3))."""
        interval_s = systemd.watchdog_interval_s(os.environ)
        if interval_s is not None:
            self._notify("WATCHDOG=1")
            self._loop.call_later(interval_s, self.keep)

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
