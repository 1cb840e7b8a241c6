"""Hostile clients of every kind cost an honest one nothing, and leave nothing behind."""

from pathlib import Path

import pytest

from tests.chaos.hostile import Plan, run
from tests.support.running import running


@pytest.mark.alone
@pytest.mark.long
async def test_among_hostile_clients_every_honest_event_is_answered_and_stored(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        siege = await run(server, Plan("short", seconds=1.5, events=100))

    assert siege.is_clean, siege
    assert siege.account.sent == siege.account.acknowledged > 100, siege
    assert sum(siege.connections.values()) > 300, siege
    before, _, after = siege.memory_bytes
    assert after - before < 128 << 20, siege
