"""The order ``config``: which value each option has in this server, and where it comes from.

A thread of its own reads the file. This file must not know the socket, or how options are shown.
"""

import os

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.aside import aside
from winlogd.daemon.in_force import Fields, fields_of
from winlogd.daemon.running import Running


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Answer with the fields of ``winlogd config``."""

    def done(told: Fields | Exception) -> None:
        if isinstance(told, Exception):
            order.failed(f"the configuration cannot be told: {told}")
        else:
            order.done(running=True, pid=os.getpid(), **told)

    aside(running.loop, "config", lambda: fields_of(config, running.parts.begun_with, os.environ), done)
