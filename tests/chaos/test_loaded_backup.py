from pathlib import Path

import pytest

from tests.chaos.loaded_backup import run


@pytest.mark.alone
@pytest.mark.long
async def test_a_backup_beside_2000_events_a_second_is_a_prefix_with_all_that_was_acknowledged_before(
    tmp_path: Path,
) -> None:
    outcome = await run(tmp_path, rows=20_000, rate=2000, load_s=2)

    assert outcome.is_clean, outcome
    assert len(outcome.held) >= 2, outcome
