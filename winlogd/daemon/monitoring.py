"""Make the endpoints for monitoring, when somebody asks for one. This file must not know what they answer."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from winlogd.api.metrics import Metrics
from winlogd.api.metrics_look import Look, look
from winlogd.api.metrics_table import Sources
from winlogd.api.ready import Ready
from winlogd.api.routes import METRICS, READY
from winlogd.daemon.aside import aside
from winlogd.daemon.settings import least_free_bytes
from winlogd.http.router import Endpoint
from winlogd.store.store import Store

if TYPE_CHECKING:  # types only
    from winlogd.daemon.entrance import Entrance
    from winlogd.daemon.observer import RequestObserver
    from winlogd.http.server import Server
    from winlogd.scheduled.rotation import Rotator
    from winlogd.store.read.access import Access
    from winlogd.store.read.readers import Readers


def endpoints(
    loop: asyncio.AbstractEventLoop,
    database: str,
    store: Store[Any],
    readers: "Readers",
    entrance: "Entrance",
    server: "Server",
    observer: "RequestObserver",
    rotator: "Rotator",
    deleted_s: Callable[[], float | None],
) -> Mapping[str, Endpoint]:
    """Return the endpoints by their paths.

    Args:
        loop: the event loop.
        database: the database's real path.
        store: stores events.
        readers: answer questions.
        entrance: knows the site, the configuration in force and the live views.
        server: has the connections.
        observer: counts refused requests.
        rotator: knows the last rotation.
        deleted_s: returns when old events were last deleted.
    """
    known = entrance.site

    def look_around(looked: Callable[[Look | Exception], None]) -> None:
        aside(loop, "metrics", lambda: look(database, known.config.backup.folder, store.state().book), looked)

    def count(access: "Access") -> int:
        from winlogd.store.read.activity import find_open  # loads SQL, on the reader's thread

        return find_open(access, known.site(), time.time_ns() // 1000).doubtful

    def retained_s() -> float | None:
        return deleted_s() if known.config.retention.history_days else None  # 0 keeps the archive for ever

    sources = Sources(
        store,
        entrance.trial,
        readers,
        server,
        observer.refused_totals,
        lambda: entrance.feeds,
        lambda: least_free_bytes(known.config),
        rotator.rotated_s,
        retained_s,
    )
    return {READY: Ready(entrance.trial).handler_for, METRICS: Metrics(loop, sources, look_around, count).handler_for}
