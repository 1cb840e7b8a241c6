"""A disk with too little free space. /proc plays it, because it never has any: a link leads there and back."""

from pathlib import Path

import pytest

from tests.support.writing import Running, logons
from winlogd.sessions.pair import Decision
from winlogd.store.errors import LowSpaceError
from winlogd.store.file.free_space import FreeSpace
from winlogd.store.submission import Fault

FULL_DISK = Path("/proc")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a link to a folder on a disk with free space."""
    (tmp_path / "roomy").mkdir()
    link = tmp_path / "disk"
    link.symlink_to(tmp_path / "roomy")
    return link


def lead(link: Path, folder: Path) -> None:
    link.unlink()
    link.symlink_to(folder)


def test_events_wait_for_space_and_are_stored_when_there_is_some(disk: Path, tmp_path: Path) -> None:
    running = Running(disk / "winlog.db", min_free_bytes=1)
    running.ear.wait_for("loaded")
    lead(disk, FULL_DISK)
    running.submit(*logons("alice", "bob"))
    error = running.ear.wait_for("waiting")
    assert isinstance(error, LowSpaceError)
    assert "only 0 MB are free on its disk" in str(error)

    lead(disk, tmp_path / "roomy")

    assert [type(outcome) for outcome in running.outcomes(2)] == [Decision] * 2
    running.ear.wait_for("recovered")
    assert running.users() == ["alice", "bob"]
    assert running.stop() is None


def test_an_event_that_waits_for_space_too_long_is_answered_and_the_wait_told_once(disk: Path, tmp_path: Path) -> None:
    running = Running(disk / "winlog.db", min_free_bytes=1)
    running.ear.wait_for("loaded")
    lead(disk, FULL_DISK)
    running.submit(*logons("alice"), within_s=0.1)
    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    running.submit(*logons("bob"), within_s=0.1)
    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    lead(disk, tmp_path / "roomy")
    running.store(*logons("carol"))

    told = [what for what, _ in running.ear.passed_over if what in ("waiting", "recovered")]
    assert told == ["waiting"]
    running.ear.wait_for("recovered")
    assert running.users() == ["carol"]
    assert running.stop() is None


def test_the_disk_is_looked_at_once_a_second(disk: Path) -> None:
    space = FreeSpace(str(disk / "winlog.db"), 1)
    space.require(100.0)
    lead(disk, FULL_DISK)
    space.require(100.9)
    with pytest.raises(LowSpaceError):
        space.require(101.0)


def test_without_a_limit_a_full_disk_is_sqlites_business() -> None:
    FreeSpace(str(FULL_DISK / "winlog.db"), 0).require(0.0)


def test_a_folder_that_is_gone_is_sqlites_business(tmp_path: Path) -> None:
    FreeSpace(str(tmp_path / "gone" / "winlog.db"), 1).require(0.0)
