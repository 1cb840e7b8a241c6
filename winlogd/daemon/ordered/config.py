"""The order ``config``: which value each option has in this server, and where it comes from.

A worker of the loop's default executor reads the file. This file must not know the socket, or how options are shown.
"""

import os
from asyncio import Future

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.in_force import Fields, fields_of
from winlogd.daemon.running import Running


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Answer with the fields of ``winlogd config``."""

    def done(told: "Future[Fields]") -> None:
        if (error := told.exception()) is None:
            order.done(running=True, pid=os.getpid(), **told.result())
        else:
            order.failed(f"the configuration cannot be told: {error}")

    telling = running.loop.run_in_executor(None, fields_of, config, running.parts.begun_with, os.environ)
    telling.add_done_callback(done)
