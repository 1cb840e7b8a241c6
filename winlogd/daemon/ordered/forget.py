"""The order ``forget``: the members are those of a `Wish`. This file must not know how people are forgotten."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.forgetting import plain_reason
from winlogd.daemon.running import Running
from winlogd.store.access_file.forgotten import wish_from

if TYPE_CHECKING:  # types only
    from winlogd.scheduled.forgetting import Applied


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Have people forgotten. Report how far it is, and the figures at the end."""
    wish = wish_from(order.fields)
    if wish is None:
        order.failed("this winlogd does not know such an order; is the command of another version?")
        return

    def ended(outcome: "Applied | Exception") -> None:
        if isinstance(outcome, Exception):
            order.failed(plain_reason(outcome))
        else:
            order.done(**outcome.forgot._asdict(), is_wal_empty=outcome.is_wal_empty)

    def report(progress: Mapping[str, int]) -> None:
        order.progress(**progress)

    running.parts.forgetting.made().forget(wish, ended, report)
