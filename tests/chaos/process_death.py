"""Kills the server again and again under load, in the middle of rotations too, and balances the ledger."""

import asyncio
import random
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


async def run(server: Winlogd, plan: Plan) -> Account:
    """Plays `plan` on a running server, which listens on a port that stays its own; it is stopped at the end."""
    ledger = Ledger()
    chance = random.Random(plan.seed)
    over = asyncio.Event()
    clients = [
        asyncio.create_task(_until(over, Workstation(number, server.port, ledger, plan.pause_s)))
        for number in range(plan.workstations)
    ]
    for round_number in range(plan.kills):
        await asyncio.to_thread(_put_old_rows, server, round_number * plan.old_rows, plan.old_rows)
        rotation = asyncio.create_task(asyncio.to_thread(_ask_for_rotation, server))
        await asyncio.sleep(plan.lives_s * (0.1 + 0.9 * chance.random()))
        await asyncio.to_thread(server.kill)
        await rotation
        await asyncio.to_thread(server.restart)
    over.set()
    await asyncio.gather(*clients)
    await asyncio.to_thread(_ask_for_rotation, server)
    assert await asyncio.to_thread(server.stop) == 0
    return ledger.balance(server.database, plan.kills * plan.old_rows)


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


def _ask_for_rotation(server: Winlogd) -> None:
    """Asks, and waits for the answer or for the server's death."""
    with socket.socket(socket.AF_UNIX) as sock, suppress(OSError):
        sock.connect(str(server.database.with_name("winlog.db.control")))
        sock.sendall(b"rotate\n")
        while sock.recv(1000):
            pass
