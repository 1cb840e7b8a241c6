"""Stop a server in an order that loses no event, or at once.

This file knows the order. It must not know why the server stops.
"""

import asyncio
import os
from typing import Final, NoReturn

from winlogd.daemon.running import Running
from winlogd.daemon.signals import FAILED
from winlogd.log.log import Log

_HURRY_SHARE: Final = 0.6
"""In this share of `server.shutdown_timeout`, a stop waits for a locked database. The rest is for the answers and for
peers that linger."""


async def stop(running: Running, timeout_s: float, store_gone: asyncio.Event) -> None:
    """Commit and answer every request that was received in full. Close the database.

    Args:
        running: the server.
        timeout_s: `server.shutdown_timeout`. The process ends when it is over.
        store_gone: set when the store has ended.
    """
    loop, log, observer, parts, watchdog = running
    readers_gone, looking_gone = asyncio.Event(), asyncio.Event()
    log.info("server", "stopping")
    watchdog.stopping()
    loop.call_later(timeout_s, end_at_once, log, "server.shutdown_timeout is over")
    parts.rotator.stop()
    parts.past.stop()
    parts.days.stop()
    parts.entrance.stop()
    parts.store.hurry(timeout_s * _HURRY_SHARE)
    parts.readers.stop(readers_gone.set)
    await parts.server.stop()
    parts.looking.stop(looking_gone.set)
    await looking_gone.wait()
    await readers_gone.wait()  # only the last connection to the database checkpoints the WAL
    parts.store.stop()
    await store_gone.wait()
    observer.close()


def end_at_once(log: Log, why: str) -> NoReturn:
    """End the process now. Acknowledged events are committed. Requests without an answer may be lost."""
    log.warn("server", "ended at once, before every request was answered", cause=why)
    log.stop()
    os._exit(FAILED)
