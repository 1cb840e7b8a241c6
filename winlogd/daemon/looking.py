"""Who may read: made when somebody reads or logs in first, or gives the first order about readers.

Most servers only take events. So nothing of it is loaded or opened at the start. This file knows the configuration and
all parts of reading. It must not know what an endpoint does.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.access.addresses import TrustedProxies
from winlogd.config.sections import Config, Security
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint
from winlogd.http.wire.message import Head
from winlogd.log.log import Log

if TYPE_CHECKING:  # types only
    from winlogd.access.audit import Audit
    from winlogd.access.failures import Failures
    from winlogd.access.guard import PageEndpoint, ReadGuard
    from winlogd.access.readers import ReadEndpoint
    from winlogd.access.register import Register
    from winlogd.api.login import LoginPages
    from winlogd.control.server import Order
    from winlogd.store.access_file.looks import Look
    from winlogd.store.access_file.writer import AccessWriter


class _Made(NamedTuple):
    """What is made with the first request that needs it."""

    guard: "ReadGuard"
    pages: "LoginPages"


class Doors:
    """The rules of one configuration for those who read (`api.routes.Doors`).

    Args:
        make: makes what decides.
    """

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make = make
        self._is_made: _Made | None = None

    def reading(self, path: str, endpoint: "ReadEndpoint") -> Endpoint:
        """Return the endpoint of a path for those who may read it."""
        return lambda head: self._made().guard.before(path, endpoint)(head)

    def page(self, path: str, endpoint: "PageEndpoint") -> Endpoint:
        """Return the endpoint of a page for those who may open it."""
        return lambda head: self._made().guard.before_page(path, endpoint)(head)

    def file(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that everybody may ask by this server's own names."""
        return lambda head: self._made().guard.before_file(endpoint)(head)

    def show_login(self, head: Head) -> Handler:
        """Return the handler of requests for the login form."""
        return self._made().pages.form(head)

    def log_in(self, head: Head) -> Handler:
        """Return the handler of login forms that are sent."""
        return self._made().pages.log_in(head)

    def log_out(self, head: Head) -> Handler:
        """Return the handler of the logout."""
        return self._made().pages.log_out(head)

    def _made(self) -> _Made:
        if self._is_made is None:
            self._is_made = self._make()
        return self._is_made


def _rules(security: Security) -> tuple[object, ...]:
    """Return the options that decide who reads."""
    return (
        security.read_networks,
        security.trusted_proxies,
        security.names,
        security.local_reads,
        security.plain_login,
    )


_PAST_CLOSED: Final = "the past is closed: forgotten people are being removed again; try again a little later"
_STOPPING: Final = "winlogd is stopping; try again a little later"
_NOT_WRITTEN: Final = "the readers' log cannot be written; winlogd's log says why"


class Looking:
    """The readers' file and the guard before each endpoint that reads.

    Args:
        loop: the event loop. All methods are called on its thread.
        database: the database's real path.
        log: gets a line for each look, and for each fault of the file.

    Attributes:
        may_open: to be set when SQLite is configured for the process, from any thread. Nothing is opened before.
        closings: how many reasons there are to show the past to nobody.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, database: str, log: Log) -> None:
        self._loop = loop
        self._database = database
        self._log = log
        self._writer: AccessWriter | None = None
        self._register: Register | None = None
        self._audit: Callable[[], Audit]
        self._failures: Failures | None = None  # a reload keeps what was counted
        self.may_open: Final = threading.Event()
        self.closings = 0
        self._is_stopping = False

    def doors(self, config: Config, proxies: TrustedProxies) -> Doors:
        """Return what puts the rules for readers before endpoints. It is made with the first request.

        Args:
            config: the configuration, whose rules hold for these endpoints.
            proxies: the proxies whose forwarding fields count.
        """
        audit = self._audit = cache(lambda: self._audit_of(config))
        return Doors(lambda: self._make(config, proxies, audit()))

    def register(self) -> "Register":
        """Return the readers."""
        if self._register is None:
            from winlogd.access.register import Register

            self._register = Register(self._loop, self.writer(), self._log)
        return self._register

    def writer(self) -> "AccessWriter":
        """Return the writer of the readers' file. Only the register asks it about readers."""
        if self._writer is None:
            from winlogd.store.access_file.tables import access_path
            from winlogd.store.access_file.writer import AccessWriter

            self._writer = AccessWriter(self._loop, access_path(self._database), self.may_open)
        return self._writer

    def is_past_closed(self) -> bool:
        """Return True while nobody may see the past."""
        return self.closings > 0

    def obey(self, old: Security, new: Security) -> None:
        """End the answers in pieces that were begun under other rules for readers. Call this after each reload."""
        if self._register is not None and _rules(old) != _rules(new):
            self._register.end_era()

    def carry_out(self, order: "Order") -> None:
        """Carry out an order of ``winlogd token``, or write the look of another command."""
        from winlogd.store.access_file.errors import OrderRefusedError
        from winlogd.store.access_file.orders import Answer, look_of, work_of

        now_us = time.time_ns() // 1000
        try:
            look = look_of(order.fields, now_us)
            if look is not None:
                self._write(look, order)
                return
            work = work_of(order.fields, now_us)
        except OrderRefusedError as refused:
            order.failed(str(refused))
            return

        def answered(outcome: "Answer | Exception") -> None:
            if isinstance(outcome, Exception):
                order.failed(str(outcome))
            else:
                order.done(**outcome)

        self.register().change(work, answered)

    def _write(self, look: "Look", order: "Order") -> None:
        """Write the look of a command, as those of requests are written."""
        from winlogd.access.audit import Row

        def written(is_written: bool) -> None:
            if not is_written:
                order.failed(_STOPPING if self._is_stopping else _NOT_WRITTEN)
            elif self.closings:
                order.failed(_PAST_CLOSED)
            else:
                order.done()

        self._audit().write(Row(look, lasts=False), written)

    def copy(self, path: str, answered: "Callable[[bool | Exception | None], None]") -> None:
        """Copy the readers' file to `path`, at which there is nothing.

        Args:
            path: the copy's path.
            answered: gets what `access_file.copy.copy_to` returns, an exception, or None if there is no file.
        """
        from winlogd.store.access_file.copy import copy_to

        self.writer().ask(copy_to(path), answered, missing=None)

    def prune(self, days: int) -> None:
        """Remove the rows of the readers' log that are older than some days. A file that is missing is not made."""
        from winlogd.store.access_file.looks import remove_old

        now_us = time.time_ns() // 1000
        self.register().prune(lambda connection: remove_old(connection, now_us, days))

    def stop(self, ended: Callable[[], None]) -> None:
        """Close the file. `ended` is called afterwards, perhaps before this call returns."""
        self._is_stopping = True
        if self._writer is None:
            ended()
        else:
            self._writer.stop(ended)

    def _audit_of(self, config: Config) -> "Audit":
        from winlogd.access.audit import Audit

        return Audit(self.register(), self._log, config.privacy.audit_days, config.logging.names)

    def _make(self, config: Config, proxies: TrustedProxies, audit: "Audit") -> _Made:
        from winlogd.access.failures import Failures
        from winlogd.access.guard import ReadGuard
        from winlogd.access.identity import Identity
        from winlogd.access.local import LocalReads
        from winlogd.access.login import Login
        from winlogd.api.login import LoginPages

        security, register = config.security, self.register()
        if self._failures is None:
            self._failures = Failures()
        local = LocalReads(security.read_networks, proxies, security.names, security.local_reads)
        identity = Identity(local, proxies, security.plain_login, register, self._failures)
        pages = LoginPages(identity, Login(register, self._failures, self._log))
        guard = ReadGuard(identity, register, audit, self.is_past_closed)
        return _Made(guard, pages)
