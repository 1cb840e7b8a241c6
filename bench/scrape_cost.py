"""What a scrape of GET /metrics costs winlogd: ``python -m bench.scrape_cost``.

The server has 5 000 open sessions in memory. Prints the processor time of all its threads, and the time until the
answer: of the first scrape, which loads what it needs and counts the doubtful sessions, and of those that follow. A
measurement to look at; it asserts nothing.
"""

import argparse
import http.client
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from bench import registry
from bench.open_sessions import FILL
from bench.server import Server, Setup, running

_SCRAPES: Final = 100
_PAUSE_S: Final = 0.05
"""Between two scrapes: what the server still does after one has ended by then."""
_PATIENCE_S: Final = 30.0


class Cost(NamedTuple):
    """The cost of one scrape.

    Attributes:
        cpu_ms: processor time of all threads of the server.
        waited_ms: until the whole answer was there.
    """

    cpu_ms: float
    waited_ms: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m bench.scrape_cost", description=__doc__)
    parser.add_argument("--count", type=int, default=5_000, help="open sessions, default 5000")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory(prefix="winlogd-scrape-", dir="/var/tmp") as folder:
        database = Path(folder) / "winlog.db"
        with running(registry.PEERS["winlogd"], Setup(log_level="error"), database):
            pass  # makes the tables
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(FILL, (count,))
        with running(registry.PEERS["winlogd"], Setup(log_level="error"), database) as server:
            time.sleep(2.0)  # it loads them
            _print(f"the first scrape, {count} open sessions", [_cost(server)])
            _print(f"the next {_SCRAPES}", [_cost(server) for _ in range(_SCRAPES)])


def _cost(server: Server) -> Cost:
    before_ns, begun_s = _cpu_ns(server.pid), time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE_S)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert b"winlogd_open_sessions" in answer.read()
    waited_s = time.monotonic() - begun_s
    time.sleep(_PAUSE_S)
    return Cost((_cpu_ns(server.pid) - before_ns) / 1e6, waited_s * 1e3)


def _cpu_ns(pid: int) -> int:
    """Return the processor time of all threads of a process (the kernel's ``/proc/PID/task/TID/schedstat``)."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


def _print(name: str, costs: list[Cost]) -> None:
    cpu_ms, waited_ms = median(cost.cpu_ms for cost in costs), median(cost.waited_ms for cost in costs)
    print(f"{name}: {cpu_ms:.2f} ms of processor time, answered in {waited_ms:.2f} ms")


if __name__ == "__main__":
    main()
