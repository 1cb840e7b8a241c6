"""Purge a large archive while events come: ``python -m tests.chaos.loaded_purge --rows 100000``.

Prints the time of the purge, and the clients' waits during it and at other times. Ends with status 1 if an event was
not acknowledged or is not there exactly once, or if a row of the archive is left. Times have no limit here.
"""

import argparse
import asyncio
import sqlite3
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
from tests.chaos.loaded_rotation import Loads
from tests.support.running import Winlogd
from winlogd.control.address import path_of
from winlogd.control.client import ask

_DAY_S: Final = 86_400
_MOST_S: Final = 10_000.0
"""The purge may take this long on a slow disk."""
_LEFT: Final = """SELECT (SELECT count(*) FROM events_history) + (SELECT count(*) FROM winlogd_past)
    + (SELECT count(*) FROM winlogd_gone)"""
_IS_BUILDING: Final = """SELECT 1 WHERE EXISTS (SELECT 1 FROM winlogd_ranges)
    OR EXISTS (SELECT 1 FROM winlogd_meta WHERE key = 'hours_from' OR key = 'past_clearing')
    OR (SELECT CAST(value AS INTEGER) FROM winlogd_meta WHERE key = 'history_taken_in')
        < (SELECT max(id) FROM events_history)"""
_STORED: Final = "SELECT count(*), count(DISTINCT timestamp) FROM events_today WHERE origin = 'client'"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        rows: the rows of the archive that were there before.
        took_s: seconds from the order to its answer.
        said: this answer.
        warm_up: the first load.
        without: the loads before and after the purge.
        during: the loads of the purge, the last of which may outlast it.
        left: rows of the archive and of the past that are left.
        stored: events that are there, and how many different ones.
        integrity: what ``PRAGMA integrity_check`` says.
    """

    rows: int
    took_s: float
    said: str
    warm_up: Load
    without: list[Load]
    during: list[Load]
    left: int
    stored: tuple[int, int]
    integrity: str

    @property
    def is_clean(self) -> bool:
        """Return True if nothing is left of the archive, and each event was acknowledged and is there once."""
        loads = (self.warm_up, *self.without, *self.during)
        sent = sum(load.acked + load.refused + load.failed for load in loads)
        acked = sum(load.acked for load in loads)
        return 0 < sent == acked and self.stored == (sent, sent) and self.left == 0 and self.integrity == "ok"

    def __str__(self) -> str:
        p99_ms, p99_without_ms = (median(load.p99_ms for load in loads) for loads in (self.during, self.without))
        return (
            f"{self.said}, after {self.took_s:.1f} s. "
            f"P99 meanwhile {p99_ms:.1f} ms, otherwise {p99_without_ms:.1f} ms ({p99_ms / p99_without_ms:.2f} times); "
            f"longest {max(load.max_ms for load in self.during):.0f} ms. "
            f"Left {self.left}; events stored {self.stored[0]}, different {self.stored[1]}; integrity {self.integrity}"
        )


async def run(folder: Path, rows: int, rate: int, load_s: float) -> Outcome:
    """Fill an archive, and purge it during loads of `load_s` seconds and `rate` events a second."""
    server = Winlogd(folder, '[rotation]\nat = ""\n').start()
    server.wait_until_open()
    server.stop()
    now_s = time.time()
    with closing(sqlite3.connect(server.database)) as connection, connection:
        moments = {"rows": rows, "begin": now_s - 9 * _DAY_S, "end": now_s - 2 * _DAY_S}
        connection.execute(FILL.format(table="events_history"), moments)
    server.start()
    try:
        await asyncio.to_thread(_wait_for_the_past, server)
        loads = Loads(server.port, rate, load_s)
        warm_up = await loads.next()
        without = [await loads.next(), await loads.next()]
        begun_s = time.monotonic()
        purge = asyncio.create_task(asyncio.to_thread(_purge, server))
        during = []
        while not purge.done():
            during.append(await loads.next())
        said, ended_s = await purge
        without += [await loads.next(), await loads.next()]
    finally:
        server.stop()
    with closing(sqlite3.connect(server.database)) as connection:
        [(left,)], [stored], [(integrity,)] = (
            connection.execute(sql).fetchall() for sql in (_LEFT, _STORED, "PRAGMA integrity_check")
        )
    return Outcome(rows, ended_s - begun_s, said, warm_up, without, during, left, stored, integrity)


def _wait_for_the_past(server: Winlogd) -> None:
    while server.rows(_IS_BUILDING):
        time.sleep(0.2)


def _purge(server: Winlogd) -> tuple[str, float]:
    """Order the purge of the archive. Return the answer, and its time."""
    order = {"order": "purge", "what": "history", "before_us": None}
    done = ask(path_of(str(server.database)), order, _MOST_S, _nothing, _nothing)
    return str(done["sentence"]), time.monotonic()


def _nothing(*_: object) -> None:
    """Do nothing with progress."""


def main() -> int:
    """Run, and print the result. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.loaded_purge")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the archive, default 100 000")
    parser.add_argument("--rate", type=int, default=1000, help="events a second, default 1000")
    parser.add_argument("--load-seconds", type=float, default=10, help="of each load whose P99 is taken, default 10")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-purge-", dir="/var/tmp") as folder:
        outcome = asyncio.run(run(Path(folder), chosen.rows, chosen.rate, chosen.load_seconds))
    print(outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
