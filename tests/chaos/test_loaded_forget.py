from pathlib import Path

import pytest

from tests.chaos.loaded_forget import run


@pytest.mark.long
@pytest.mark.parametrize("pseudonym", ["", "forgotten-1a2b3c4d"])
async def test_events_that_come_while_somebody_is_forgotten_are_all_there_once(tmp_path: Path, pseudonym: str) -> None:
    outcome = await run(tmp_path, rows=4000, rate=200, load_s=0.5, pseudonym=pseudonym)

    assert outcome.is_clean, outcome
    assert sum(load.acked for load in outcome.during) >= 50, outcome
    assert outcome.said == "1000 rows of events_history and 0 of events_today forgotten", outcome
