"""Do some work on a thread of its own, and hand the outcome to the event loop.

The thread is a daemon. Workers of the loop's own executor are none: Python waits for them at its end, and a file on a
disk that hangs would hold up a stop for ever. This file must not know what the work is.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def aside(
    loop: asyncio.AbstractEventLoop, name: str, work: Callable[[], T], done: Callable[[T | Exception], None]
) -> None:
    """Start the work. Call this on the loop's thread.

    Args:
        loop: the event loop.
        name: the name of the thread.
        work: called on the thread.
        done: called on the loop's thread later with what `work` returns or raises; never if the loop is closed by then.
    """

    def run() -> None:
        outcome: T | Exception
        try:
            outcome = work()
        except Exception as error:
            outcome = error
        with suppress(RuntimeError):  # the loop is closed: the server has stopped
            loop.call_soon_threadsafe(done, outcome)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError as error:  # the system has no thread left
        loop.call_soon(done, error)
