"""Forget many people while events come: ``python -m tests.chaos.loaded_forget --rows 100000``.

Prints the time of the command, and the clients' waits during it and at other times. Ends with status 1 if an event was
not acknowledged or is not there exactly once, if a row still has the name, or if another row is gone. Times have no
limit here.
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
"""To forget them may take this long on a slow disk."""
_NAME: Final = "zacharias"
_ITS_SHARE: Final = 4
"""One row of so many has the name."""
_RENAME: Final = f"""UPDATE events_history SET username = '{_NAME}',
    session_uuid = '{_NAME}' || substr(session_uuid, length(username) + 1) WHERE (id - 1) / 2 % {_ITS_SHARE} = 0"""
"""A logon and its logoff are next to each other."""
_OF_NAME: Final = f"SELECT count(*) FROM events_history WHERE username = '{_NAME}'"
_LEFT: Final = f"""SELECT (SELECT count(*) FROM events_history WHERE username = '{_NAME}')
    + (SELECT count(*) FROM winlogd_names WHERE name = '{_NAME}') + (SELECT count(*) FROM winlogd_gone)"""
_OTHERS: Final = "SELECT count(*) FROM events_history"
_IS_BUILDING: Final = """SELECT 1 WHERE EXISTS (SELECT 1 FROM winlogd_ranges)
    OR EXISTS (SELECT 1 FROM winlogd_meta WHERE key = 'hours_from' OR key = 'past_clearing')
    OR (SELECT CAST(value AS INTEGER) FROM winlogd_meta WHERE key = 'history_taken_in')
        < (SELECT max(id) FROM events_history)"""
_STORED: Final = "SELECT count(*), count(DISTINCT timestamp) FROM events_today WHERE origin = 'client'"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        rows: the rows of the archive that are to be there at the end.
        took_s: seconds from the order to its answer.
        said: this answer.
        warm_up: the first load.
        without: the loads before and after the command.
        during: the loads of the command, the last of which may outlast it.
        left: rows that still have the name.
        there: the rows of the archive at the end.
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
    there: int
    stored: tuple[int, int]
    integrity: str

    @property
    def is_clean(self) -> bool:
        """Return True if the name is gone, and each other row is there, and each event was acknowledged and is once."""
        loads = (self.warm_up, *self.without, *self.during)
        sent = sum(load.acked + load.refused + load.failed for load in loads)
        acked = sum(load.acked for load in loads)
        is_right = self.left == 0 and self.there == self.rows and self.integrity == "ok"
        return 0 < sent == acked and self.stored == (sent, sent) and is_right

    def __str__(self) -> str:
        p99_ms, p99_without_ms = (median(load.p99_ms for load in loads) for loads in (self.during, self.without))
        return (
            f"{self.said}, after {self.took_s:.1f} s. "
            f"P99 meanwhile {p99_ms:.1f} ms, otherwise {p99_without_ms:.1f} ms ({p99_ms / p99_without_ms:.2f} times); "
            f"longest {max(load.max_ms for load in self.during):.0f} ms. "
            f"Left {self.left}; others {self.there} of {self.rows}; "
            f"events stored {self.stored[0]}, different {self.stored[1]}; integrity {self.integrity}"
        )


async def run(folder: Path, rows: int, rate: int, load_s: float, pseudonym: str = "") -> Outcome:
    """Fill an archive, and forget a name during loads of `load_s` seconds and `rate` events a second.

    With a pseudonym the rows stay under it.
    """
    server = Winlogd(folder, '[rotation]\nat = ""\n').start()
    server.wait_until_open()
    server.stop()
    now_s = time.time()
    with closing(sqlite3.connect(server.database)) as connection, connection:
        moments = {"rows": rows, "begin": now_s - 9 * _DAY_S, "end": now_s - 2 * _DAY_S}
        connection.execute(FILL.format(table="events_history"), moments)
        connection.execute(_RENAME)
        [(of_name,)] = connection.execute(_OF_NAME)
    server.start()
    try:
        await asyncio.to_thread(_wait_for_the_past, server)
        loads = Loads(server.port, rate, load_s)
        warm_up = await loads.next()
        without = [await loads.next(), await loads.next()]
        begun_s = time.monotonic()
        forget = asyncio.create_task(asyncio.to_thread(_forget, server, pseudonym))
        during = []
        while not forget.done():
            during.append(await loads.next())
        said, ended_s = await forget
        without += [await loads.next(), await loads.next()]
    finally:
        server.stop()
    with closing(sqlite3.connect(server.database)) as connection:
        [(left,)], [(there,)], [stored], [(integrity,)] = (
            connection.execute(sql).fetchall() for sql in (_LEFT, _OTHERS, _STORED, "PRAGMA integrity_check")
        )
    rows -= 0 if pseudonym else of_name
    return Outcome(rows, ended_s - begun_s, said, warm_up, without, during, left, there, stored, integrity)


def _wait_for_the_past(server: Winlogd) -> None:
    while server.rows(_IS_BUILDING):
        time.sleep(0.2)


def _forget(server: Winlogd, pseudonym: str) -> tuple[str, float]:
    """Order that the name is forgotten. Return what was done, and the time."""
    span = {"first_us": None, "last_us": None}
    order = {"order": "forget", "names": [_NAME], "pseudonym": pseudonym, "asked": _NAME, **span}
    done = ask(path_of(str(server.database)), order, _MOST_S, _nothing, _nothing)
    return f"{done['history']} rows of events_history and {done['today']} of events_today forgotten", time.monotonic()


def _nothing(*_: object) -> None:
    """Do nothing with progress."""


def main() -> int:
    """Run, and print the result. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.loaded_forget")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the archive, default 100 000")
    parser.add_argument("--rate", type=int, default=1000, help="events a second, default 1000")
    parser.add_argument("--load-seconds", type=float, default=10, help="of each load whose P99 is taken, default 10")
    parser.add_argument("--pseudonym", action="store_true", help="keep the rows under another name")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlogd-forget-", dir="/var/tmp") as folder:
        name = "forgotten-1a2b3c4d" if chosen.pseudonym else ""
        outcome = asyncio.run(run(Path(folder), chosen.rows, chosen.rate, chosen.load_seconds, name))
    print(outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
