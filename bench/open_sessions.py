"""What many open sessions cost winlogd: ``python -m bench.open_sessions --count 100000``.

Prints how long loading takes, and the memory of a session. Prints how long an event waits behind another program's
commit, and how long ``/health`` waits beside a listing. A measurement to look at; it asserts nothing.
"""

import argparse
import http.client
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from bench import registry
from bench.server import Server, Setup, running

_COMMITS: Final = 20
_LISTINGS: Final = 3
_PATIENCE_S: Final = 120.0
_MIB_BYTES: Final = 1 << 20
FILL: Final = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO events_today (username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version,
    kernel_version, session_uuid)
SELECT printf('user%06d', i), 'C', printf('2026-01-13T08:30:00.%09d+00:00', i), printf('A%04d-%02d', i / 100, i % 100),
    printf('10.%d.%d.%d', i / 62500 % 250, i / 250 % 250, i % 250), '2026-01-13T08:30:00.000000+00:00', 'Windows',
    '11 (26100)', '26100', printf('user%06d@A%04d-%02d@%06x', i, i / 100, i % 100, i) FROM n
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m bench.open_sessions", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="open sessions, default 100000")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory(prefix="winlogd-open-", dir="/var/tmp") as folder:
        database = Path(folder) / "winlog.db"
        with _served(database) as (server, _):
            empty_mib = server.resident_mib()
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(FILL, (count,))
        with _served(database) as (server, loaded_s):
            session_bytes = (server.resident_mib() - empty_mib) * _MIB_BYTES / count
            print(f"{count} open sessions loaded in {loaded_s:.2f} s, {session_bytes:.0f} bytes each")
            _report("an event", list(_events_behind_commits(server, database)))
            _report("an event behind another program's commit", list(_events_behind_commits(server, database, _commit)))
            _report("/health", list(_health_beside(server, lambda: time.sleep(1.0))))
            _report("/health beside a listing", list(_health_beside(server, lambda: _list(server))))


@contextmanager
def _served(database: Path) -> Iterator[tuple[Server, float]]:
    """A server on `database`, and after how many seconds its open sessions were in memory."""
    begun_s = time.monotonic()
    with running(registry.PEERS["winlogd"], Setup(log_level="error"), database) as server:
        _ask(server, "POST", "/api/v1/events", _event(-1))  # answered when they are
        yield server, time.monotonic() - begun_s


def _events_behind_commits(
    server: Server, database: Path, commit: Callable[[Path], None] = lambda _: None
) -> Iterator[float]:
    for number in range(_COMMITS):
        commit(database)
        yield _ask(server, "POST", "/api/v1/events", _event(number))
        time.sleep(0.05)


def _commit(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (moment REAL)")
        connection.execute("INSERT INTO notes VALUES (?)", (time.time(),))


def _health_beside(server: Server, work: Callable[[], object]) -> Iterator[float]:
    for _ in range(_LISTINGS):
        worker = threading.Thread(target=work)
        worker.start()
        while worker.is_alive():
            yield _ask(server, "GET", "/health")
        worker.join()


def _list(server: Server) -> None:
    _ask(server, "GET", "/api/v1/sessions/current")


def _event(number: int) -> bytes:
    stamp = f"2026-01-13T09:00:00.{time.time_ns() % 10**9:09d}+00:00"
    return json.dumps({"username": f"late{number}", "action": "M", "timestamp": stamp, "hostname": "A"}).encode()


def _ask(server: Server, method: str, path: str, body: bytes | None = None) -> float:
    """The seconds from a request to its whole answer, on a connection of its own."""
    headers = {"User-Agent": "Winlog/0.1.0", "Content-Type": "application/json"}
    begun_s = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE_S)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path} was answered {answer.status}")
    return time.perf_counter() - begun_s


def _report(what: str, waits_s: list[float]) -> None:
    median_ms, longest_ms = statistics.median(waits_s) * 1e3, max(waits_s) * 1e3
    print(f"{what}: median {median_ms:.1f} ms, longest {longest_ms:.1f} ms of {len(waits_s)}")


if __name__ == "__main__":
    main()
