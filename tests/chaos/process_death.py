"""Kill the server again and again under load, also in the middle of rotations, and balance the ledger."""

import asyncio
import random
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.chaos.ledger import Account, Ledger
from tests.chaos.workstations import Workstation
from tests.support.running import Winlogd, an_event

SETTINGS: Final = '[rotation]\nat = ""\nkeep_open_hours = 48\n'
"""The server's settings."""
_MOVED: Final = "SELECT count(*) FROM events_history WHERE username LIKE 'old%'"
_MOST_TIMES: Final = 4
_LONG_AGO: Final = (datetime.now(UTC) - timedelta(days=3)).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Plan:
    """The amount and speed of a run.

    Attributes:
        kills: the number of kills. One is at a random instant, the next as soon as a rotation has moved some rows.
            There are more if none was in the middle of a rotation.
        workstations: the number of clients that send meanwhile.
        lives_s: the longest time between start and kill; the shortest is a tenth of it.
        old_rows: finished rows that are put into ``events_today`` before each kill, and then rotated. Two old sessions
            are put there besides.
        pause_s: between two tries of a client.
        seed: of the random instants.
    """

    kills: int
    workstations: int = 16
    lives_s: float = 1.0
    old_rows: int = 2_000
    pause_s: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        account: the ledger's.
        kills: the number of kills.
        kills_in_rotation: those that left a rotation with some rows moved and others not.
        astray: the old sessions, two for each kill, with a wrong end. One was open for too long, and has to be closed
            and moved once. The other has to be ended by its logoff.
    """

    account: Account
    kills: int
    kills_in_rotation: int
    astray: int

    @property
    def is_clean(self) -> bool:
        """Return True if every promise was kept, and the run has tested them."""
        account = self.account
        tried = account.acknowledged > 5 * self.kills and account.retried > 0 and self.kills_in_rotation > 0
        return account.is_clean and not self.astray and tried

    def __str__(self) -> str:
        return (
            f"{self.account}, kills in the middle of a rotation {self.kills_in_rotation}, "
            f"old sessions astray {self.astray}"
        )


async def run(server: Winlogd, plan: Plan) -> Outcome:
    """Play `plan` on a running server, whose port stays the same. Stop the server at the end."""
    ledger = Ledger()
    chance = random.Random(plan.seed)
    over = asyncio.Event()
    clients = [
        asyncio.create_task(_until(over, Workstation(number, server.port, ledger, plan.pause_s)))
        for number in range(plan.workstations)
    ]
    kills = moved = kills_in_rotation = 0
    await asyncio.to_thread(server.wait_until_open)  # until then it has no tables
    while kills < plan.kills or (not kills_in_rotation and kills < _MOST_TIMES * plan.kills):
        await asyncio.to_thread(_put_old_rows, server, kills * plan.old_rows, plan.old_rows)
        await asyncio.to_thread(_put_old_sessions, server, kills)
        rotation = asyncio.create_task(asyncio.to_thread(_rotate, server))
        life_s = plan.lives_s * (0.1 + 0.9 * chance.random())
        if kills % 2:
            await asyncio.sleep(life_s)
        else:
            await asyncio.to_thread(_wait_until_some_have_moved, server, moved, life_s)
        await asyncio.to_thread(server.kill)
        kills += 1
        await rotation
        moved_before = moved
        left, moved = await asyncio.to_thread(_old_rows, server.database)
        kills_in_rotation += left > 0 and moved > moved_before
        await asyncio.to_thread(server.restart)
    over.set()
    await asyncio.gather(*clients)
    await asyncio.to_thread(server.wait_until_open)
    assert (await asyncio.to_thread(server.rotate)).startswith("ok ")
    astray = await asyncio.to_thread(_astray, server, kills)
    assert await asyncio.to_thread(server.stop) == 0
    return Outcome(ledger.balance(server.database, kills * plan.old_rows), kills, kills_in_rotation, astray)


async def _until(over: asyncio.Event, workstation: Workstation) -> None:
    while not over.is_set():
        await workstation.live(time.monotonic() + 0.1)


def _put_old_rows(server: Winlogd, first: int, count: int) -> None:
    """Insert rows as an administrator's program would. Their users are called ``old…``."""
    if count:
        server.execute(
            "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO events_today (username, action, timestamp, server_timestamp, session_uuid)"
            " SELECT 'old' || i, 'M', ?, ?, 'hardware_old' || i FROM n",
            first, first + count - 1, _LONG_AGO, _LONG_AGO,
        )  # fmt: skip


def _put_old_sessions(server: Winlogd, number: int) -> None:
    """Insert two sessions of finished days: one may still be open, the other was open for too long (`SETTINGS`)."""
    for name, hours in (("kept", 30), ("late", 72)):
        logon = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="microseconds")
        server.execute(
            "INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)"
            " VALUES (?, 'C', ?, 'OLD', ?, ?)",
            f"{name}{number}", logon, logon, f"{name}{number}@OLD@000000",
        )  # fmt: skip


def _astray(server: Winlogd, count: int) -> int:
    """Return how many of `count` old sessions of each kind do not have the right end."""
    astray = 0
    for number in range(count):
        logoff = an_event(username=f"kept{number}", action="D", hostname="OLD", timestamp=datetime.now(UTC).isoformat())
        astray += server.post(logoff).json["session_uuid"] != f"kept{number}@OLD@000000"
        rows = server.rows(
            "SELECT action, origin, 'events_today' AS place FROM events_today WHERE username = ?"
            " UNION ALL SELECT action, origin, 'events_history' FROM events_history WHERE username = ?",
            f"late{number}", f"late{number}",
        )  # fmt: skip
        found = sorted((row["action"], row["origin"], row["place"]) for row in rows)
        astray += found != [("C", "client", "events_history"), ("D", "expired", "events_today")]
    return astray


def _wait_until_some_have_moved(server: Winlogd, before: int, within_s: float) -> None:
    """Wait until more of the old rows than `before` are in the archive."""
    until_s = time.monotonic() + within_s
    with closing(sqlite3.connect(server.database, timeout=within_s)) as connection, suppress(sqlite3.OperationalError):
        while time.monotonic() < until_s:
            [(moved,)] = connection.execute(_MOVED)
            if moved > before:
                return


def _rotate(server: Winlogd) -> None:
    """Ask for a rotation, and wait for the answer or for the end of the server."""
    with suppress(OSError):
        server.rotate()


def _old_rows(database: Path) -> tuple[int, int]:
    """Return how many old rows are left, and how many moved. Count in a copy: opening a database recovers it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (database.name, f"{database.name}-wal", f"{database.name}-journal"):
            with suppress(FileNotFoundError):
                shutil.copy(database.with_name(name), folder)
        with closing(sqlite3.connect(Path(folder, database.name))) as connection:
            [(left,)] = connection.execute("SELECT count(*) FROM events_today WHERE username LIKE 'old%'")
            [(moved,)] = connection.execute(_MOVED)
    return left, moved
