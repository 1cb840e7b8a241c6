"""The orders of the control socket, by name.

Each order has a module in `winlogd.daemon.ordered`. It is loaded when the order comes, because a fast start is a
feature. This file must not know the socket, or what an order does.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from winlogd.config.sections import Config
from winlogd.daemon.running import Running

if TYPE_CHECKING:
    from winlogd.control.server import Handler, Order

ORDERS: Final[Mapping[str, str]] = {
    "import": "import_rows",
    "rotate": "rotate",
    "token": "token",
    "backup": "backup",
    "purge": "purge",
    "hold": "hold",
    "forget": "forget",
    "status": "status",
    "config": "config",
    "refusals": "refusals",
}
"""The module of each order. Its function `carry_out` gets the order, the server, and the configuration in force. It
starts the work and returns at once, like each `winlogd.control.server.Handler`."""


def orders_of(running: Running, config: Callable[[], Config]) -> Mapping[str, "Handler"]:
    """Return a handler for each order that a running server carries out, by the name of the order.

    Args:
        running: the server.
        config: returns the configuration in force.
    """

    def handler_of(module: str) -> "Handler":
        def handle(order: "Order") -> None:
            import_module(f"winlogd.daemon.ordered.{module}").carry_out(order, running, config())

        return handle

    return {name: handler_of(module) for name, module in ORDERS.items()}
