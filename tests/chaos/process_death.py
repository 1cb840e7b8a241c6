"""Kills the server again and again under load, in the middle of rotations too, and balances the ledger."""

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
from tests.running import Winlogd

_LONG_AGO: Final = (datetime.now(UTC) - timedelta(days=3)).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done to the server.

    Attributes:
        kills: how often it is killed.
        workstations: how many clients go on meanwhile.
        lives_s: the longest time between start and kill; the shortest is a tenth of it.
        old_rows: finished rows that are put into ``events_today`` before each kill, and whose rotation is asked for.
        pause_s: between two tries of a client.
        seed: of the instants.
    """

    kills: int
    workstations: int = 16
    lives_s: float = 1.0
    old_rows: int = 2_000
    pause_s: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        account: the ledger's.
        kills_in_rotation: how many of the kills left a rotation with some rows moved and others not.
    """

    account: Account
    kills_in_rotation: int

    def __str__(self) -> str:
        return f"{self.account}, kills in the middle of a rotation {self.kills_in_rotation}"


async def run(server: Winlogd, plan: Plan) -> Outcome:
    """Plays `plan` on a running server, which listens on a port that stays its own; it is stopped at the end."""
    ledger = Ledger()
    chance = random.Random(plan.seed)
    over = asyncio.Event()
    clients = [
        asyncio.create_task(_until(over, Workstation(number, server.port, ledger, plan.pause_s)))
        for number in range(plan.workstations)
    ]
    moved = kills_in_rotation = 0
    await asyncio.to_thread(server.wait_until_open)  # until then it has no tables
    for round_number in range(plan.kills):
        await asyncio.to_thread(_put_old_rows, server, round_number * plan.old_rows, plan.old_rows)
        rotation = asyncio.create_task(asyncio.to_thread(_rotate, server))
        await asyncio.sleep(plan.lives_s * (0.1 + 0.9 * chance.random()))
        await asyncio.to_thread(server.kill)
        await rotation
        moved_before = moved
        left, moved = await asyncio.to_thread(_old_rows, server.database)
        kills_in_rotation += left > 0 and moved > moved_before
        await asyncio.to_thread(server.restart)
    over.set()
    await asyncio.gather(*clients)
    await asyncio.to_thread(server.wait_until_open)
    assert (await asyncio.to_thread(server.rotate)).startswith("ok ")
    assert await asyncio.to_thread(server.stop) == 0
    return Outcome(ledger.balance(server.database, plan.kills * plan.old_rows), kills_in_rotation)


async def _until(over: asyncio.Event, workstation: Workstation) -> None:
    while not over.is_set():
        await workstation.live(time.monotonic() + 0.1)


def _put_old_rows(server: Winlogd, first: int, count: int) -> None:
    """As an administrator's program would; their users are called ``old…``."""
    if count:
        server.execute(
            "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO events_today (username, action, timestamp, server_timestamp, session_uuid)"
            " SELECT 'old' || i, 'M', ?, ?, 'hardware_old' || i FROM n",
            first, first + count - 1, _LONG_AGO, _LONG_AGO,
        )  # fmt: skip


def _rotate(server: Winlogd) -> None:
    """Asks, and waits for the answer or for the server's death."""
    with suppress(OSError):
        server.rotate()


def _old_rows(database: Path) -> tuple[int, int]:
    """How many are left, and how many are in the archive: counted in a copy, because who opens a file recovers it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (database.name, f"{database.name}-wal", f"{database.name}-journal"):
            with suppress(FileNotFoundError):
                shutil.copy(database.with_name(name), folder)
        with closing(sqlite3.connect(Path(folder, database.name))) as connection:
            [(left,)] = connection.execute("SELECT count(*) FROM events_today WHERE username LIKE 'old%'")
            [(moved,)] = connection.execute("SELECT count(*) FROM events_history WHERE username LIKE 'old%'")
    return left, moved
