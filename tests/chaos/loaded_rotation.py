"""Rotate many rows while events come: ``python -m tests.chaos.loaded_rotation --rows 1000000``.

Prints the time of the rotation, the clients' waits during it and at other times, and the ledger. Ends with status 1 if
an event was not acknowledged, or a row or an event is not there exactly once. Times have no limit here.
"""

import argparse
import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.database import FILL
from bench.load.result import Load
from tests.support.paths import ROOT
from tests.support.running import Winlogd

_DAY_S: Final = 86_400
_MOST_S: Final = 10_000.0
"""The rotation of a million rows may take this long on a slow disk."""
_NUMBERS_APART: Final = 10_000_000
_OLD_LIKE: Final = "2026-01-12T08:30:00.%"
"""The day of the rows that are there before. The load's events have the next day."""
_COUNT: Final = """SELECT count(*), count(DISTINCT timestamp) FROM
    (SELECT timestamp FROM events_today WHERE origin = 'client'
     UNION ALL SELECT timestamp FROM events_history WHERE origin = 'client') WHERE timestamp {0} ?"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        rows: finished rows that were there before.
        took_s: seconds from the request to rotate to its answer.
        said: this answer.
        warm_up: the first load, during which the server takes in the rows that another program has written.
        without: the loads before and after the rotation.
        during: the loads of the rotation, the last of which may outlast it.
        in_history: the number of old rows that have moved.
        old: the number of old rows in both tables, and the number of different ones.
        stored: the same two numbers for the load's events.
        integrity: what ``PRAGMA integrity_check`` says.
    """

    rows: int
    took_s: float
    said: str
    warm_up: Load
    without: list[Load]
    during: list[Load]
    in_history: int
    old: tuple[int, int]
    stored: tuple[int, int]
    integrity: str

    @property
    def sent(self) -> int:
        """Events that were sent, each once."""
        loads = (self.warm_up, *self.without, *self.during)
        return sum(load.acked + load.refused + load.failed for load in loads)

    @property
    def acknowledged(self) -> int:
        """Events answered 200."""
        return sum(load.acked for load in (self.warm_up, *self.without, *self.during))

    @property
    def is_clean(self) -> bool:
        """Return True if each row and event is there once, all events were acknowledged, and all old rows moved."""
        once = self.old == (self.rows, self.rows) and self.stored == (self.sent, self.sent)
        all_were = 0 < self.acknowledged == self.sent and all(load.acked for load in self.during)
        return once and all_were and self.in_history == self.rows and self.integrity == "ok"

    def __str__(self) -> str:
        p99_ms, p99_without_ms = (median(load.p99_ms for load in loads) for loads in (self.during, self.without))
        rows, stored = self.stored
        return (
            f"{self.said}, after {self.took_s:.1f} s. "
            f"P99 meanwhile {p99_ms:.1f} ms, otherwise {p99_without_ms:.1f} ms ({p99_ms / p99_without_ms:.2f} times); "
            f"longest {max(load.max_ms for load in self.during):.0f} ms. "
            f"Old rows {self.rows}, of them in both tables together {self.old[0]}, different {self.old[1]}, moved "
            f"{self.in_history}; events: sent {self.sent}, acknowledged {self.acknowledged}, retried 0, "
            f"stored {stored}, lost {max(self.acknowledged - stored, 0)}, doubled {rows - stored}, "
            f"integrity {self.integrity}"
        )


async def run(folder: Path, rows: int, rate: int, load_s: float) -> Outcome:
    """Fill a database, and rotate it during loads of `load_s` seconds and `rate` events a second."""
    server = Winlogd(folder, '[rotation]\nat = ""\n').start()
    try:
        server.wait_until_open()
        now_s = time.time()
        moments = {"rows": rows, "begin": now_s - 3 * _DAY_S, "end": now_s - 2 * _DAY_S}
        with closing(sqlite3.connect(server.database)) as connection:
            with connection:
                connection.execute(FILL.format(table="events_today"), moments)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        loads = Loads(server.port, rate, load_s)
        warm_up = await loads.next()
        without = [await loads.next(), await loads.next()]
        begun_s = time.monotonic()
        rotation = asyncio.create_task(asyncio.to_thread(_rotate, server))
        during = []
        while not rotation.done():
            during.append(await loads.next())
        said, ended_s = await rotation
        without += [await loads.next(), await loads.next()]
    finally:
        server.stop()
    in_history, old, stored, integrity = _count(server.database)
    took_s = ended_s - begun_s
    return Outcome(rows, took_s, said, warm_up, without, during, in_history, old, stored, integrity)


class Loads:
    """Makes loads one after the other, each with events of its own."""

    def __init__(self, port: int, rate: int, seconds: float) -> None:
        self._arguments = [str(port), "plain", str(rate), str(seconds)]
        self._number = 0

    async def next(self) -> Load:
        """Send one load, and wait for its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load.openloop", *self._arguments, str(self._number * _NUMBERS_APART),
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        output, _ = await process.communicate()
        self._number += 1
        return Load.from_json(output.decode())


def _rotate(server: Winlogd) -> tuple[str, float]:
    """Ask the server to rotate. Return its answer, and the time of the answer."""
    return server.rotate(_MOST_S), time.monotonic()


def _count(database: Path) -> tuple[int, tuple[int, int], tuple[int, int], str]:
    with closing(sqlite3.connect(database)) as connection:
        [(in_history,)] = connection.execute("SELECT count(*) FROM events_history WHERE timestamp LIKE ?", (_OLD_LIKE,))
        [old] = connection.execute(_COUNT.format("LIKE"), (_OLD_LIKE,))
        [stored] = connection.execute(_COUNT.format("NOT LIKE"), (_OLD_LIKE,))
        [(integrity,)] = connection.execute("PRAGMA integrity_check")
    return in_history, old, stored, integrity


def main() -> int:
    """Run, and print the result. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.loaded_rotation")
    parser.add_argument("--rows", type=int, default=1_000_000, help="finished rows, default 1 000 000")
    parser.add_argument("--rate", type=int, default=1000, help="events a second, default 1000")
    parser.add_argument("--load-seconds", type=float, default=10, help="of each load whose P99 is taken, default 10")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-rotation-", dir="/var/tmp") as folder:
        outcome = asyncio.run(run(Path(folder), chosen.rows, chosen.rate, chosen.load_seconds))
    print(outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
