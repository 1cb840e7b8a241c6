"""Load a server in an open loop: send events at planned times, even if the earlier ones are not answered yet.

Latency counts from the planned time. Thus a stall of the server counts for every event that it delays, not for one.
The process spins on its core while events are due, because a timer would add its own delay.

    python -m bench.load.openloop PORT plain RATE SECONDS FIRST
    python -m bench.load.openloop PORT morning WORKSTATIONS SECONDS FIRST

`plain` sends RATE events a second on kept connections. In the `morning` each workstation logs on at a random moment of
SECONDS. Then it sends its inventory at a random moment of as many further seconds. Every event has its own connection.
FIRST is the number of the first event; it must be even.
"""

import gc
import random
import sys
from time import perf_counter
from typing import Final

from bench import events
from bench.load.exchanges import Exchanges
from bench.load.result import Load

KEPT_CONNECTIONS: Final = 64
CLIENT_TIMEOUT_S: Final = 30.0
PLAIN_TIMEOUT_S: Final = 5.0
"""Wait this long for answers after the last event of `plain`. A server that is further behind shows nothing new."""
_SPIN_S: Final = 0.003
"""If the next event is nearer than this, poll epoll without sleeping: its time-outs are whole milliseconds."""

Plan = list[tuple[float, bytes]]
"""Requests, each with the second from the start at which it is due."""


def plain(rate: float, seconds: float, first: int, second: str = events.SECOND) -> Plan:
    """Return a plan of evenly spaced events: `rate` a second, numbered from `first`; see `events.request`."""
    return [(number / rate, events.request(first + number, second)) for number in range(int(rate * seconds))]


def morning(workstations: int, seconds: float, first: int) -> Plan:
    """Return a plan of logons and then inventories at random moments. The same `first` always gives the same plan."""
    chance = random.Random(first)
    logons = [(chance.random() * seconds, events.logon(first + 2 * n, n)) for n in range(workstations)]
    first += 2 * workstations
    inventories = [
        (seconds + chance.random() * seconds, events.inventory(first + 2 * n, n)) for n in range(workstations)
    ]
    return sorted(logons + inventories)


def run(exchanges: Exchanges, plan: Plan, patience_s: float) -> Load:
    """Send each request of `plan` at its time. Then wait up to `patience_s` for the last answers."""
    late_s = []
    start = perf_counter() + 0.05
    for due, request in plan:
        planned = start + due
        while (left := planned - perf_counter()) > 0:
            exchanges.step(left - _SPIN_S / 2 if left > _SPIN_S else 0)
        late_s.append(-left)
        exchanges.begin(request, planned)
        exchanges.step(0)
    exchanges.drain(patience_s)
    return Load.of(exchanges.latencies_s, exchanges.refused, exchanges.failed, perf_counter() - start, late_s)


def main(arguments: list[str]) -> None:
    """Run the load that the command line describes. Print its result."""
    port, kind, amount, seconds, first = arguments
    exchanges = Exchanges(int(port), keep=kind == "plain")
    if kind == "plain":
        plan = plain(float(amount), float(seconds), int(first))
        exchanges.connect(KEPT_CONNECTIONS)
    else:
        plan = morning(int(amount), float(seconds), int(first))
    gc.disable()  # the pause of a collection would count as the server's
    patience_s = PLAIN_TIMEOUT_S if kind == "plain" else CLIENT_TIMEOUT_S
    print(run(exchanges, plan, patience_s).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
