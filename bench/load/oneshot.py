"""Load a server in a closed loop, one connection per event: connect, send, read the answer, close, as real clients do.

    python -m bench.load.oneshot PORT CONCURRENCY SECONDS FIRST

wrk cannot do this. It closes a connection only if the server says so. With `Connection: close` in the request, the
server closes first; real clients close first themselves. That moves the cost of closing from one side to the other.
An event took 66 µs here. For 52 of them the kernel opened and closed the connection. wrk, which closes nothing, sent a
quarter more events. If one core of load cannot keep a server busy, `core busy` shows that. Then compare the processor
time per event instead.
"""

import gc
import sys
from time import perf_counter

from bench import events
from bench.load.exchanges import Exchanges
from bench.load.openloop import CLIENT_TIMEOUT_S
from bench.load.result import Load


def run(exchanges: Exchanges, concurrency: int, seconds: float, first: int) -> Load:
    """Keep `concurrency` events under way for `seconds`, numbered from `first`. Then wait for the last answers."""
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
    """Run the load that the command line describes. Print its result."""
    port, concurrency, seconds, first = arguments
    gc.disable()
    print(run(Exchanges(int(port), keep=False), int(concurrency), float(seconds), int(first)).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
