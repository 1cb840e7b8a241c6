"""With a port of systemd's, a restart under load refuses no connection, and loses and doubles no event."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.ledger import Ledger
from tests.chaos.workstations import Workstation
from tests.support.activated import activated, open_port
from tests.support.running import Winlogd

pytestmark = pytest.mark.long

WORKSTATIONS: Final = 32
LIFE_S: Final = 0.5
PAUSE_S: Final = 1.0
"""The pause of the real clients between two tries."""


async def restart(server: Winlogd, number: signal.Signals) -> int:
    """End the server by a signal, start it again on the same port, and return its exit status."""
    server.process.send_signal(number)
    status = await asyncio.to_thread(server.wait)
    await asyncio.to_thread(server.restart)
    return status


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
async def test_a_restart_under_load_refuses_nobody(number: signal.Signals, status: int, tmp_path: Path) -> None:
    ledger = Ledger()
    with open_port() as port, activated(tmp_path, {"http": port}) as server:
        await asyncio.to_thread(server.start)
        stations = [Workstation(each, server.port, ledger, PAUSE_S) for each in range(WORKSTATIONS)]
        until_s = time.monotonic() + 8 * LIFE_S
        living = [asyncio.create_task(station.live(until_s)) for station in stations]
        for _ in range(4):
            await asyncio.sleep(LIFE_S)
            assert await restart(server, number) == status
        await asyncio.gather(*living)
        assert await asyncio.to_thread(server.stop) == 0
    account = ledger.balance(server.database)
    assert account.is_clean, account
    assert account.acknowledged > 10 * WORKSTATIONS, account
    assert (ledger.refused, account.given_up) == (0, 0), account
