"""The staging file of an import: who removes those of killed commands takes none from a command that begins."""

import fcntl
import os
from pathlib import Path
from typing import Final

import pytest

from winlogd.store.imported import staging
from winlogd.store.imported.rows import row_of

ROW: Final = row_of({"username": "alice", "action": "C", "timestamp": "2026-01-13T08:00:00Z"})


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, lock = str(tmp_path / "winlog.db"), fcntl.flock
    removed: list[str] = []

    def lock_too_late(descriptor: int, operation: int) -> None:
        """Let another command remove what was left between this command's open and its lock."""
        if operation == fcntl.LOCK_EX and not removed:
            removed.extend(os.listdir(tmp_path))
            staging.remove_left(database)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    made = staging.NewStaging(database)
    assert len(removed) == 1
    assert os.listdir(tmp_path) == [os.path.basename(made.path)] != removed
    assert made.add(ROW)
    made.finish()
    staging.remove_left(database)  # it is locked
    assert staging.Staging(made.path).after(0, 9) == [(1, ROW)]
    made.remove()
    assert os.listdir(tmp_path) == []


def test_files_beside_the_file_of_a_killed_command_go_with_it(tmp_path: Path) -> None:
    database = str(tmp_path / "winlog.db")
    made = staging.NewStaging(database)
    for suffix in (".source", ".source-wal"):
        Path(f"{made.path}{suffix}").touch()
    assert staging.left_behind(database) == []
    made.let_go()
    assert len(staging.left_behind(database)) == 3
    staging.remove_left(database)
    assert os.listdir(tmp_path) == []
