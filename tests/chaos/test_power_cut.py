"""A power cut at any write leaves a whole database; with FULL, one with every acknowledged event."""

from pathlib import Path

import pytest

from tests.chaos.power_cut import Plan, cut_in, kill_and_cut, play
from tests.chaos.recording_disk import Note


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
def test_with_full_a_power_cut_at_any_write_loses_and_doubles_nothing(tmp_path: Path, journal_mode: str) -> None:
    account = cut_in(tmp_path, Plan(journal_mode, "FULL"))

    assert account.is_clean, account
    assert account.acknowledged == account.sent, account
    assert account.images > account.cuts > 100, account


def test_with_normal_what_a_power_cut_takes_is_the_end(tmp_path: Path) -> None:
    account = cut_in(tmp_path, Plan("WAL", "NORMAL"))

    assert account.is_consistent, account
    assert account.lost > 0, account  # otherwise the disk here would be one that loses nothing


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE", "TRUNCATE", "PERSIST"])
def test_an_answer_from_what_a_killed_process_has_left_survives_a_power_cut(tmp_path: Path, journal_mode: str) -> None:
    """It was killed in a COMMIT, after the last write and before the disk had it; the event is sent again."""
    plan = Plan(journal_mode, "FULL")
    (tmp_path / "run").mkdir()
    run = play(tmp_path / "run", plan)
    *_, before, answered = [at for at, operation in enumerate(run.operations) if isinstance(operation, Note)]

    account = kill_and_cut(run, plan, range(before + 1, answered + 1), tmp_path / "again")

    assert account.is_clean, account
    assert account.cuts > 4, account
