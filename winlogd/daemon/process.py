"""Run the server process: start it, obey its signals, stop it.

Start the parts that `parts` makes. Choose the exit status: 0 after a complete stop that a signal asked for, else
`FAILED`. This file knows the purpose of each part, but not its options.
"""

import asyncio
import sys
from collections.abc import Mapping
from typing import Final

import uvloop

from winlogd.config.sections import Config
from winlogd.daemon.hangups import Hangups
from winlogd.daemon.listening import ControlDoor, listen
from winlogd.daemon.observer import RequestObserver
from winlogd.daemon.orders import orders_of
from winlogd.daemon.parts import Parts, assemble, prepare_sqlite
from winlogd.daemon.running import Running
from winlogd.daemon.signals import FAILED, Signals
from winlogd.daemon.startup import Acquired, acquire
from winlogd.daemon.stopping import end_at_once, stop
from winlogd.daemon.watchdog import Watchdog
from winlogd.log.log import Log
from winlogd.store.errors import ReplacedError, UnusableError
from winlogd.store.file.marks import PAST_IS_DUE, ROTATED_DAY

_SWITCH_INTERVAL_S: Final = 0.0005
"""The writer waits at most this long for Python's global lock after a call into SQLite, while the loop is busy. With
Python's own 5 ms it would wait several times a batch. Throughput did not differ measurably at 0.5, 5 and 20 ms."""


class Daemon:
    """The server process. It is also the owner of its store: the store notifies it.

    Args:
        config: the configuration.
        log: the log, already started.
        signals: the signals of this process, since its start.
    """

    def __init__(self, config: Config, log: Log, signals: Signals) -> None:
        self._config = config
        self._log = log
        self._signals = signals
        self._hangups = Hangups(config)
        self._status = 0
        self._stop_signals = 0
        self._loop: asyncio.AbstractEventLoop
        self._observer: RequestObserver
        self._watchdog: Watchdog
        self._parts: Parts
        self._stop_asked: asyncio.Event
        self._store_gone: asyncio.Event

    def run(self) -> int:
        """Serve until a signal or a fault ends the server. Return the exit status.

        Raises:
            StartError: the server cannot get what the configuration asks for, such as a port.
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
        self._signals.pass_on(loop, self._on_stop_signal, self._hangups.came)
        self._observer, self._watchdog = RequestObserver(loop, self._config, log), Watchdog(loop, log)
        loop.set_exception_handler(self._observer.loop_failed)
        self._parts = assemble(loop, self._config, log, acquired.ownership.path, self, self._observer)
        running = Running(loop, log, self._observer, self._parts, self._watchdog)
        self._parts.days.begin(self._observer.refused_yesterday)
        await listen(self._parts.server, acquired, log)
        self._parts.store.start(self._prepare_sqlite)
        self._watchdog.listening()
        self._watchdog.keep(self._parts.store.writer_has_moved)
        door = ControlDoor(loop, acquired.control)
        await door.open(orders_of(running, lambda: self._hangups.config))
        self._hangups.begin(running)
        await self._stop_asked.wait()
        await stop(running, self._hangups.stop().server.shutdown_timeout, self._store_gone)
        door.close()
        log.info("server", "stopped")

    def _prepare_sqlite(self) -> None:
        """Configure SQLite, then let the readers' file be opened. The store calls this on the writer's thread."""
        prepare_sqlite()
        self._parts.looking.may_open.set()

    def _on_stop_signal(self) -> None:
        self._stop_signals += 1
        if self._stop_signals > 1:
            end_at_once(self._log, "a second signal came")
        self._stop_asked.set()

    # ── Owner of the store ────────────────────────────────────────────────────────────────────────────

    def store_opened(self, marks: Mapping[str, str]) -> None:
        """Report that the database is open. Begin the daily rotation, admit questions, build the past if it is due."""
        self._watchdog.opened()
        self._parts.forgetting.opened(marks)  # first: it may close the past
        self._parts.readers.begin()
        self._parts.rotator.begin(marks.get(ROTATED_DAY))
        self._parts.past.begin(PAST_IS_DUE in marks)
        self._parts.keeping.opened(marks)

    def store_full(self) -> None:
        """Stop reading from connections: too many events wait for the database."""
        self._parts.server.congest()
        self._observer.full()

    def store_has_room(self) -> None:
        """Read from connections again: fewer events wait."""
        self._parts.server.relieve()

    def store_ended(self, error: BaseException | None) -> None:
        """Note that the writer has ended. If `error` ended it, log the error and stop the process with `FAILED`."""
        self._store_gone.set()
        if error is not None:
            self._status = FAILED
            if isinstance(error, (UnusableError, ReplacedError)):
                self._log.error("store", str(error))
            else:
                self._log.exception("store", "the writer has failed; winlogd ends", error)
            self._stop_asked.set()
