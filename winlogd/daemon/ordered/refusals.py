"""The order ``refusals``: the refused requests of today, and why events cannot be stored now.

This file must not know the socket, or how refused requests are counted.
"""

import time
from typing import TYPE_CHECKING, Final

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running

if TYPE_CHECKING:  # types only
    from winlogd.store.reporting import Writability

_LISTED: Final = 50
"""The answer lists at most this many pairs of a reason and an address."""


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Answer with the counts of today, and why events cannot be stored now.

    `reasons` has all refused requests. `refusals` has the most frequent pairs of a reason and an address.
    """
    trial = running.parts.entrance.trial
    trial.ask(lambda _: order.done(**_told(running, trial.writability())))


def _told(running: Running, writable: "Writability") -> dict[str, object]:
    now_s, today = time.time(), running.observer.today
    found = list(today.most(now_s))
    listed = [
        {"reason": each.reason, "status": each.status, "address": each.address, "host": each.host, "count": each.count}
        for each in found[:_LISTED]
    ]
    return {
        "since": int(today.since(now_s)),
        "count": sum(each.count for each in found),
        "refusals": listed,
        "reasons": [
            {"reason": each.reason, "status": each.status, "count": each.total, "senders": each.senders}
            for each in today.by_reason(now_s)
        ],
        "why_not": writable.why,
        "why_not_since": int(writable.since_s),
    }
