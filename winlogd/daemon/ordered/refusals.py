"""The order ``refusals``: the refused requests of today. It must not know the socket, or who counts."""

import time
from typing import Final

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running

_LISTED: Final = 50
"""The answer lists at most this many pairs of a reason and an address."""


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Answer with the count of today, and the most frequent pairs of a reason and an address."""
    now_s, today = time.time(), running.observer.today
    found = list(today.most(now_s))
    listed = [
        {"reason": each.reason, "status": each.status, "address": each.address, "host": each.host, "count": each.count}
        for each in found[:_LISTED]
    ]
    order.done(since=int(today.since(now_s)), count=sum(each.count for each in found), refusals=listed)
