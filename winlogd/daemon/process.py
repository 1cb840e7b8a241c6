"""One process's life: start, signals, stop.

Starts the parts that `parts` makes, stops them in the order in which nothing is lost, and decides with which status the
process ends: 0 as asked to, 1 otherwise. Knows what each part is for, not which options it has.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Final

import uvloop

from winlogd.config.sections import Config
from winlogd.daemon.listening import ControlDoor, listen
from winlogd.daemon.observer import RequestObserver
from winlogd.daemon.orders import orders_of
from winlogd.daemon.parts import Parts, assemble, prepare_sqlite
from winlogd.daemon.signals import FAILED, Signals
from winlogd.daemon.startup import Acquired, acquire
from winlogd.daemon.watchdog import Watchdog
from winlogd.log.log import Log
from winlogd.store.errors import ReplacedError, UnusableError
from winlogd.store.file.marks import ROTATED_DAY

_SWITCH_INTERVAL_S: Final = 0.0005
"""How long the writer may wait for Python's global lock after a call into SQLite while the loop is busy; Python's own
5 ms would be waited several times a batch. Throughput did not differ measurably between 0.5, 5 and 20 ms."""

_HURRY: Final = 0.6
"""Of `server.shutdown_timeout`, how much events may wait for a locked database; the rest is for the answers and for
peers that linger."""


class Daemon:
    """The server process; also the owner of its store.

    Args:
        config: what it is to do.
        log: already started.
        signals: that have come, and that will.
    """

    def __init__(self, config: Config, log: Log, signals: Signals) -> None:
        self._config = config
        self._log = log
        self._signals = signals
        self._status = 0
        self._stop_signals = 0
        self._loop: asyncio.AbstractEventLoop
        self._observer: RequestObserver
        self._watchdog: Watchdog
        self._parts: Parts
        self._stop_asked: asyncio.Event
        self._store_gone: asyncio.Event

    def run(self) -> int:
        """Serve until a signal or a fault; return the exit status.

        Raises:
            StartError: something that the configuration asks for cannot be had.
        """
        acquired = acquire(self._config, self._log)
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self._loop = loop = uvloop.new_event_loop()
        try:
            loop.run_until_complete(self._live(acquired))
        finally:
            loop.close()
        acquired.ownership.release()
        return self._status

    async def _live(self, acquired: Acquired) -> None:
        loop, log = self._loop, self._log
        self._stop_asked, self._store_gone = asyncio.Event(), asyncio.Event()
        self._signals.pass_on(loop, self._on_stop_signal, self._on_hangup)
        self._observer, self._watchdog = RequestObserver(loop, self._config, log), Watchdog(loop, log)
        loop.set_exception_handler(self._observer.loop_failed)
        self._parts = assemble(loop, self._config, log, acquired.ownership.path, self, self._observer)
        await listen(self._parts.server, acquired, log)
        self._parts.store.start(prepare_sqlite)
        self._watchdog.listening()
        self._watchdog.keep()
        door = ControlDoor(loop, acquired.control)
        await door.open(orders_of(self._parts.rotator))
        await self._stop_asked.wait()
        await self._stop()
        door.close()
        log.info("server", "stopped")

    # ── stop ──────────────────────────────────────────────────────────────────────────────────────────

    def _on_stop_signal(self) -> None:
        self._stop_signals += 1
        if self._stop_signals > 1:
            self._end_at_once("a second signal came")
        self._stop_asked.set()

    def _on_hangup(self) -> None:
        self._log.warn("server", "SIGHUP is ignored; restart winlogd to have it read its configuration again")

    async def _stop(self) -> None:
        """Answer what was received in full, commit it, close the database."""
        timeout_s, parts = self._config.server.shutdown_timeout, self._parts
        self._log.info("server", "stopping")
        self._watchdog.stopping()
        self._loop.call_later(timeout_s, self._end_at_once, "server.shutdown_timeout is over")
        parts.rotator.stop()
        if parts.pace is not None:
            parts.pace.stop()
        parts.store.hurry(timeout_s * _HURRY)
        await parts.server.stop()
        parts.store.stop()
        await self._store_gone.wait()
        self._observer.close()

    def _end_at_once(self, why: str) -> None:
        """End the process here and now. What was acknowledged is committed; nothing else is owed to anybody."""
        self._log.warn("server", "ended at once, before all was answered", cause=why)
        self._log.stop()
        os._exit(FAILED)

    # ── Owner of the store ────────────────────────────────────────────────────────────────────────────

    def store_opened(self, marks: Mapping[str, str]) -> None:
        """The database is open."""
        self._watchdog.opened()
        self._parts.rotator.begin(marks.get(ROTATED_DAY))

    def store_full(self) -> None:
        """So many events wait that connections are not read until there are fewer."""
        self._parts.server.congest()
        self._observer.full()

    def store_has_room(self) -> None:
        """They may be read again."""
        self._parts.server.relieve()

    def store_ended(self, error: BaseException | None) -> None:
        """The writer has ended; unless it was asked to, so does the process."""
        self._store_gone.set()
        if error is not None:
            self._status = FAILED
            if isinstance(error, (UnusableError, ReplacedError)):
                self._log.error("store", str(error))
            else:
                self._log.exception("store", "the writer has failed; winlogd ends", error)
            self._stop_asked.set()
