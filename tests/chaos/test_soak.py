from pathlib import Path

import pytest

from tests.chaos.soak import run


@pytest.mark.alone
@pytest.mark.long
async def test_a_short_soak_keeps_every_event_once(tmp_path: Path) -> None:
    outcome = await run(tmp_path, seconds=2.5, rate=200, rotates_every_s=0.5)

    assert outcome.is_whole, outcome
    assert outcome.acknowledged >= 300, outcome
    assert outcome.moved > 0, outcome
    assert len(outcome.looks) > 0, outcome
