"""Run the server for long under a steady load: ``python -m tests.chaos.soak --minutes 60``.

Two thousand events a second, rotations, readers and clients that break off, while the server's memory, descriptors and
WAL are measured. Ends with status 1 if they grow, or if an event was not acknowledged or is not stored exactly once. It
draws a plot if matplotlib is installed.
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
from tests.support.paths import ROOT
from tests.support.running import PATIENCE_S, Winlogd

_LOAD_S: Final = 20
"""The generator plans this much at once."""
_NUMBERS_APART: Final = 1_000_000
_SETTLES_S: Final = 300.0
"""Caches fill and the allocator finds its size: growth counts after that, or after half of a shorter run."""
_MOST_GROWTH_MIB: Final = 2.0
"""From the first to the last quarter, and around the middle at any time."""
_MOST_DESCRIPTORS: Final = 16
_MOST_WAL_MIB: Final = 16.0
"""One that was larger is cut to this when it is begun again, perhaps between two looks."""
_OLD: Final = (
    "UPDATE events_today SET server_timestamp = '2026-01-01T00:00:00.000000+00:00' WHERE id BETWEEN ? AND ?"
    " AND server_timestamp > '2026-01-02'"
)
_MOST_ROTATION_S: Final = 600.0
_ENDS: Final = """SELECT ifnull((SELECT min(id) FROM events_today), 0) AS lowest,
    ifnull((SELECT max(id) FROM events_today), 0) AS highest"""
"""Each at once. Both in one SELECT read the whole table: a second with two million rows, in which what is written stays
in the WAL, 12 MiB of it."""
_MADE_OLD_AT_ONCE: Final = 2_000
"""Rows: this is another program's transaction, and its size would be the WAL's."""
_BETWEEN_MADE_OLD_S: Final = 0.1
"""A pause, so that a checkpoint ends with nothing written meanwhile: only then does SQLite begin the WAL again."""
_MADE_OLD_EACH_ROTATION: Final = 20_000
"""Rows for one rotation. When rotations had not kept up with the events, making all new rows old took hundreds of
such transactions without a pause. In these SQLite cannot restart the WAL."""


@dataclass(frozen=True, slots=True)
class Look:
    """Measurements of the server at one moment, `at_s` seconds after the start."""

    at_s: float
    rss_mib: float
    descriptors: int
    wal_mib: float


def look(server: Winlogd, begun_s: float) -> Look:
    """Return measurements of the server now."""
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


async def _send(server: Winlogd, rate: int, until_s: float) -> list[Load]:
    """Send events in an open loop. Return their results."""
    loads: list[Load] = []
    while (left_s := until_s - time.monotonic()) > 0:
        seconds = min(left_s, _LOAD_S)
        arguments = [str(server.port), "plain", str(rate), str(seconds), str(len(loads) * _NUMBERS_APART)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load.openloop", *arguments, cwd=ROOT, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        loads.append(Load.from_json(output.decode()))
        print(f"acknowledged {sum(load.acked for load in loads)}, P99 {loads[-1].p99_ms:.1f} ms", flush=True)
    return loads


async def _rotate(server: Winlogd, until_s: float, every_s: float) -> None:
    """Make some rows old that were there the time before, and ask for a rotation."""
    newest = 0
    while time.monotonic() < until_s:
        await asyncio.sleep(every_s)
        newest = await asyncio.to_thread(_rotate_once, server, newest)


def _rotate_once(server: Winlogd, newest: int) -> int:
    """Make the oldest rows up to the id `newest` old, and move them. Return the newest id now."""
    [ends] = server.rows(_ENDS)
    lowest, highest = ends["lowest"], ends["highest"]
    last = min(newest, lowest + _MADE_OLD_EACH_ROTATION)
    with closing(sqlite3.connect(server.database, timeout=PATIENCE_S, isolation_level=None)) as other:
        # It leaves the WAL to the server, as programs that only read do: while a checkpoint of its own waited for the
        # disk, the server would go on writing, and no WAL could be begun again.
        other.execute("PRAGMA wal_autocheckpoint = 0")
        for first in range(lowest, last, _MADE_OLD_AT_ONCE):
            other.execute(_OLD, (first, min(first + _MADE_OLD_AT_ONCE, last)))
            time.sleep(_BETWEEN_MADE_OLD_S)
    said = server.rotate(_MOST_ROTATION_S)
    assert said.startswith("ok "), said
    return int(highest)


async def _read(server: Winlogd, until_s: float) -> None:
    """List the history, and ask for the open sessions."""
    while time.monotonic() < until_s:
        await asyncio.to_thread(server.rows, "SELECT * FROM events_history ORDER BY id DESC LIMIT 1000")
        await asyncio.to_thread(server.request, "GET", "/api/v1/sessions/current")
        await asyncio.sleep(1)


async def _break_off(server: Winlogd, until_s: float) -> None:
    """Start clients that end at every stage of a request."""
    request = b"POST /api/v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\nUser-Agent: Winlog/0.1.0\r\n\r\n{"
    chance = random.Random(1)
    while time.monotonic() < until_s:
        with socket.create_connection(("127.0.0.1", server.port)) as sock, suppress(OSError):
            sock.send(request[: chance.randrange(len(request) + 1)])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset instead of FIN
        await asyncio.sleep(0.02)


async def run(folder: Path, seconds: float, rate: int, rotates_every_s: float = 15.0) -> "Outcome":
    """The run itself, on a server of its own with an empty database in `folder`."""
    server = Winlogd(folder, '[rotation]\nat = ""\n').start()
    looks: list[Look] = []
    try:
        server.wait_until_open()
        until_s = time.monotonic() + seconds
        loads, *_ = await asyncio.gather(
            _send(server, rate, until_s),
            _looks(server, until_s, looks),
            _rotate(server, until_s, rotates_every_s),
            _read(server, until_s),
            _break_off(server, until_s),
        )
    finally:
        server.stop()
    return Outcome(seconds, looks, loads, *_count(server.database))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        looks: in their order.
        loads: what was sent, and what became of it.
        rows: of clients' events in both tables together; `stored` how many different events they are.
        moved: how many of them have been rotated.
        integrity: what ``PRAGMA integrity_check`` says.
    """

    seconds: float
    looks: list[Look]
    loads: list[Load]
    rows: int
    stored: int
    moved: int
    integrity: str

    @property
    def acknowledged(self) -> int:
        """Events answered 200."""
        return sum(load.acked for load in self.loads)

    @property
    def sent(self) -> int:
        """Events that were sent, each once."""
        return sum(load.acked + load.refused + load.failed for load in self.loads)

    @property
    def is_whole(self) -> bool:
        """Return True if every event was acknowledged and is there once, and some were rotated.

        A refusal counts as a lost event here: the load sends no event again.
        """
        once = 0 < self.sent == self.acknowledged == self.stored == self.rows
        return once and self.moved > 0 and self.integrity == "ok"

    def growth(self) -> list[str]:
        """Return the names of the values that have grown and must not."""
        found = []
        if (highest := max(each.wal_mib for each in self.looks)) >= _MOST_WAL_MIB:
            found.append(f"the WAL had {highest:.1f} MiB or more")
        settled = [each for each in self.looks if each.at_s >= min(_SETTLES_S, self.looks[-1].at_s / 2)]
        quarter = max(1, len(settled) // 4)
        first, last = settled[:quarter], settled[-quarter:]
        growth_mib = _mean(last) - _mean(first)
        if growth_mib > _MOST_GROWTH_MIB:
            found.append(f"memory has grown by {growth_mib:.1f} MiB")
        spread_mib = max(each.rss_mib for each in settled) - min(each.rss_mib for each in settled)
        if spread_mib > 2 * _MOST_GROWTH_MIB:
            found.append(f"memory varied by ± {spread_mib / 2:.1f} MiB")
        # The load has more connections whenever an answer takes longer: what is never given back shows at its lowest.
        fewest, fewest_now = (min(each.descriptors for each in looks) for looks in (first, last))
        if fewest_now - fewest > _MOST_DESCRIPTORS:
            found.append(f"descriptors have grown from {fewest} to {fewest_now}")
        return found

    def __str__(self) -> str:
        last = self.looks[-1]
        return (
            f"soak, {self.seconds / 60:g} minutes: sent {self.sent}, acknowledged {self.acknowledged}, retried 0, "
            f"stored {self.stored}, lost {max(self.acknowledged - self.stored, 0)}, doubled {self.rows - self.stored}, "
            f"moved by rotations {self.moved}, integrity {self.integrity}, memory {last.rss_mib:.1f} MiB, "
            f"highest {max(each.rss_mib for each in self.looks):.1f}, highest WAL "
            f"{max(each.wal_mib for each in self.looks):.1f} MiB, descriptors {last.descriptors}: "
            f"{'; '.join(self.growth()) or 'flat'}"
        )


def _mean(looks: list[Look]) -> float:
    return sum(each.rss_mib for each in looks) / len(looks)


def draw(looks: list[Look], path: Path) -> None:
    """Draw a plot of memory, WAL and descriptors over time."""
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


def _count(database: Path) -> tuple[int, int, int, str]:
    both = " UNION ALL ".join(
        f"SELECT username, action, timestamp FROM {table} WHERE origin = 'client'"
        for table in ("events_today", "events_history")
    )
    with closing(sqlite3.connect(database)) as connection:
        [(rows,)] = connection.execute(f"SELECT count(*) FROM ({both})")
        [(stored,)] = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT * FROM ({both}))")
        [(moved,)] = connection.execute("SELECT count(*) FROM events_history WHERE origin = 'client'")
        [(integrity,)] = connection.execute("PRAGMA integrity_check")
    return rows, stored, moved, integrity


def main() -> int:
    """Run, print the ledger, and draw. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=2000, help="events a second")
    parser.add_argument("--plot", type=Path, help="a PNG to write")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-soak-", dir="/var/tmp") as folder:
        outcome = asyncio.run(run(Path(folder), chosen.minutes * 60, chosen.rate))
    print(outcome)
    if chosen.plot is not None:
        draw(outcome.looks, chosen.plot)
    return 1 if outcome.growth() or not outcome.is_whole else 0


if __name__ == "__main__":
    sys.exit(main())
