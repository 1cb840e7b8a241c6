"""The long quiet run: ``python -m tests.chaos.soak --minutes 60``.

Two thousand events a second, rotations, readers and clients that break off, while the server's memory, descriptors and
WAL are looked at. Ends with status 1 when they grow, or when the database does not hold what was acknowledged; draws a
plot when matplotlib is there.
"""

import argparse
import asyncio
import os
import random
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.load.result import Load
from tests.running import Winlogd

_ROOT: Final = Path(__file__).parents[2]
_LOAD_S: Final = 20
"""The generator plans so much at once."""
_NUMBERS_APART: Final = 1_000_000
_SETTLES_S: Final = 300.0
"""Caches fill and the allocator finds its size: growth counts after that, or after half of a shorter run."""
_MOST_GROWTH_MIB: Final = 2.0
_MOST_DESCRIPTORS: Final = 16
_MOST_WAL_MIB: Final = 16.0
_OLD: Final = (
    "UPDATE events_today SET server_timestamp = '2026-01-01T00:00:00.000000+00:00' WHERE id BETWEEN ? AND ?"
    " AND server_timestamp > '2026-01-02'"
)
_MADE_OLD_AT_ONCE: Final = 2_000
"""Rows: this is another program's transaction, and its size would be the WAL's."""


@dataclass(frozen=True, slots=True)
class Look:
    """The server at one moment; `at_s` from the start."""

    at_s: float
    rss_mib: float
    descriptors: int
    wal_mib: float


def look(server: Winlogd, begun_s: float) -> Look:
    """What the server holds now."""
    pid = server.process.pid
    resident_kib = int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])
    wal = server.database.with_name("winlog.db-wal")
    wal_mib = wal.stat().st_size / 2**20 if wal.exists() else 0.0
    return Look(time.monotonic() - begun_s, resident_kib / 1024, len(os.listdir(f"/proc/{pid}/fd")), wal_mib)


async def _looks(server: Winlogd, until_s: float, looks: list[Look]) -> None:
    begun_s = time.monotonic()
    while time.monotonic() < until_s:
        looks.append(look(server, begun_s))
        await asyncio.sleep(2)


async def _send(server: Winlogd, rate: int, until_s: float) -> int:
    """Sends events in an open loop; returns how many were acknowledged."""
    acknowledged, number = 0, 0
    while time.monotonic() < until_s:
        arguments = [str(server.port), "plain", str(rate), str(_LOAD_S), str(number * _NUMBERS_APART)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load.openloop", *arguments, cwd=_ROOT, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        load = Load.from_json(output.decode())
        acknowledged += load.acked
        number += 1
        print(f"acknowledged {acknowledged}, P99 {load.p99_ms:.1f} ms", flush=True)
    return acknowledged


async def _rotate(server: Winlogd, until_s: float) -> None:
    """Makes what is stored old, all but the last seconds, and asks for a rotation."""
    while time.monotonic() < until_s:
        await asyncio.sleep(15)
        await asyncio.to_thread(_rotate_once, server)


def _rotate_once(server: Winlogd) -> None:
    [(lowest, highest)] = [
        tuple(row.values()) for row in server.rows("SELECT ifnull(min(id), 0), ifnull(max(id), 0) FROM events_today")
    ]
    for first in range(lowest, highest - 20_000, _MADE_OLD_AT_ONCE):
        server.execute(_OLD, first, min(first + _MADE_OLD_AT_ONCE, highest - 20_000))
    with socket.socket(socket.AF_UNIX) as sock, suppress(OSError):
        sock.connect(str(server.database.with_name("winlog.db.control")))
        sock.sendall(b"rotate\n")
        sock.recv(1000)


async def _read(server: Winlogd, until_s: float) -> None:
    """Lists the history and asks who is where."""
    while time.monotonic() < until_s:
        await asyncio.to_thread(server.rows, "SELECT * FROM events_history ORDER BY id DESC LIMIT 1000")
        await asyncio.to_thread(server.request, "GET", "/api/v1/sessions/current")
        await asyncio.sleep(1)


async def _break_off(server: Winlogd, until_s: float) -> None:
    """Clients that die at every stage of a request."""
    request = b"POST /api/v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\nUser-Agent: Winlog/0.1.0\r\n\r\n{"
    chance = random.Random(1)
    while time.monotonic() < until_s:
        with socket.create_connection(("127.0.0.1", server.port)) as sock, suppress(OSError):
            sock.send(request[: chance.randrange(len(request) + 1)])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset instead of FIN
        await asyncio.sleep(0.02)


async def run(server: Winlogd, seconds: float, rate: int) -> tuple[list[Look], int]:
    """The run itself; the looks, and how many events were acknowledged."""
    until_s = time.monotonic() + seconds
    looks: list[Look] = []
    acknowledged, *_ = await asyncio.gather(
        _send(server, rate, until_s),
        _looks(server, until_s, looks),
        _rotate(server, until_s),
        _read(server, until_s),
        _break_off(server, until_s),
    )
    return looks, acknowledged


def faults(looks: list[Look]) -> list[str]:
    """What has grown that should not have."""
    settled = [each for each in looks if each.at_s >= min(_SETTLES_S, looks[-1].at_s / 2)]
    quarter = max(1, len(settled) // 4)
    first, last = settled[:quarter], settled[-quarter:]
    growth = _mean(last) - _mean(first)
    found = []
    if growth > _MOST_GROWTH_MIB:
        found.append(f"memory has grown by {growth:.1f} MiB")
    # The load has more connections whenever an answer takes longer: what is never given back shows at its lowest.
    fewest, fewest_now = (min(each.descriptors for each in looks) for looks in (first, last))
    if fewest_now - fewest > _MOST_DESCRIPTORS:
        found.append(f"descriptors have grown from {fewest} to {fewest_now}")
    if (highest := max(each.wal_mib for each in looks)) > _MOST_WAL_MIB:
        found.append(f"the WAL had {highest:.1f} MiB")
    return found


def _mean(looks: list[Look]) -> float:
    return sum(each.rss_mib for each in looks) / len(looks)


def draw(looks: list[Look], path: Path) -> None:
    """A plot of memory, WAL and descriptors over time."""
    import matplotlib.pyplot as plt

    minutes = [each.at_s / 60 for each in looks]
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(9, 6))
    curves = (
        ("memory, MiB", [each.rss_mib for each in looks]),
        ("WAL, MiB", [each.wal_mib for each in looks]),
        ("descriptors", [float(each.descriptors) for each in looks]),
    )
    for axis, (name, values) in zip(axes, curves, strict=True):
        axis.plot(minutes, values)
        axis.set_ylabel(name)
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def _stored(database: Path) -> tuple[int, str]:
    with closing(sqlite3.connect(database)) as connection:
        count = (
            "SELECT (SELECT count(*) FROM events_today WHERE origin = 'client') + (SELECT count(*) FROM events_history"
        )
        [(stored,)] = connection.execute(f"{count} WHERE origin = 'client')")
        [(integrity,)] = connection.execute("PRAGMA integrity_check")
    return stored, integrity


def main() -> int:
    """Runs, prints the ledger, draws; returns the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=2000, help="events a second")
    parser.add_argument("--plot", type=Path, help="a PNG to write")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-soak-", dir="/var/tmp") as folder:
        server = Winlogd(Path(folder), '[rotation]\nat = ""\n').start()
        try:
            looks, acknowledged = asyncio.run(run(server, chosen.minutes * 60, chosen.rate))
        finally:
            server.stop()
        stored, integrity = _stored(server.database)
    found = faults(looks)
    if acknowledged > stored or integrity != "ok":
        found.append(f"of {acknowledged} acknowledged events {stored} are stored, integrity {integrity}")
    last = looks[-1]
    print(
        f"soak, {chosen.minutes:g} minutes: acknowledged {acknowledged}, stored {stored}, integrity {integrity}, "
        f"memory {last.rss_mib:.1f} MiB, highest {max(each.rss_mib for each in looks):.1f}, highest WAL "
        f"{max(each.wal_mib for each in looks):.1f} MiB, descriptors {last.descriptors}: {'; '.join(found) or 'flat'}"
    )
    if chosen.plot is not None:
        draw(looks, chosen.plot)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
