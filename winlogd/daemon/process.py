"""One process's life: start, signals, the service manager, stop.

Starts the parts that `assembly` makes, stops them in the order in which nothing is lost, and decides with which status
the process ends: 0 as asked to, 1 otherwise. Knows what each part is for, not which options it has.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import uvloop

from winlogd import VERSION
from winlogd.config.sections import Config
from winlogd.control.address import path_of
from winlogd.control.server import Answer, bind_control, serve
from winlogd.daemon import systemd
from winlogd.daemon.parts import assemble
from winlogd.daemon.refusals import Refusals
from winlogd.http.exchange import Exchange
from winlogd.http.server import Server
from winlogd.http.sockets import bind
from winlogd.http.wire.message import REASONS, Response
from winlogd.log.log import MASK, Log
from winlogd.scheduled.rotation import Rotator
from winlogd.store.errors import OwnedError, ReplacedError, UnusableError
from winlogd.store.file.database import configure_sqlite
from winlogd.store.file.marks import ROTATED_DAY
from winlogd.store.file.ownership import Ownership
from winlogd.store.store import Store

if TYPE_CHECKING:
    import ssl

    from winlogd.access.rate import Pace
    from winlogd.store.jobs.rotate import Moved

_SWITCH_INTERVAL_S: Final = 0.0005
"""How long the writer may wait for Python's global lock after a call into SQLite while the loop is busy; Python's own
5 ms would be waited several times a batch. Throughput did not differ measurably between 0.5, 5 and 20 ms."""

_HURRY: Final = 0.6
"""Of `server.shutdown_timeout`, how much events may wait for a locked database; the rest is for the answers and for
peers that linger."""

_TELL_FULL_EVERY_S: Final = 60.0
"""Under a load that is too high for the disk, connections are held many times a second; a line a minute tells it."""

_SENT_BYTES: Final = 1024
"""How much of a refused body is looked at for the log, which shows less."""


class StartError(Exception):
    """The server cannot start; the text says why and what to do."""


class Daemon:
    """The server process.

    Args:
        config: what it is to do.
        log: already started.
    """

    def __init__(self, config: Config, log: Log) -> None:
        self._config = config
        self._log = log
        self._refusals = Refusals(log)
        self._status = 0
        self._signals = 0
        self._listening = False
        self._store_is_open = False
        self._loop: asyncio.AbstractEventLoop
        self._server: Server
        self._store: Store[Exchange]
        self._stop_asked: asyncio.Event
        self._store_gone: asyncio.Event
        self._rotator: Rotator
        self._pace: Pace | None = None
        self._told_full_at_s = -_TELL_FULL_EVERY_S
        self._control: asyncio.AbstractServer | None = None
        self._control_path = ""

    def run(self) -> int:
        """Serves until a signal or a fault; returns the exit status.

        Raises:
            StartError: the database is owned by another process, its folder, a port or the certificate cannot be had.
        """
        ownership = self._own()
        server = self._config.server
        tls = self._tls_context() if server.tls_port else None
        sockets = self._bind(server.port)
        tls_sockets = self._bind(server.tls_port) if tls is not None else []
        control = self._bind_control(ownership.path)
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        configure_sqlite()
        self._loop = loop = uvloop.new_event_loop()
        try:
            loop.run_until_complete(self._live(ownership.path, sockets, control, tls, tls_sockets))
        finally:
            loop.close()
        ownership.release()
        return self._status

    async def _live(
        self,
        database_path: str,
        sockets: list[socket.socket],
        control: socket.socket | None,
        tls: "ssl.SSLContext | None",
        tls_sockets: list[socket.socket],
    ) -> None:
        self._stop_asked, self._store_gone = asyncio.Event(), asyncio.Event()
        self._loop.set_exception_handler(self._on_loop_fault)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal)
        parts = assemble(self._loop, self._config, self._log, database_path, self, self)
        self._store, self._server, self._rotator, self._pace = parts
        self._store.start()
        await self._server.listen(sockets)
        if tls is not None:
            self._server.listen_with_tls(tls_sockets, tls)
        self._listening = True
        for sock in sockets:
            host, port = sock.getsockname()[:2]
            self._log.info("server", "listening", address=host, port=port, version=VERSION, pid=os.getpid())
        for sock in tls_sockets:
            host, port = sock.getsockname()[:2]
            self._log.info("server", "listening with TLS", address=host, port=port)
        self._tell_ready()
        self._keep_watchdog()
        if control is not None:
            self._control = await serve(self._loop, control, {"rotate": self._rotate})
        await self._stop_asked.wait()
        await self._stop()

    # ── start ─────────────────────────────────────────────────────────────────────────────────────────

    def _own(self) -> Ownership:
        path = self._config.database.path
        try:
            return Ownership(path)
        except OwnedError as error:
            raise StartError(f"{error}: stop it first, or give this one another database.path") from None
        except OSError as error:
            raise StartError(f"the database's folder cannot be used: {error.strerror}: {error.filename}") from None

    def _tls_context(self) -> "ssl.SSLContext":
        from winlogd.http.tls import CertificateError, server_context  # not loaded unless it is wanted

        try:
            return server_context(self._config.server.tls_certificate, self._config.server.tls_key)
        except CertificateError as error:
            raise StartError(f"no TLS with server.tls_certificate and server.tls_key: {error}") from None

    def _bind(self, port: int) -> list[socket.socket]:
        host = self._config.server.host
        try:
            return bind(host, port)
        except OSError as error:
            reason = error.strerror or str(error)
            raise StartError(f"cannot listen on {host} port {port}: {reason}") from None

    def _bind_control(self, database_path: str) -> socket.socket | None:
        """The control socket, before any other thread makes files: it wants another umask for a moment."""
        self._control_path = path = path_of(database_path)
        try:
            return bind_control(path)
        except OSError as error:
            self._log.warn("server", "no control socket: winlogd rotate will not reach this server", path=path,
                           cause=error.strerror)  # fmt: skip
            return None

    def _tell_ready(self) -> None:
        if self._listening and self._store_is_open:
            self._notify("READY=1")

    def _keep_watchdog(self) -> None:
        interval_s = systemd.watchdog_interval_s(os.environ)
        if interval_s is not None:
            self._notify("WATCHDOG=1")
            self._loop.call_later(interval_s, self._keep_watchdog)

    def _notify(self, state: str) -> None:
        try:
            systemd.notify(os.environ, state)
        except OSError as error:
            self._log.warn("server", "the service manager cannot be told", state=state, cause=error.strerror)

    # ── stop ──────────────────────────────────────────────────────────────────────────────────────────

    def _on_signal(self) -> None:
        self._signals += 1
        if self._signals > 1:
            self._end_at_once("a second signal came")
        self._stop_asked.set()

    async def _stop(self) -> None:
        """Answers what was received in full, commits it, closes the database."""
        timeout_s = self._config.server.shutdown_timeout
        self._log.info("server", "stopping")
        self._notify("STOPPING=1")
        self._loop.call_later(timeout_s, self._end_at_once, "server.shutdown_timeout is over")
        self._rotator.stop()
        if self._pace is not None:
            self._pace.stop()
        self._store.hurry(timeout_s * _HURRY)
        await self._server.stop()
        self._store.stop()
        await self._store_gone.wait()
        self._refusals.close()
        if self._control is not None:
            self._control.close()
            with suppress(FileNotFoundError):
                os.unlink(self._control_path)
        self._log.info("server", "stopped")

    def _end_at_once(self, why: str) -> None:
        """Ends the process here and now. What was acknowledged is committed; nothing else is owed to anybody."""
        self._log.warn("server", "ended at once, before all was answered", cause=why)
        self._log.stop()
        os._exit(1)

    # ── Owner of the store ────────────────────────────────────────────────────────────────────────────

    def store_opened(self, marks: Mapping[str, str]) -> None:
        """The database is open."""
        self._store_is_open = True
        self._tell_ready()
        self._rotator.begin(marks.get(ROTATED_DAY))

    def store_full(self) -> None:
        """So many events wait that connections are not read until there are fewer."""
        self._server.congest()
        now_s = self._loop.time()
        if now_s - self._told_full_at_s >= _TELL_FULL_EVERY_S:
            self._told_full_at_s = now_s
            self._log.warn("server", "more events come than the database takes; clients that send them have to wait",
                           queued_events=self._config.limits.queued_events)  # fmt: skip

    def store_has_room(self) -> None:
        """They may be read again."""
        self._server.relieve()

    def store_ended(self, error: BaseException | None) -> None:
        """The writer has ended; unless it was asked to, so does the process."""
        self._store_gone.set()
        if error is not None:
            self._status = 1
            if isinstance(error, (UnusableError, ReplacedError)):
                self._log.error("store", str(error))
            else:
                self._log.exception("store", "the writer has failed; winlogd ends", error)
            self._stop_asked.set()

    # ── Observer of the server ────────────────────────────────────────────────────────────────────────

    def refused(self, peer: str, response: Response) -> None:
        """A request is refused."""
        reason = response.reason or REASONS[response.status]
        sent: str | None = None
        if response.sent and self._config.logging.names and self._log.enabled("debug"):
            sent = self._masked(response.sent)[:_SENT_BYTES].decode("utf-8", "replace")
        self._refusals.refused(self._loop.time(), peer, response.status, reason, sent=sent)

    def _masked(self, sent: bytes) -> bytes:
        """`sent` without the token, of which the log, where lines are cut, could show the beginning."""
        token = self._config.security.ingest_token.encode("ascii")
        for written in (token, token.replace(b"/", rb"\/")) if token else ():  # the second as JSON may write it
            sent = sent.replace(written, MASK)
        return sent

    def failed(self, error: Exception) -> None:
        """A handler let an exception through."""
        self._log.exception("server", "a request failed for a fault in winlogd itself", error)

    def swept(self, now: float) -> None:
        """About a second has passed."""
        self._refusals.sweep(now)

    def _rotate(self, answer: Answer) -> None:
        """``winlogd rotate`` asks."""

        def tell(outcome: "Moved | Exception") -> None:
            if isinstance(outcome, Exception):
                answer("error", f"the rotation did not come to its end: {outcome}")
            else:
                answer("ok", outcome.sentence)

        self._rotator.rotate_now(tell)

    def _on_loop_fault(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of the event loop let an exception through."""
        error = context.get("exception") or RuntimeError("unknown fault")
        self._log.exception("server", context["message"], error)
