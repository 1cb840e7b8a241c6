"""The order ``token``: read or change the readers' file. This file must not know the socket, or what a reader is."""

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Have the part that knows the readers do it."""
    running.parts.looking.carry_out(order)
