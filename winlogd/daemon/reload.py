"""Reload the configuration for SIGHUP: read it on another thread, then apply it on the event loop, all or nothing.

A request that has come in full keeps the rules under which it came. Each later request meets the new ones, also on
connections that are open. This file knows which part takes which option. It must not know how a part does it.
"""

import threading
from contextlib import suppress
from typing import Final

from winlogd.access.addresses import TrustedProxies
from winlogd.config.load import ConfigError
from winlogd.config.sections import Config
from winlogd.daemon.differences import changed
from winlogd.daemon.entrance import per_address
from winlogd.daemon.read_again import Fresh, read_again
from winlogd.daemon.running import Running
from winlogd.daemon.settings import least_free_bytes


class Reload:
    """Reloads the configuration, one time after the other. All methods are called on the loop's thread.

    Args:
        running: the server.
        config: the configuration in force.
        has_left_root: root has started this process, and it runs as another user now.

    Attributes:
        config: the configuration in force.
    """

    def __init__(self, running: Running, config: Config, has_left_root: bool) -> None:
        self.config = config
        self._has_left_root = has_left_root
        self._running: Final = running
        self._is_reading = self._is_asked_again = self._is_stopped = False

    def ask(self) -> None:
        """Reload. If a reload is under way, which may have read the old file, do it once more afterwards."""
        if self._is_reading:
            self._is_asked_again = True
            return
        self._is_reading, self._is_asked_again = True, False
        self._running.watchdog.reloading()
        try:
            # A thread of its own, and a daemon: a file on a disk that hangs must not hold up the loop or a stop.
            threading.Thread(target=self._read, name="reload", args=(self.config,), daemon=True).start()
        except RuntimeError as error:  # the system has no thread left
            self._take(error)

    def stop(self) -> None:
        """Apply nothing from now on."""
        self._is_stopped = True

    def _read(self, config: Config) -> None:
        """Read, on a thread of its own."""
        outcome: Fresh | Exception
        try:
            outcome = read_again(config, self._has_left_root)
        except Exception as error:
            outcome = error
        with suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._running.loop.call_soon_threadsafe(self._take, outcome)

    def _take(self, outcome: Fresh | Exception) -> None:
        self._is_reading = False
        if self._is_stopped:
            return
        try:
            self._use(outcome)
        finally:
            self._running.watchdog.reloaded()
            if self._is_asked_again:
                self.ask()

    def _use(self, outcome: Fresh | Exception) -> None:
        """Apply what was read. If it has faults, log them and change nothing."""
        log = self._running.log
        if isinstance(outcome, ConfigError):
            for fault in outcome.faults:
                log.error("config", fault)
            log.error("server", "the configuration has faults; the old one stays in force", faults=len(outcome.faults))
        elif isinstance(outcome, Exception):
            log.exception("server", "the configuration cannot be read; the old one stays in force", outcome)
        else:
            shows_now = log.enabled("info")  # a change of the level must not hide its own line
            if shows_now:
                self._report(outcome)
            self._apply(outcome)
            if not shows_now:
                self._report(outcome)
            self.config = outcome.config

    def _report(self, fresh: Fresh) -> None:
        """Log which options change now, which need a restart, and which files keep their old content."""
        log = self._running.log
        log.info(
            "server", "configuration reloaded", changed=" ".join(changed(self.config, fresh.config)) or "nothing",
            certificate="read again" if fresh.certificate is not None else None,
        )  # fmt: skip
        if waiting := changed(fresh.config, fresh.read):
            log.warn("server", "some changed options need a restart of winlogd", options=" ".join(waiting))
        for option, path in fresh.kept:
            log.warn(
                "server", "only root can read this file; what it held at the start stays until a restart",
                option=option, path=path,
            )  # fmt: skip
        for warning in fresh.warnings:
            log.warn("config", warning)

    def _apply(self, fresh: Fresh) -> None:
        """Give each part its options. Nothing here waits or reads a file, so that no request sees a half."""
        config, parts = fresh.config, self._running.parts
        security, limits, logging = config.security, config.limits, config.logging
        proxies = TrustedProxies(security.trusted_proxies)
        router = parts.entrance.router(config)  # first: if it fails, the parts below have not changed
        self._running.log.change(logging.level, logging.format, security.ingest_token)
        self._running.observer.change(config)
        parts.store.change(limits.queued_events, logging.names, least_free_bytes(config))
        parts.entrance.site.change(config, fresh.site)
        parts.server.change(router, parts.entrance.limits(config), per_address(config, proxies), proxies.trusts)
        parts.looking.obey(self.config.security, security)
        if fresh.certificate is not None:
            parts.server.change_certificate(fresh.certificate)
        parts.keeping.change(config)
        parts.rotator.change(*fresh.times, config.rotation.keep_open_hours)
        parts.days.change(fresh.times.calendar)
