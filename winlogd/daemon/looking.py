"""The readers' file: opened when somebody reads or logs in first, or gives the first order about readers.

Most servers only take events. So nothing of it is loaded or opened at the start. This file knows the configuration. It
must not know what an endpoint or an order does.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from winlogd.config.sections import Config, Security
from winlogd.log.log import Log

if TYPE_CHECKING:  # types only
    from winlogd.access.audit import Audit
    from winlogd.access.failures import Failures
    from winlogd.access.register import Register
    from winlogd.store.access_file.writer import AccessWriter


def _rules(security: Security) -> tuple[object, ...]:
    """Return the options that decide who reads."""
    return (
        security.read_networks,
        security.trusted_proxies,
        security.names,
        security.local_reads,
        security.plain_login,
    )


class Looking:
    """The readers' file, and what is known of its readers.

    Args:
        loop: the event loop. All methods are called on its thread.
        database: the database's real path.
        log: gets a line for each look, and for each fault of the file.

    Attributes:
        log: as above.
        may_open: to be set when SQLite is configured for the process, from any thread. Nothing is opened before.
        closings: how many reasons there are to show the past to nobody.
        is_stopping: True once `stop` was called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, database: str, log: Log) -> None:
        self._loop = loop
        self._database = database
        self.log: Final = log
        self._writer: AccessWriter | None = None
        self._register: Register | None = None
        self._config: Config
        self._audit: Audit | None = None
        self._failures: Failures | None = None  # a reload keeps what was counted
        self.may_open: Final = threading.Event()
        self.closings = 0
        self.is_stopping = False

    def change(self, config: Config) -> None:
        """Write looks from now on as another configuration says."""
        self._config, self._audit = config, None

    def register(self) -> "Register":
        """Return the readers."""
        if self._register is None:
            from winlogd.access.register import Register

            self._register = Register(self._loop, self.writer(), self.log)
        return self._register

    def writer(self) -> "AccessWriter":
        """Return the writer of the readers' file. Only the register asks it about readers."""
        if self._writer is None:
            from winlogd.store.access_file.tables import access_path
            from winlogd.store.access_file.writer import AccessWriter

            self._writer = AccessWriter(self._loop, access_path(self._database), self.may_open)
        return self._writer

    def audit(self) -> "Audit":
        """Return what writes looks into the readers' file."""
        if self._audit is None:
            from winlogd.access.audit import Audit

            privacy, logs_names = self._config.privacy, self._config.logging.names
            self._audit = Audit(self.register(), self.log, privacy.audit_days, logs_names)
        return self._audit

    def failures(self) -> "Failures":
        """Return the counts of wrong tokens, which outlive a reload."""
        if self._failures is None:
            from winlogd.access.failures import Failures

            self._failures = Failures()
        return self._failures

    def is_past_closed(self) -> bool:
        """Return True while nobody may see the past."""
        return self.closings > 0

    def obey(self, old: Security, new: Security) -> None:
        """End the answers in pieces that were begun under other rules for readers. Call this after each reload."""
        if self._register is not None and _rules(old) != _rules(new):
            self._register.end_era()

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
        self.is_stopping = True
        if self._writer is None:
            ended()
        else:
            self._writer.stop(ended)
