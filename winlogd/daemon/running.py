"""A server that runs, as one value: what a reload and a stop need of it.

This file must not know what either of them does.
"""

import asyncio
from typing import NamedTuple

from winlogd.daemon.observer import RequestObserver
from winlogd.daemon.parts import Parts
from winlogd.daemon.watchdog import Watchdog
from winlogd.log.log import Log


class Running(NamedTuple):
    """A server.

    Attributes:
        loop: the event loop.
        log: the log.
        observer: logs refused requests.
        parts: do the work.
        watchdog: reports to the service manager.
    """

    loop: asyncio.AbstractEventLoop
    log: Log
    observer: RequestObserver
    parts: Parts
    watchdog: Watchdog
