"""A kill at any instant, under load and in the middle of a rotation, loses and doubles nothing."""

from pathlib import Path

import pytest

from tests.chaos.process_death import SETTINGS, Plan, run
from tests.support.running import a_steady_port, running

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("journal_mode", "synchronous", "kills"), [("WAL", "FULL", 4), ("WAL", "NORMAL", 2), ("DELETE", "FULL", 2)]
)
async def test_killed_again_and_again_under_load_nothing_is_lost_or_doubled(
    tmp_path: Path, journal_mode: str, synchronous: str, kills: int
) -> None:
    database = f'[database]\npragma_journal_mode = "{journal_mode}"\npragma_synchronous = "{synchronous}"\n'
    with running(tmp_path, SETTINGS + database, port=a_steady_port()) as server:
        outcome = await run(server, Plan(kills, lives_s=0.5, old_rows=800, pause_s=0.4))

    assert outcome.is_clean, outcome
