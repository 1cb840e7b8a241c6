from pathlib import Path

import pytest

from tests.chaos.loaded_rotation import run


@pytest.mark.alone
@pytest.mark.long
async def test_rows_that_move_while_events_come_are_all_there_once(tmp_path: Path) -> None:
    outcome = await run(tmp_path, rows=3000, rate=200, load_s=0.5)

    assert outcome.is_clean, outcome
    assert sum(load.acked for load in outcome.during) >= 50, outcome
    assert "3000" in outcome.said, outcome
