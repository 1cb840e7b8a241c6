"""A backup or a restore that is killed at any moment loses nothing, leaves no half for a whole, and can be repeated."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.store.backup.dying import killed_at
from tests.support.writing import Running, logons
from winlogd.store.access_file.file import AccessFile
from winlogd.store.errors import SchemaError
from winlogd.store.file.foreign import check_file

pytestmark = pytest.mark.long

OLD: Final = [f"old{number}" for number in range(300)]
NEW: Final = [f"new{number}" for number in range(200)]
MOST_MOMENTS: Final = 500


def store(path: Path, users: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    running = Running(path)
    running.store(*logons(*users))
    assert running.stop() is None


def users(path: Path) -> list[object]:
    """Return the users of a whole database."""
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        return [name for (name,) in connection.execute("SELECT username FROM events_today ORDER BY id")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store(tmp_path / "data" / "winlog.db", OLD)
    AccessFile(str(tmp_path / "data" / "winlog.access")).close()
    return tmp_path


def test_a_backup_is_whole_or_has_no_name(folder: Path) -> None:
    backups = folder / "data" / "backups"
    for moment in range(MOST_MOMENTS):
        status = killed_at(moment, folder, "backup").returncode
        for made in backups.glob("*.db"):
            assert users(made) == OLD
            assert made.with_suffix(".access").exists()
        assert users(folder / "data" / "winlog.db") == OLD
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert moment > 10
    assert killed_at(-1, folder, "backup", "--keep", "2").returncode == 0
    assert len(list(backups.glob("*.db"))) == 2
    assert not list(backups.glob("*.part*"))


def test_old_backups_that_are_removed_never_cost_the_new_one(folder: Path) -> None:
    backups = folder / "data" / "backups"
    for _ in range(2):
        assert killed_at(-1, folder, "backup").returncode == 0
    for moment in range(MOST_MOMENTS):
        status = killed_at(moment, folder, "backup", "--keep", "1").returncode
        whole = list(backups.glob("*.db"))
        assert whole
        assert all(users(made) == OLD for made in whole)
        if status == 0:
            break
    assert len(whole) == 1


def test_a_backup_to_a_file_is_whole_or_is_not_there(folder: Path) -> None:
    for moment in range(MOST_MOMENTS):
        target = folder / f"{moment}.db"
        status = killed_at(moment, folder, "backup", target.name).returncode
        assert not target.exists() or users(target) == OLD
        if status == 0:
            break
    assert moment > 15
    assert target.exists()
    assert target.with_suffix(".access").exists()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let another program read, so that nobody can move the WAL into the database. It wrote a row before."""
    with closing(apsw.Connection(str(path))) as reader, closing(apsw.Connection(str(path))) as writer:
        reader.execute("BEGIN; SELECT count(*) FROM events_today").fetchall()
        writer.execute("INSERT INTO events_today (username, action, timestamp) VALUES ('other', 'C', '2026')")
        yield
        reader.execute("COMMIT")


@pytest.mark.parametrize("is_held", [False, True])
def test_a_restored_database_is_the_old_one_or_the_new_one_and_the_old_one_is_kept(
    folder: Path, is_held: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store(folder / "elsewhere" / "new.db", NEW)
    backup, refused = str(folder / "elsewhere" / "new.db"), 0
    old = [*OLD, "other"] if is_held else OLD
    for moment in range(MOST_MOMENTS):
        place = tmp_path_factory.mktemp("place")
        shutil.copytree(folder / "data", place / "data")
        database = place / "data" / "winlog.db"
        with held(database) if is_held else nullcontext():
            status = killed_at(moment, place, "restore", backup).returncode
        try:
            check_file(str(database))
        except SchemaError:  # no winlogd starts now: the file has two names
            refused += 1
        else:
            assert users(database) in (old, NEW)
        again = killed_at(-1, place, "restore", backup)
        assert again.returncode == 0, again.stderr
        assert users(database) == NEW
        assert old in [users(kept) for kept in database.parent.glob("*.replaced-*Z*") if kept.suffix[-4:] != "-wal"]
        assert not list(database.parent.glob("*.restoring*"))
        check_file(str(database))
        if status == 0:
            break
    assert moment > 5
    assert refused
