"""Open loop: events at planned times, whether or not the earlier ones have been answered.

Latency counts from the planned time, so that a server that stalls is charged for every event that the stall delayed,
not for one. The process spins on its core while events are due, because a timer would add its own delay.

    python -m bench.load.openloop PORT plain RATE SECONDS FIRST
    python -m bench.load.openloop PORT morning WORKSTATIONS SECONDS FIRST

`plain` sends RATE events a second on kept connections. In the `morning` each workstation logs on at a random moment of
SECONDS, and then sends its inventory in as many seconds more; every event has a connection of its own. FIRST is the
first event's number, even.
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
"""After the last event of an even load: more waiting for a server that is so far behind would show nothing more."""
_SPIN_S: Final = 0.003
"""Nearer than this to the next event, epoll is polled without sleeping: its time-outs are whole milliseconds."""

Plan = list[tuple[float, bytes]]


def plain(rate: float, seconds: float, first: int) -> Plan:
    """Evenly spaced events: (seconds from the start, request)."""
    return [(number / rate, events.request(first + number)) for number in range(int(rate * seconds))]


def morning(workstations: int, seconds: float, first: int) -> Plan:
    """Logons at random moments, then inventories: the same ones every time, as the seed is fixed."""
    chance = random.Random(first)
    logons = [(chance.random() * seconds, events.logon(first + 2 * n, n)) for n in range(workstations)]
    first += 2 * workstations
    inventories = [
        (seconds + chance.random() * seconds, events.inventory(first + 2 * n, n)) for n in range(workstations)
    ]
    return sorted(logons + inventories)


def run(exchanges: Exchanges, plan: Plan, patience_s: float) -> Load:
    """Sends what `plan` says when it says so, and waits up to `patience_s` for the last answers."""
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
    """Entry of the process."""
    port, kind, amount, seconds, first = arguments
    exchanges = Exchanges(int(port), keep=kind == "plain")
    if kind == "plain":
        plan = plain(float(amount), float(seconds), int(first))
        exchanges.connect(KEPT_CONNECTIONS)
    else:
        plan = morning(int(amount), float(seconds), int(first))
    gc.disable()  # a collection is a pause that would be charged to the server
    patience_s = PLAIN_TIMEOUT_S if kind == "plain" else CLIENT_TIMEOUT_S
    print(run(exchanges, plan, patience_s).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
