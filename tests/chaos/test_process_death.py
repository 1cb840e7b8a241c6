"""A kill at any instant, under load and in the middle of a rotation, loses and doubles nothing."""

from pathlib import Path

import pytest

from tests.chaos.process_death import Plan, run
from tests.running import a_steady_port, running

SETTINGS = '[rotation]\nat = ""\n[database]\npragma_journal_mode = "{}"\npragma_synchronous = "{}"\n'


@pytest.mark.parametrize(
    ("journal_mode", "synchronous", "kills"), [("WAL", "FULL", 4), ("WAL", "NORMAL", 2), ("DELETE", "FULL", 2)]
)
async def test_killed_again_and_again_under_load_nothing_is_lost_or_doubled(
    tmp_path: Path, journal_mode: str, synchronous: str, kills: int
) -> None:
    with running(tmp_path, SETTINGS.format(journal_mode, synchronous), port=a_steady_port()) as server:
        outcome = await run(server, Plan(kills, lives_s=0.5, pause_s=0.4))

    account = outcome.account
    assert account.is_clean, outcome
    assert account.acknowledged > 5 * kills, outcome
    assert account.retried > 0, outcome
    assert outcome.kills_in_rotation > 0, outcome
