"""How long /health waits beside a listing of many open sessions: python -m bench.beside_listing [--sessions N].

Wants an idle machine: whatever else runs makes /health wait, too.
"""

import argparse
import http.client
import socket
import sqlite3
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final

from bench.events import logon
from bench.registry import PEERS
from bench.server import Setup, running

_SESSIONS: Final = 300_000
_LISTINGS: Final = 5
_PAUSE_S: Final = 0.002
_LISTING: Final = b"GET /api/v1/sessions/current HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
_FILL: Final = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)
SELECT printf('user%06d', i), 'C', printf('2026-01-13T08:00:00.%09d+00:00', i), printf('PC-%06d', i * 7919 % 1000003),
    strftime('%Y-%m-%dT%H:%M:%S', 'now') || '.123456+00:00',
    printf('user%06d@PC-%06d@%06x', i, i * 7919 % 1000003, i) FROM n
"""


class Health:
    """Asks /health again and again, until the end of the block.

    Attributes:
        waits_s: how long each answer took.
    """

    def __init__(self, port: int) -> None:
        self.waits_s: list[float] = []
        self._port = port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Health":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port)) as connection:
            while not self._is_over.wait(_PAUSE_S):
                begun = time.perf_counter()
                connection.request("GET", "/health")
                connection.getresponse().read()
                self.waits_s.append(time.perf_counter() - begun)


def _ask(port: int, octets: bytes) -> int:
    """Ask once, on a connection of its own; return how many octets came."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(octets)
        buffer, received = bytearray(1 << 20), 0
        while came := sock.recv_into(buffer):
            received += came
            if octets is not _LISTING:
                break
        return received


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside_listing", description=__doc__)
    parser.add_argument("--sessions", type=int, default=_SESSIONS)
    sessions = parser.parse_args().sessions
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        database = Path(folder) / "winlog.db"
        with running(PEERS["winlogd"], Setup(log_level="error"), database) as server:
            _ask(server.port, logon(0, 0))  # the database is open
            with closing(sqlite3.connect(database)) as connection, connection:
                connection.execute(_FILL, (sessions,))
            _ask(server.port, logon(2, 1))  # with it the server notices what was written
            with Health(server.port) as health:
                begun = time.perf_counter()
                octets = [_ask(server.port, _LISTING) for _ in range(_LISTINGS)]
                took_s = (time.perf_counter() - begun) / _LISTINGS
    print(
        f"{sessions} sessions, {octets[-1] / 1e6:.0f} MB, {took_s:.2f} s a listing; /health: "
        f"median {1e3 * median(health.waits_s):.1f} ms, worst {1e3 * max(health.waits_s):.1f} ms"
    )


if __name__ == "__main__":
    main()
