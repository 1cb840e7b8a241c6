"""A look says whether the past is due. It writes nothing, and loads nothing that builds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pasts import DAY, fill, opened
from tests.support.paths import ROOT
from tests.support.writing import Running
from winlogd.store.jobs.look import Look

LOADED = """
import sys
from winlogd.store.jobs.look import Look
from winlogd.store.jobs.running import RunningJobs
print(*(name for name in sys.modules if name.startswith(("winlogd.store.jobs.", "winlogd.store.past."))))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


def looked(running: Running) -> object:
    running.writer.run(Look())
    return running.ear.wait_for("job_ended")


def test_rows_that_others_put_into_the_archive_or_delete_there_are_due(path: Path) -> None:
    running = Running(path)
    assert looked(running) is False
    with opened(path) as other:
        fill(other, "events_history", 8, DAY)
    assert looked(running) is True
    assert running.rows("SELECT count(*) FROM winlogd_past") == [(0,)]
    assert running.stop() is None


def test_it_looks_while_another_program_holds_the_write_lock(path: Path) -> None:
    running = Running(path)
    assert looked(running) is False
    with running.lock("BEGIN IMMEDIATE"):
        assert looked(running) is False
    assert running.stop() is None


def test_it_loads_nothing_that_builds() -> None:
    command = [sys.executable, "-c", LOADED]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition("winlogd.store.")[2] for name in loaded} == {
        "jobs.job", "jobs.look", "jobs.pacing", "jobs.running", "past.progress",
    }  # fmt: skip
