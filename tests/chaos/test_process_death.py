"""A kill at any instant, under load and in the middle of a rotation, loses and doubles nothing."""

from pathlib import Path

from tests.chaos.process_death import Plan, run
from tests.running import a_steady_port, running


async def test_killed_again_and_again_under_load_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with running(tmp_path, '[rotation]\nat = ""\n', port=a_steady_port()) as server:
        account = await run(server, Plan(kills=4, lives_s=0.5, pause_s=0.4))

    assert account.is_clean, account
    assert account.acknowledged > 20, account
    assert account.retried > 0, account
