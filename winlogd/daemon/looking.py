"""Who may read: made when somebody reads first, or gives the first order about readers.

Most servers only take events. So nothing of it is loaded or opened at the start. This file knows the configuration and
all parts of reading. It must not know what an endpoint does.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from winlogd.access.addresses import TrustedProxies
from winlogd.config.sections import Config
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint
from winlogd.http.wire.message import Head
from winlogd.log.log import Log

if TYPE_CHECKING:  # types only
    from winlogd.access.guard import ReadGuard
    from winlogd.access.readers import ReadEndpoint
    from winlogd.access.register import Register
    from winlogd.control.server import Order
    from winlogd.store.access_file.writer import AccessWriter

Guarded = Callable[[str, "ReadEndpoint"], Endpoint]
"""Returns the endpoint of a path for those who may read it."""


class Looking:
    """The readers' file and the guard before each endpoint that reads.

    Args:
        loop: the event loop. All methods are called on its thread.
        database: the database's real path.
        log: gets a line for each look, and for each fault of the file.

    Attributes:
        may_open: to be set when SQLite is configured for the process, from any thread. Nothing is opened before.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, database: str, log: Log) -> None:
        self._loop = loop
        self._database = database
        self._log = log
        self._writer: AccessWriter | None = None
        self._register: Register | None = None
        self.may_open: Final = threading.Event()

    def guarding(self, config: Config, proxies: TrustedProxies) -> "Guarded":
        """Return what puts the guard before endpoints. The guard is made with the first read.

        Args:
            config: the configuration, whose rules hold for these endpoints.
            proxies: the proxies whose forwarding fields count.
        """
        made: list[ReadGuard] = []

        def guard() -> "ReadGuard":
            if not made:
                made.append(self._guard(config, proxies))
            return made[0]

        def guarded(path: str, endpoint: "ReadEndpoint") -> Endpoint:
            def handler_for(head: Head) -> Handler:
                return guard().before(path, endpoint)(head)

            return handler_for

        return guarded

    def register(self) -> "Register":
        """Return the readers."""
        if self._register is None:
            from winlogd.access.register import Register
            from winlogd.store.access_file.tables import access_path
            from winlogd.store.access_file.writer import AccessWriter

            self._writer = AccessWriter(self._loop, access_path(self._database), self.may_open)
            self._register = Register(self._writer, self._log)
        return self._register

    def carry_out(self, order: "Order") -> None:
        """Carry out an order of ``winlogd token``."""
        from winlogd.store.access_file.errors import OrderRefusedError
        from winlogd.store.access_file.orders import Answer, work_of

        try:
            work = work_of(order.fields, time.time_ns() // 1000)
        except OrderRefusedError as refused:
            order.failed(str(refused))
            return

        def answered(outcome: "Answer | Exception") -> None:
            if isinstance(outcome, Exception):
                order.failed(str(outcome))
            else:
                order.done(**outcome)

        self.register().change(work, answered)

    def stop(self, ended: Callable[[], None]) -> None:
        """Close the file. `ended` is called afterwards, perhaps before this call returns."""
        if self._writer is None:
            ended()
        else:
            self._writer.stop(ended)

    def _guard(self, config: Config, proxies: TrustedProxies) -> "ReadGuard":
        from winlogd.access.audit import Audit
        from winlogd.access.guard import ReadGuard
        from winlogd.access.local import LocalReads

        security, register = config.security, self.register()
        local = LocalReads(security.read_networks, proxies, security.names, security.local_reads)
        audit = Audit(register, self._log, config.privacy.audit_days, config.logging.names)
        return ReadGuard(local, proxies, security.plain_login, register, audit)
