from pathlib import Path

import pytest

from tests.chaos.loaded_purge import run


@pytest.mark.alone
@pytest.mark.long
async def test_events_that_come_during_a_purge_are_all_there_once(tmp_path: Path) -> None:
    outcome = await run(tmp_path, rows=3000, rate=200, load_s=0.5)

    assert outcome.is_clean, outcome
    assert sum(load.acked for load in outcome.during) >= 50, outcome
    assert outcome.said.startswith("3000 rows of events_history and 0 of events_today deleted"), outcome
