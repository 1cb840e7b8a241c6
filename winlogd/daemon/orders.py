"""What the control socket may be asked, by name. Knows the parts that obey; not the socket."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.scheduled.rotation import Rotator

if TYPE_CHECKING:
    from winlogd.control.server import Handler, Order
    from winlogd.store.jobs.rotate import Moved


def orders_of(rotator: Rotator) -> Mapping[str, "Handler"]:
    """Return every order that a running server obeys."""

    def rotate(order: "Order") -> None:
        def ended(outcome: "Moved | Exception") -> None:
            if isinstance(outcome, Exception):
                order.failed(f"the rotation did not come to its end: {outcome}")
            else:
                order.done(sentence=outcome.sentence)

        def report(progress: "Mapping[str, int]") -> None:
            order.progress(**progress)

        rotator.rotate_now(ended, report)

    return {"rotate": rotate}
