"""A backup is copied in steps between the events. A fault of its disk, or of another program, harms no event."""

import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.store.jobs.tiny import settings_of
from tests.support.running import wait_for
from tests.support.writing import Running, logons
from winlogd.sessions.book import Book
from winlogd.store.backup.check import check_database
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.syncing import Syncing
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.backup import Backup
from winlogd.store.jobs.job import Step

USERS = [f"user{number}" for number in range(300)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "winlog.db")
    running.store(*logons(*USERS))
    yield running
    if running.writer._thread.is_alive():
        assert running.stop() is None


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


def users(path: Path) -> list[object]:
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        return [name for (name,) in connection.execute("SELECT username FROM events_today ORDER BY id")]


class Watched(Backup):
    """Calls `between` after its first steps."""

    between_steps = 3

    def __init__(self, to: Path, running: Running) -> None:
        super().__init__(str(to), 0)
        self.running = running
        self.steps = 0

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        done = super().step(connection, book, now_s)
        self.steps += 1
        if self.steps <= self.between_steps:
            self.between()
        return done

    def between(self) -> None:
        raise NotImplementedError


class Stores(Watched):
    """Has an event sent, which the writer stores before the next step."""

    def between(self) -> None:
        self.running.submit(*logons(f"late{self.steps}"))


def test_events_that_are_stored_meanwhile_are_in_the_copy_and_do_not_make_it_begin_again(
    running: Running, to: Path
) -> None:
    job = Stores(to, running)
    running.writer.run(job)

    copied = running.ear.wait_for("job_ended")

    assert copied.restarts == 0
    assert users(to) == [*USERS, "late1", "late2", "late3"] == running.users()
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert job.steps > 3


def test_its_first_steps_are_small(running: Running, to: Path) -> None:
    sizes: list[int] = []

    class Noting(Watched):
        def between(self) -> None:
            sizes.append(self.progress["pages_copied"])

    running.writer.run(Noting(to, running))

    pages = running.ear.wait_for("job_ended").pages
    assert sizes[0] == 1
    assert sizes[1] - sizes[0] <= 2
    assert sizes[2] < pages


class LetsOthersWrite(Watched):
    """Lets another program write."""

    def between(self) -> None:
        self.running.execute("INSERT INTO events_today (username, action, timestamp) VALUES ('other', 'C', '2026')")


def test_it_begins_again_when_another_program_has_written(running: Running, to: Path) -> None:
    job = LetsOthersWrite(to, running)
    running.writer.run(job)

    copied = running.ear.wait_for("job_ended")

    assert copied.restarts >= 1
    assert users(to) == running.users() == [*USERS, "other", "other", "other"]


def test_it_gives_up_when_another_program_writes_all_the_time(running: Running, to: Path) -> None:
    class Endless(LetsOthersWrite):
        between_steps = 10_000

    running.writer.run(Endless(to, running))

    error = running.ear.wait_for("job_ended")
    assert isinstance(error, BackupFailedError)
    assert "stop that program" in str(error)
    running.store(*logons("alice"))


def test_it_begins_again_when_the_database_was_opened_again(running: Running, to: Path) -> None:
    class Reopens(Watched):
        between_steps = 1

        def between(self) -> None:
            running.writer._serving.batches.opened._reopen()  # type: ignore[union-attr]  # as after a fault of the disk

    running.writer.run(Reopens(to, running))

    running.ear.wait_for("job_ended")
    assert users(to) == USERS
    running.store(*logons("alice"))


def test_a_file_that_is_there_is_not_replaced(running: Running, to: Path) -> None:
    to.write_text("mine")
    running.writer.run(Backup(str(to), 0))

    error = running.ear.wait_for("job_ended")

    assert isinstance(error, BackupFailedError)
    assert "File exists" in str(error)
    assert to.read_text() == "mine"
    running.store(*logons("alice"))


@pytest.mark.parametrize("least_free_bytes", [10**18])
def test_a_disk_without_room_is_left_alone(running: Running, to: Path, least_free_bytes: int) -> None:
    running.writer.run(Backup(str(to), least_free_bytes))

    error = running.ear.wait_for("job_ended")

    assert isinstance(error, BackupFailedError)
    assert "limits.min_free_disk" in str(error)
    assert not to.exists()
    assert not [heard for heard, _ in running.ear.passed_over if heard == "waiting"]  # the database is not opened again


def test_a_stop_lets_it_go(running: Running, to: Path) -> None:
    class Stopping(Watched):
        between_steps = 1

        def between(self) -> None:
            running.writer.hurry(0.0)
            running.writer.stop()

    running.writer.run(Stopping(to, running))

    assert running.ear.wait_for("ended") is None
    assert users(running.path) == USERS


@pytest.mark.parametrize("mode", ["WAL", "DELETE", "TRUNCATE", "PERSIST"])
def test_it_works_with_each_journal_mode_and_the_checked_copy_needs_no_wal(tmp_path: Path, to: Path, mode: str) -> None:
    running = Running(tmp_path / "other.db", journal_mode=mode)
    running.store(*logons(*USERS))
    running.writer.run(Backup(str(to), 0))
    running.ear.wait_for("job_ended")
    assert running.stop() is None

    assert check_database(str(to)) == (len(USERS), 0)

    assert to.read_bytes()[18:20] == b"\x01\x01"  # no WAL mode (fileformat2.html §1.3.3)
    assert users(to) == USERS


def test_without_a_server_it_is_one_copy_as_well(running: Running, to: Path) -> None:
    assert running.stop() is None

    copied = run_alone(Backup(str(to), 0), settings_of(running.path))

    assert copied.pages * 4096 == to.stat().st_size
    assert users(to) == USERS


def test_each_piece_has_to_be_on_the_disk_before_the_next_one_is_written(running: Running, to: Path) -> None:
    syncing = Syncing(str(to), piece_pages=4)
    job = Backup(str(to), 0, syncing=syncing)
    running.writer.run(job)

    wait_for(syncing.is_under_way, "a piece")
    copied = job.progress["pages_copied"]
    running.store(*logons("alice", "bob"))  # events go on meanwhile
    assert job.progress["pages_copied"] == copied < job.progress["pages"]

    with ThreadPoolExecutor(1) as threads:
        whole = threads.submit(syncing.until_end)
        syncing.end(running.ear.wait_for("job_ended"))
    assert whole.result().restarts == 0
    assert users(to) == [*USERS, "alice", "bob"]


def test_a_piece_that_cannot_be_synced_ends_the_backup(running: Running, to: Path) -> None:
    syncing = Syncing(str(to), piece_pages=4)
    running.writer.run(Backup(str(to), 0, syncing=syncing))
    wait_for(syncing.is_under_way, "a piece")

    to.unlink()
    with ThreadPoolExecutor(1) as threads:
        end = threads.submit(syncing.until_end)
        outcome = running.ear.wait_for("job_ended")
        syncing.end(outcome)

    assert isinstance(outcome, BackupFailedError)
    assert str(to.parent) in str(outcome)
    assert end.result() is outcome
    running.store(*logons("alice"))


def test_a_disk_that_does_not_answer_ends_the_backup(to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotations and deletions wait behind a backup."""
    monkeypatch.setattr("winlogd.store.backup.syncing._PATIENCE_S", 0.0)
    syncing = Syncing(str(to), piece_pages=4)
    syncing.wrote(4)  # nobody syncs

    with pytest.raises(TimeoutError, match=re.escape(str(to))):
        syncing.is_under_way()


def test_the_last_piece_has_to_be_synced_too(to: Path) -> None:
    syncing = Syncing(str(to), piece_pages=4)
    syncing.wrote(4)  # there is no such file
    syncing.end("the whole copy")

    with pytest.raises(FileNotFoundError):
        syncing.until_end()


def test_a_damaged_copy_is_found(running: Running, to: Path) -> None:
    running.writer.run(Backup(str(to), 0))
    pages = running.ear.wait_for("job_ended").pages
    with to.open("r+b") as file:
        for page in range(2, pages):
            file.seek(page * 4096 + 8)
            file.write(b"\xff" * 64)

    with pytest.raises((BackupFailedError, apsw.CorruptError)):
        check_database(str(to))
