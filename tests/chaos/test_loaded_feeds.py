from pathlib import Path

import pytest

from tests.chaos.loaded_feeds import run


@pytest.mark.long
async def test_feeds_through_nginx_cost_no_event(tmp_path: Path) -> None:
    outcome = await run(tmp_path, feeds=20, rate=100, load_s=3)

    assert outcome.stored == outcome.without.acked + outcome.beside.acked == 600, outcome
    assert (outcome.left, outcome.ended) == (20, 0), outcome  # too short for the one that nobody reads
    assert outcome.changes >= 19, outcome
