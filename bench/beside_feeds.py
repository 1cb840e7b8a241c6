"""What live feeds cost the events: python -m bench.beside_feeds [--feeds N] [--rate N] [--seconds N] [--rounds N].

The same load of planned events runs without feeds and with them, in turn, on 5 000 machines in 50 rooms. One of the
feeds is never read: the server has to drop it. Wants an idle machine with two cores.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from bench import cores
from bench.load.result import Load
from bench.registry import PEERS, REPOSITORY
from bench.server import ROOMS, Server, Setup, running

_FEEDS: Final = 200
_RATE: Final = 1_000
_SECONDS: Final = 60.0
_WARM_S: Final = 12.0
"""As long as 1 000 events a second need to bring each of the 5 000 machines at least once."""
_ROOMS, _SEATS = 50, 100


def list_of_machines() -> str:
    """Return the list of rooms of all machines that the load's events come from."""
    rows = (f"A{room:03}-{seat:02},A{room:03}" for room in range(_ROOMS) for seat in range(_SEATS))
    return "\n".join(("hostname,room", *rows, ""))


def _load(port: int, rate: int, seconds: float, first: int) -> Load:
    command = (sys.executable, "-m", "bench.load.openloop", str(port), "plain", str(rate), str(seconds), str(first))
    with cores.pinned_to(cores.LOAD):
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    return Load.from_json(done.stdout)


@contextmanager
def _fed(port: int, count: int, came: dict[str, Any]) -> Iterator[None]:
    """Have `count` feeds read until the end of the block. Then put what came into `came`."""
    command = (sys.executable, "-m", "bench.load.feeds", str(port), str(count))
    with cores.pinned_to(cores.LOAD):
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        process.stdout.readline()  # all are open
        yield
    finally:
        process.terminate()
        came |= json.loads(process.stdout.readline() or "{}")
        process.wait()


def _snapshot(port: int) -> int:
    """Ask for the snapshot; return how many octets it has."""
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/api/v1/snapshot")
        return len(connection.getresponse().read())


def _measure(server: Server, options: argparse.Namespace) -> None:
    port, rate, seconds, first = server.port, options.rate, options.seconds, 0
    _load(port, rate, _WARM_S, first)
    first += int(rate * _WARM_S)
    for number in range(options.rounds):
        used = server.usage()
        without = _load(port, rate, seconds, first)
        busy_without = (server.usage().cpu_s - used.cpu_s) / without.seconds
        first += int(rate * seconds)
        octets, before_mib, came = _snapshot(port), server.resident_mib(), dict[str, Any]()
        with _fed(port, options.feeds, came):
            used = server.usage()
            beside = _load(port, rate, seconds, first)
            memory_mib = server.resident_mib()
            busy = (server.usage().cpu_s - used.cpu_s) / beside.seconds
        first += int(rate * seconds)
        print(
            f"round {number + 1}: {rate} events/s, P99 {without.p99_ms:.2f} ms without feeds,"
            f" {beside.p99_ms:.2f} ms beside {options.feeds} feeds ({beside.p99_ms / without.p99_ms:.2f} times);"
            f" the load was late by {beside.late_ms:.2f} ms; not stored: {beside.refused + beside.failed};"
            f" {came.get('events', 0)} changes at a tenth of the feeds, {came.get('octets', 0) / 1e6:.0f} MB at all of"
            f" them, {came.get('ended', 0)} ended; core busy {100 * busy_without:.0f} and"
            f" {100 * busy:.0f} %; memory {before_mib:.0f} to {memory_mib:.0f} MiB;"
            f" a snapshot has {octets / 1e6:.2f} MB"
        )


def main() -> None:
    """Measure, and print a line for each round."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside_feeds", description=__doc__)
    parser.add_argument("--feeds", type=int, default=_FEEDS)
    parser.add_argument("--rate", type=int, default=_RATE)
    parser.add_argument("--seconds", type=float, default=_SECONDS)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        (Path(folder) / ROOMS).write_text(list_of_machines())
        setup = Setup(log_level="error", has_rooms=True)
        with running(PEERS["winlogd"], setup, Path(folder) / "winlog.db") as server:
            _measure(server, options)


if __name__ == "__main__":
    main()
