"""Closed loop, one connection an event: connect, send, read the answer, close, as the real clients do.

    python -m bench.load.oneshot PORT CONCURRENCY SECONDS FIRST

Not wrk: it closes a connection only when the server says so, and a request with `Connection: close` makes the server
close first, which is not what the clients do and moves the cost of closing from one side to the other. Of the 66 µs
that an event took here, 52 were the kernel's, which makes and closes the connection; wrk, closing nothing, got to a
quarter more. A server that one core of load cannot keep busy shows it in its `core busy`, and is to be judged by its
processor time an event.
"""

import gc
import sys
from time import perf_counter

from bench import events
from bench.load.exchanges import Exchanges
from bench.load.openloop import CLIENT_TIMEOUT_S
from bench.load.result import Load


def run(exchanges: Exchanges, concurrency: int, seconds: float, first: int) -> Load:
    """Keeps `concurrency` events under way for `seconds`, then waits for the last answers."""
    start = now = perf_counter()
    until = start + seconds
    number = first
    while now < until:
        while exchanges.under_way < concurrency:
            exchanges.begin(events.request(number), perf_counter())
            number += 1
        exchanges.step(0.05)
        now = perf_counter()
    exchanges.drain(CLIENT_TIMEOUT_S)
    return Load.of(exchanges.latencies_s, exchanges.refused, exchanges.failed, perf_counter() - start)


def main(arguments: list[str]) -> None:
    """Entry of the process."""
    port, concurrency, seconds, first = arguments
    gc.disable()
    print(run(Exchanges(int(port), keep=False), int(concurrency), float(seconds), int(first)).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
