"""Files that were replaced go after a week. Other files stay."""

import os
import time
from pathlib import Path

import pytest

from tests.store.jobs.tiny import settings_of
from winlogd.store.backup.files import names_of
from winlogd.store.imported.staging import NewStaging
from winlogd.store.jobs import replaced
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.replaced import KEPT_S, PART_KEPT_S, RemoveReplaced, old_files, old_parts, replaced_path

NOW_S = 1_768_292_100  # 2026-01-13T08:15:00Z


def test_the_name_says_when_it_was_replaced() -> None:
    assert replaced_path("/data/winlog.db", NOW_S) == "/data/winlog.db.replaced-20260113T081500Z"


def test_only_files_of_this_database_that_are_old_enough_are_found(tmp_path: Path) -> None:
    path = str(tmp_path / "win[log].db")
    old, older = replaced_path(path, NOW_S - KEPT_S - 1), replaced_path(path, NOW_S - 9 * KEPT_S) + "-2-wal"
    others = (
        replaced_path(path, NOW_S - KEPT_S),
        f"{path}.replaced-by-me",
        replaced_path(path, 0) + ".KEEP",
        replaced_path(path, 0) + "-wal-2",
        f"{path}.rescued-20200113T081500Z",
        replaced_path(f"{path}2", 0),
    )
    for each in (path, old, older, *others):
        Path(each).touch()

    assert old_files(path, NOW_S) == sorted([old, older])


def test_a_job_removes_them_a_piece_in_each_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced, "_PIECE_BYTES", 1000)
    path = tmp_path / "winlog.db"
    large, small, new = (Path(replaced_path(str(path), at_s)) for at_s in (0, 1, 4_000_000_000))
    for each in (large, small, new):
        each.write_bytes(b"x" * (3500 if each is large else 10))
    job = RemoveReplaced(str(path))

    assert run_alone(job, settings_of(path)) == 2
    assert [each.exists() for each in (large, small, new)] == [False, False, True]


def test_parts_of_a_backup_are_old_a_day_after_they_were_written(tmp_path: Path) -> None:
    names = names_of(str(tmp_path), "/data/winlog.db")
    old, new, other = Path(names.database_part), Path(names.access_part), tmp_path / "theirs.part"
    for each, age_s in ((old, PART_KEPT_S + 1), (new, PART_KEPT_S), (other, 9 * PART_KEPT_S)):
        each.touch()
        os.utime(each, (NOW_S - age_s, NOW_S - age_s))

    assert old_parts(names.parts, NOW_S) == [str(old)]


def test_a_file_that_somebody_has_given_a_second_name_is_not_shortened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaced, "_PIECE_BYTES", 1000)
    path, mine = tmp_path / "winlog.db", tmp_path / "mine.db"
    old = Path(replaced_path(str(path), 0))
    old.write_bytes(b"x" * 3500)
    mine.hardlink_to(old)

    assert run_alone(RemoveReplaced(str(path)), settings_of(path)) == 1
    assert (old.exists(), mine.read_bytes()) == (False, b"x" * 3500)


def test_what_killed_commands_have_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    path, long_ago_s = tmp_path / "winlog.db", time.time() - 100_000
    waiting = NewStaging(str(path))
    left = tmp_path / f"winlogd-import-{0:016x}"
    new, source = tmp_path / f"winlogd-import-{1:016x}", Path(f"{left}.source-wal")
    restoring = [Path(f"{path}.restoring"), Path(f"{path}.restoring-journal")]
    for each in (left, source, new, *restoring):
        each.touch()
    for each in (left, source, Path(waiting.path)):
        os.utime(each, (long_ago_s, long_ago_s))

    assert run_alone(RemoveReplaced(str(path)), settings_of(path)) == 4
    assert [each.exists() for each in (left, source, new, *restoring)] == [False, False, True, False, False]
    assert Path(waiting.path).exists()
    waiting.remove()
