"""Reports to the service manager: ready, alive, stopping. Knows when; the datagrams are `systemd`'s."""

import asyncio
import os

from winlogd.daemon import systemd
from winlogd.log.log import Log


class Watchdog:
    """Reports of one process.

    Args:
        loop: the event loop. While it runs, ``WATCHDOG=1`` is sent.
        log: told where the service manager cannot be reached.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, log: Log) -> None:
        self._loop = loop
        self._log = log
        self._awaited = {"listening", "opened"}

    def keep(self) -> None:
        """Report again and again that the loop runs, as often as the unit wants (sd_watchdog_enabled(3))."""
        interval_s = systemd.watchdog_interval_s(os.environ)
        if interval_s is not None:
            self._notify("WATCHDOG=1")
            self._loop.call_later(interval_s, self.keep)

    def listening(self) -> None:
        """Report ``READY=1``, if the database is open."""
        self._reached("listening")

    def opened(self) -> None:
        """Report ``READY=1``, if the server listens."""
        self._reached("opened")

    def stopping(self) -> None:
        """Report that a stop has begun."""
        self._notify("STOPPING=1")

    def _reached(self, what: str) -> None:
        self._awaited.discard(what)
        if not self._awaited:
            self._notify("READY=1")

    def _notify(self, state: str) -> None:
        try:
            systemd.notify(os.environ, state)
        except OSError as error:
            self._log.warn("server", "the service manager cannot be told", state=state, cause=error.strerror)
