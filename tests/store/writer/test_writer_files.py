"""Files that are deleted or replaced under a running writer: no event is acknowledged that could be lost."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.writing import Running, logons
from winlogd.store.errors import ReplacedError
from winlogd.store.submission import Fault


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


def rescued(path: Path) -> Path:
    [found] = path.parent.glob("winlog.db.rescued-*")
    return found


def users_in(path: Path) -> list[object]:
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        return [name for (name,) in connection.execute("SELECT username FROM events_today ORDER BY id")]


def delete(wal: Path) -> None:
    wal.unlink()


def replace(wal: Path) -> None:
    shutil.copy(wal, wal.with_name("copy"))
    wal.with_name("copy").rename(wal)


@pytest.mark.parametrize("harm", [delete, replace])
def test_when_the_wal_is_gone_nothing_more_is_acknowledged_and_what_was_is_saved(
    path: Path, harm: Callable[[Path], None]
) -> None:
    running = Running(path)
    stored = [f"user{number}" for number in range(5)]
    running.store(*logons(*stored))
    harm(path.with_name("winlog.db-wal"))

    running.submit(*logons("late"))
    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    error = running.ear.wait_for("ended")

    assert isinstance(error, ReplacedError)
    copy = rescued(path)
    assert str(copy) in str(error)
    assert users_in(copy) == stored
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_wal_that_goes_while_a_commit_is_made_takes_no_acknowledged_event_with_it(path: Path) -> None:
    running = Running(path)
    running.store(*logons("alice"))

    def harm() -> bool:
        path.with_name("winlog.db-wal").unlink(missing_ok=True)
        return False

    running.database.connection.set_commit_hook(harm)
    running.submit(*logons("bob"))
    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    running.ear.wait_for("ended")

    assert users_in(rescued(path)) == ["alice", "bob"]  # bob is not acknowledged: the client sends it again


def test_where_the_database_was_moved_away_nothing_is_written_beside_its_path(path: Path) -> None:
    running = Running(path)
    running.store(*logons("alice"))
    path.with_name("winlog.db-wal").unlink()
    path.parent.joinpath("winlog.db-wal").mkdir()
    kept = path.parent / "kept"
    path.rename(kept)  # the path of the database leads to no file now
    running.submit(*logons("bob"))

    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    assert isinstance(running.ear.wait_for("ended"), ReplacedError)
    assert not list(path.parent.glob("*.rescued-*")), "where the database itself was moved away nothing is written"


def test_when_the_index_of_the_wal_is_gone_the_writer_ends_and_the_next_one_finds_everything(path: Path) -> None:
    running = Running(path)
    running.store(*logons("alice"))
    path.with_name("winlog.db-shm").unlink()
    running.submit(*logons("bob"))

    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    error = running.ear.wait_for("ended")
    assert isinstance(error, ReplacedError)
    assert "winlog.db-shm" in str(error)


def test_without_a_wal_a_file_of_that_name_is_nobodys_business(path: Path) -> None:
    running = Running(path, journal_mode="DELETE")
    running.store(*logons("alice"))
    path.with_name("winlog.db-wal").write_bytes(b"")
    path.with_name("winlog.db-wal").unlink()
    running.store(*logons("bob"))

    assert running.users() == ["alice", "bob"]
    assert running.stop() is None


def test_what_cannot_be_saved_is_said_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder has the name that the copy would get."""
    moment = time.gmtime(1_768_266_000)
    monkeypatch.setattr(time, "gmtime", lambda *_: moment)
    running = Running(path)
    running.store(*logons("alice"))
    path.with_name("winlog.db-wal").unlink()
    path.with_name("winlog.db.rescued-20260113T010000Z").mkdir()
    running.submit(*logons("bob"))

    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    assert "could not be saved to " in str(running.ear.wait_for("ended"))
