"""Import and export many rows while events come: ``python -m tests.chaos.loaded_import --rows 1000000``.

Prints how long both take, the clients' waits meanwhile and at other times, and how much memory the export has taken.
Ends with status 1 if a row or an acknowledged event is not there exactly once. Times have no limit here.
"""

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from bench.database import FILL
from bench.load.result import Load
from tests.support.older import sqlite_of
from tests.support.paths import ROOT
from tests.support.running import A_SMALL_DISK_WILL_DO, Winlogd

_NUMBERS_APART: Final = 10_000_000
_OLD_LIKE: Final = "2026-01-12T08:30:00.%"
"""The day of the imported rows. The load's events have the next day."""
_SETTINGS: Final = '[rotation]\nat = ""\n'
_COUNT: Final = """SELECT count(*), count(DISTINCT timestamp) FROM
    (SELECT timestamp FROM events_today WHERE origin = 'client'
     UNION ALL SELECT timestamp FROM events_history WHERE origin = 'client') WHERE timestamp {0} ?"""


class Part(NamedTuple):
    """A command beside events.

    Attributes:
        name: what it does.
        took_s: how long it took.
        rss_mb: the most memory that it had, in MB.
        loads: the loads meanwhile, the last of which may outlast it.
    """

    name: str
    took_s: float
    rss_mb: float
    loads: list[Load]


class Loads:
    """Makes loads one after the other, each with events of its own.

    Attributes:
        made: all loads so far.
    """

    def __init__(self, port: int, rate: int, seconds: float) -> None:
        self._arguments = [str(port), "plain", str(rate), str(seconds)]
        self.made: list[Load] = []

    async def next(self) -> Load:
        """Send one load, and wait for its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load.openloop", *self._arguments, str(len(self.made) * _NUMBERS_APART),
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        output, _ = await process.communicate()
        self.made.append(Load.from_json(output.decode()))
        return self.made[-1]


async def beside(name: str, folder: Path, loads: Loads, *words: str) -> Part:
    """Run a command while loads come."""
    begun_s = time.monotonic()
    environ = {**os.environ, **A_SMALL_DISK_WILL_DO}
    words = (sys.executable, "-m", "winlogd", *words, "--config", "config.toml")
    ended = asyncio.create_task(asyncio.to_thread(_run, words, folder, environ))
    during = []
    while not ended.done():
        during.append(await loads.next())
    return Part(name, time.monotonic() - begun_s, await ended, during)


def _run(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> float:
    """Run a command. Return the most memory that it had, in MB."""
    command = subprocess.Popen(words, cwd=folder, env=environ)
    _, status, usage = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    assert command.returncode == 0
    return usage.ru_maxrss / 1000


def older_file(path: Path, rows: int) -> Path:
    """Make an older server's file with many rows of one day."""
    sqlite_of(path, {"events_today": []})
    now_s = time.time()
    with closing(sqlite3.connect(path)) as connection, connection:
        moments = {"rows": rows, "begin": now_s - 3 * 86_400, "end": now_s - 2 * 86_400}
        connection.execute(FILL.format(table="events_today"), moments)
    return path


async def run(folder: Path, rows: int, rate: int, load_s: float) -> bool:
    """Run, and print the results. Return True if every row and event is there once."""
    old = older_file(folder / "old.db", rows)
    server = Winlogd(folder, _SETTINGS).start()
    try:
        server.wait_until_open()
        loads = Loads(server.port, rate, load_s)
        await loads.next()
        without = [await loads.next(), await loads.next()]
        parts = [await beside("import", folder, loads, "import", str(old), "--yes")]
        forms = {"export to CSV": "csv", "export to lines of JSON": "jsonl", "export to SQLite": "sqlite"}
        for name, form in forms.items():
            words = ("export", "--events", "--to", "today", "--format", form, "--output", str(folder / f"out.{form}"))
            parts.append(await beside(name, folder, loads, *words))
        without += [await loads.next(), await loads.next()]
    finally:
        server.stop()
    usual_ms = median(load.p99_ms for load in without)
    for part in parts:
        p99_ms, longest_ms = median(load.p99_ms for load in part.loads), max(load.max_ms for load in part.loads)
        print(
            f"{part.name} of {rows} rows: {part.took_s:.1f} s and {part.rss_mb:.0f} MB of memory; P99 of events"
            f" meanwhile {p99_ms:.1f} ms, otherwise {usual_ms:.1f} ms ({p99_ms / usual_ms:.2f} times); longest"
            f" {longest_ms:.0f} ms"
        )
    with closing(sqlite3.connect(server.database)) as connection:
        [imported] = connection.execute(_COUNT.format("LIKE"), (_OLD_LIKE,))
        [stored] = connection.execute(_COUNT.format("NOT LIKE"), (_OLD_LIKE,))
    sent, acknowledged = (
        sum(load.acked + load.refused + load.failed for load in loads.made),
        sum(load.acked for load in loads.made),
    )
    print(f"rows {rows}, imported {imported}; events sent {sent}, acknowledged {acknowledged}, stored {stored}")
    return imported == (rows, rows) and stored == (acknowledged, acknowledged) and sent == acknowledged


def main() -> int:
    """Run, and return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.loaded_import")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the older server, default 1 000 000")
    parser.add_argument("--rate", type=int, default=1000, help="events a second, default 1000")
    parser.add_argument("--load-seconds", type=float, default=4, help="of each load whose P99 is taken, default 4")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-import-", dir="/var/tmp") as folder:
        return 0 if asyncio.run(run(Path(folder), chosen.rows, chosen.rate, chosen.load_seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
