"""The orders of the control socket, by name.

This file knows the parts that carry the orders out. It must not know the socket.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.scheduled.rotation import Rotator

if TYPE_CHECKING:
    from winlogd.control.server import Handler, Order
    from winlogd.store.jobs.rotate import Moved


def orders_of(rotator: Rotator, token: "Handler") -> Mapping[str, "Handler"]:
    """Return a handler for each order that a running server carries out, by the name of the order.

    Args:
        rotator: carries out ``rotate``.
        token: carries out ``token``.
    """

    def rotate(order: "Order") -> None:
        def ended(outcome: "Moved | Exception") -> None:
            if isinstance(outcome, Exception):
                order.failed(f"the rotation did not come to its end: {outcome}")
            else:
                order.done(sentence=outcome.sentence)

        def report(progress: "Mapping[str, int]") -> None:
            order.progress(**progress)

        rotator.rotate_now(ended, report)

    return {"rotate": rotate, "token": token}
