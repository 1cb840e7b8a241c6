"""The order ``rotate``: rotate now. This file must not know the socket, or what a rotation is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.rotate import Moved


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Have the rotator rotate. Report how far it is, and its sentence at the end."""

    def ended(outcome: "Moved | Exception") -> None:
        if isinstance(outcome, Exception):
            order.failed(f"the rotation did not come to its end: {outcome}")
        else:
            order.done(sentence=outcome.sentence)

    def report(progress: Mapping[str, int]) -> None:
        order.progress(**progress)

    running.parts.rotator.rotate_now(ended, report)
