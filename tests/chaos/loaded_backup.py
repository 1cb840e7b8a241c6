"""Back up a large database while events come, and print how long events take meanwhile, and what the copy holds.

    python -m tests.chaos.loaded_backup --rows 300000 --rate 2000

The events come in an open loop (`bench.load.openloop`). Rows are put into the archive before. The exit status is 1 if
an event was not acknowledged, or if the copy is no prefix of what was stored. Times have no limit here.
"""

import argparse
import asyncio
import re
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
from tests.support.running import Winlogd, run_to_end

_DAY_S: Final = 86_400
_NUMBERS_APART: Final = 10_000_000
_ROWS: Final = "SELECT id, username, action, timestamp, hostname, session_uuid FROM events_today ORDER BY id"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        rows: rows of the archive that were there before.
        took_s: for each backup, the seconds from the command to its end.
        without: the loads without a backup.
        during: the loads during which backups ran.
        longest_step_ms: the longest step of a backup, as the server measures it.
        before: for each backup, the number of events that were stored before it began.
        held: for each backup, the number of events that it has.
        are_prefixes: True if each copy has exactly the first events of the database, and the whole archive.
        stored: the number of clients' events in the database at the end.
        integrity: what ``PRAGMA integrity_check`` says of the copies.
    """

    rows: int
    took_s: list[float]
    without: list[Load]
    during: list[Load]
    longest_step_ms: float
    before: list[int]
    held: list[int]
    are_prefixes: bool
    stored: int
    integrity: set[str]

    @property
    def is_clean(self) -> bool:
        """Return True if all events were acknowledged, and each copy has a prefix with all that came before it."""
        loads = (*self.without, *self.during)
        acked = sum(load.acked for load in loads)
        all_were = acked == sum(load.acked + load.refused + load.failed for load in loads) == self.stored
        has_all = all(held >= before for held, before in zip(self.held, self.before, strict=True))
        return all_were and has_all and self.are_prefixes and bool(self.held) and self.integrity == {"ok"}

    def __str__(self) -> str:
        p99_ms, p99_without_ms = (median(load.p99_ms for load in loads) for loads in (self.during, self.without))
        return (
            f"{len(self.held)} backups of {self.rows} rows and up to {self.stored} events, {median(self.took_s):.1f} s"
            f" each. P99 meanwhile {p99_ms:.1f} ms, otherwise {p99_without_ms:.1f} ms"
            f" ({p99_ms / p99_without_ms:.2f} times); longest event {max(load.max_ms for load in self.during):.0f} ms,"
            f" otherwise {max(load.max_ms for load in self.without):.0f} ms; longest step {self.longest_step_ms:.1f} ms"
            f". Stored before each {self.before}, held {self.held}, prefixes {self.are_prefixes},"
            f" integrity {', '.join(sorted(self.integrity))}"
        )


async def run(folder: Path, rows: int, rate: int, load_s: float) -> Outcome:
    """Fill a database, and back it up again and again during loads of `load_s` seconds and `rate` events a second."""
    server = Winlogd(folder, '[rotation]\nat = ""\n[logging]\nlevel = "info"\n').start()
    try:
        server.wait_until_open()
        now_s = time.time()
        moments = {"rows": rows, "begin": now_s - 3 * _DAY_S, "end": now_s - 2 * _DAY_S}
        with closing(sqlite3.connect(server.database)) as connection, connection:
            connection.execute(FILL.format(table="events_history"), moments)
        loads = _Loads(server.port, rate, load_s)
        without = [await loads.next(), await loads.next()]
        during: list[Load] = []
        took_s: list[float] = []
        before: list[int] = []
        for _ in range(2):
            loading = asyncio.create_task(loads.next())
            while not loading.done():
                before.append(len(server.rows("SELECT id FROM events_today")))
                took_s.append(await asyncio.to_thread(_back_up, folder))
            during.append(await loading)
        without += [await loads.next(), await loads.next()]
        steps_ms = [float(text) for text in re.findall(r"longest_step_ms=([\d.]+)", server.log)]
    finally:
        server.stop()
    with closing(sqlite3.connect(server.database)) as connection:
        rows_now = connection.execute(_ROWS).fetchall()
        [(stored,)] = connection.execute("SELECT count(*) FROM events_today WHERE origin = 'client'")
    held, integrity, are_prefixes = [], set(), True
    for file in sorted((server.database.parent / "backups").glob("*.db"), key=lambda file: file.stat().st_mtime_ns):
        with closing(sqlite3.connect(file)) as connection:
            copied = connection.execute(_ROWS).fetchall()
            [(archived,)] = connection.execute("SELECT count(*) FROM events_history")
            integrity.add(connection.execute("PRAGMA integrity_check").fetchone()[0])
        held.append(len(copied))
        are_prefixes = are_prefixes and copied == rows_now[: len(copied)] and archived == rows
    return Outcome(rows, took_s, without, during, max(steps_ms), before, held, are_prefixes, stored, integrity)


def _back_up(folder: Path) -> float:
    """Make a backup by the command. Return how long it took, in seconds."""
    begun_s = time.monotonic()
    done = run_to_end(folder, "backup", "--config", "config.toml")
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun_s


class _Loads:
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


def main() -> int:
    """Run, and print the result. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.loaded_backup")
    parser.add_argument("--rows", type=int, default=300_000, help="rows of the archive, default 300 000")
    parser.add_argument("--rate", type=int, default=2000, help="events a second, default 2000")
    parser.add_argument("--load-seconds", type=float, default=10, help="of each load whose P99 is taken, default 10")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-backup-", dir="/var/tmp") as folder:
        outcome = asyncio.run(run(Path(folder), chosen.rows, chosen.rate, chosen.load_seconds))
    print(outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
