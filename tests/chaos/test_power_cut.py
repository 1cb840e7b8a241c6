"""A power cut at any write leaves a whole database; with FULL, one with every acknowledged event."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.power_cut import cut_after_answers, cut_everywhere, cut_in, kill_and_cut, syncs_to_fail
from tests.chaos.recorded_run import DATABASE, Plan, play
from tests.chaos.recording_disk import FailedSync, Note, Write

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("journal_mode", "events"), [("WAL", 12), ("DELETE", 6)])
def test_with_full_a_power_cut_at_any_write_loses_and_doubles_nothing(
    tmp_path: Path, journal_mode: str, events: int
) -> None:
    """docs/configure.md: an event that was answered `success` survives a power cut at any moment."""
    account = cut_in(tmp_path, Plan(journal_mode, "FULL", events))

    assert account.is_clean, account
    assert account.acknowledged == account.sent, account
    assert account.images > account.cuts > 100, account


def test_with_full_a_power_cut_in_a_rotations_own_checkpoints_loses_and_doubles_nothing(tmp_path: Path) -> None:
    plan = Plan("WAL", "FULL", checkpoint_pages=1_000_000)  # SQLite makes none by itself
    (tmp_path / "run").mkdir()
    run = play(tmp_path / "run", plan)
    first = next(at for at, operation in enumerate(run.operations) if isinstance(operation, Note))
    writes = [each for each in run.operations[first : run.stop] if isinstance(each, Write)]

    account = cut_everywhere(run, plan, tmp_path / "left")

    assert DATABASE in {write.name for write in writes}  # and not only its WAL
    assert account.is_clean, account
    assert account.acknowledged == account.sent, account


def test_with_normal_what_a_power_cut_takes_is_the_end(tmp_path: Path) -> None:
    """docs/configure.md: a power cut may take the last ones, never one before them, and leaves the database whole."""
    account = cut_in(tmp_path, Plan("WAL", "NORMAL"))

    assert account.is_consistent, account
    assert account.lost > 0, account  # otherwise the disk here would be one that loses nothing


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE", "TRUNCATE", "PERSIST"])
def test_an_answer_from_what_a_killed_process_has_left_survives_a_power_cut(tmp_path: Path, journal_mode: str) -> None:
    """The kill comes in a COMMIT, after the last write and before its sync. The event is sent again."""
    plan = Plan(journal_mode, "FULL")
    (tmp_path / "run").mkdir()
    run = play(tmp_path / "run", plan)
    *_, before, answered = [at for at, operation in enumerate(run.operations) if isinstance(operation, Note)]

    account = kill_and_cut(run, plan, range(before + 1, answered + 1), tmp_path / "again")

    assert account.is_clean, account
    assert account.cuts > 4, account


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("failures", [1, 3])
def test_an_answer_after_syncs_that_failed_survives_a_power_cut(
    tmp_path: Path, journal_mode: str, failures: int
) -> None:
    """The next sync succeeds, though what was to be synced never reaches the disk: it has to be written again."""
    plan = Plan(journal_mode)
    (tmp_path / "run").mkdir()
    firsts = syncs_to_fail(play(tmp_path / "run", plan))[::4]  # not five: so many has a turn of steps and checkpoint
    assert len(firsts) > 3
    for first in firsts:
        failing = replace(plan, failing_syncs=range(first, first + failures))
        folder = tmp_path / f"run{first}"
        folder.mkdir()
        run = play(folder, failing)
        assert any(isinstance(operation, FailedSync) for operation in run.operations), first
        account = cut_after_answers(run, failing, tmp_path / "left")

        assert account.is_clean, (first, account)
        assert account.acknowledged == account.sent, (first, account)
