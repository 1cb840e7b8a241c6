"""The order ``hold``: add, list and end holds."""

from typing import TYPE_CHECKING

from winlogd.config.sections import Config
from winlogd.daemon.deleting import carry_out_hold
from winlogd.daemon.running import Running

if TYPE_CHECKING:
    from winlogd.control.server import Order


def carry_out(order: "Order", running: Running, config: Config) -> None:
    """Carry out the order."""
    carry_out_hold(order, running.parts.keeping.made().retention, running.parts.forgetting.made)
