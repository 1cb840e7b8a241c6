"""The order ``status``: how the server is, and what its files tell. Nothing in the answer names a user.

First the store tries to write, if it has not lately. The reader's thread looks at the disk. If it cannot, or not in
time, the answer has the rest and says why. This file must not know the socket, or how a person is shown the answer.
"""

import os
import time
from typing import TYPE_CHECKING, Final

from winlogd import VERSION
from winlogd.api.session_fields import local_text
from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running
from winlogd.metrics.process import started_s
from winlogd.sessions.session import US

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

    from winlogd.access.readers import Readers
    from winlogd.daemon.stored import Fields
    from winlogd.store.read.access import Access

_WHO: Final = "winlogd status"
"""The name by which the reader counts these questions."""


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Answer with the fields of ``winlogd status``."""
    now_us = time.time_ns() // 1000
    site = running.parts.entrance.site.site()

    def look(access: "Access") -> "Fields":
        from winlogd.daemon.stored import beside, stored  # loaded on the reader's thread

        path = os.path.realpath(config.database.path)
        return {**stored(config, site, path, now_us)(access), **beside(config, path, now_us)}

    def counted(readers: "Readers | None") -> None:
        count = None if readers is None else readers.count(now_us)

        def looked(outcome: "Fields | Exception") -> None:
            fault = f"what is stored cannot be read now: {outcome}"
            known = {"fault": fault} if isinstance(outcome, Exception) else outcome
            server = _server(running, config, count, now_us, site.zone)
            order.done(running=True, server=server, refusals=_refusals(running, site.zone), **known)

        running.parts.readers.questions.ask(_WHO, look, looked)

    running.parts.entrance.trial.ask(lambda _: running.parts.looking.register().look_up(counted))


def _server(running: Running, config: Config, readers: int | None, now_us: int, zone: "tzinfo | None") -> "Fields":
    """Return how the server itself is."""
    parts, server = running.parts, config.server
    writability = parts.entrance.trial.writability()
    begun_s = started_s()
    return {
        "version": VERSION,
        "pid": os.getpid(),
        "started_at": local_text(int(begun_s * US), zone),
        "uptime_seconds": max(now_us // US - int(begun_s), 0),
        "config": config.source,
        "is_writable": writability.is_writable,
        "is_writable_since": local_text(int(writability.since_s * US), zone),
        "why_not": writability.why,
        "connections": parts.server.open_connections,
        "most_connections": parts.server.max_connections,
        "feeds": parts.entrance.feeds,
        "questions": parts.readers.questions.waiting + parts.readers.downloads.waiting,
        "tls_port": server.tls_port or None,
        "readers": readers,
    }


def _refusals(running: Running, zone: "tzinfo | None") -> "Fields":
    """Return how many requests were refused today, and for which reasons."""
    now_s, today = time.time(), running.observer.today
    found = today.by_reason(now_s)
    return {
        "since": local_text(int(today.since(now_s) * US), zone),
        "count": sum(each.total for each in found),
        "reasons": [{"status": each.status, "reason": each.reason, "count": each.total} for each in found],
    }
