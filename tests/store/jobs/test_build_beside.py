"""A build beside others: rotations, events, and people who add and delete rows between its steps."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from tests.store.jobs.building import Killable, Steps
from tests.store.jobs.tiny import Killed
from tests.store.test_load_book import load
from tests.support.builds import CLEARING_STEPS, DELETED, ROWS, STEPS, ask_for_rebuild, build_with, delete_alice, rotate
from tests.support.pasts import DAY, EIGHT, Contents, built, built_afresh, fill, finish, marks, opened, step
from tests.support.writing import Running, event, logons
from winlogd.sessions.book import Book
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.job import AnyJob, Step
from winlogd.store.past.progress import is_due, needs_rebuild, next_range, progress

pytestmark = pytest.mark.long


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def archive(path: Path) -> Iterator[apsw.Connection]:
    """Return a database with an older archive."""
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        yield connection


def with_rows_of_yesterday(connection: apsw.Connection) -> None:
    """Add rows that a rotation will move: logons, logoffs, and reports of the machines that the archive has."""
    fill(connection, "events_today", 30, DAY + timedelta(hours=5), seed=3, is_older=False)


@pytest.mark.parametrize("at", range(STEPS + 2))
def test_a_rotation_between_any_two_steps_of_a_build_changes_nothing(
    archive: apsw.Connection, tmp_path: Path, at: int
) -> None:
    with_rows_of_yesterday(archive)
    build_with(archive, rotate, at)
    archive.execute("DELETE FROM winlogd_runs")

    found = built(archive)

    assert archive.execute("SELECT count(*) FROM events_today WHERE action = 'M'").fetchone() == (0,)
    assert found.without_ids == built_afresh(archive, tmp_path / "afresh.db").without_ids
    assert next_range(archive) is None


@pytest.mark.parametrize("at", range(CLEARING_STEPS + STEPS + 2))
def test_a_rotation_between_any_two_steps_of_a_rebuild_changes_nothing(
    archive: apsw.Connection, tmp_path: Path, at: int
) -> None:
    built(archive)
    with_rows_of_yesterday(archive)
    archive.execute(DELETED)
    ask_for_rebuild(archive)
    build_with(archive, rotate, at)

    found = built(archive)

    assert found.without_ids == built_afresh(archive, tmp_path / "afresh.db").without_ids
    assert (next_range(archive), needs_rebuild(archive)) == (None, False)


@pytest.mark.parametrize("at", range(STEPS + 2))
def test_rows_that_are_deleted_during_a_build_are_not_in_the_past(
    archive: apsw.Connection, tmp_path: Path, at: int
) -> None:
    build_with(archive, delete_alice, at)

    found = built(archive)

    assert found == built_afresh(archive, tmp_path / "afresh.db")
    assert "alice" not in {session[1] for session in found.sessions}


@pytest.mark.parametrize("at", range(CLEARING_STEPS + STEPS + 2))
def test_rows_that_are_deleted_during_a_rebuild_are_not_in_the_past(
    archive: apsw.Connection, tmp_path: Path, at: int
) -> None:
    built(archive)
    archive.execute("DELETE FROM events_history WHERE username = 'Bob'")
    ask_for_rebuild(archive)
    build_with(archive, delete_alice, at)

    found = built(archive)

    assert found == built_afresh(archive, tmp_path / "afresh.db")
    assert {session[1] for session in found.sessions} == {"carol", "DOM\\dave"}
    names = {name for (name,) in archive.execute("SELECT name FROM winlogd_names WHERE kind = 1")}
    assert not {"alice", "Bob"} & names


def test_an_archive_that_somebody_empties_leaves_no_past(archive: apsw.Connection) -> None:
    built(archive)
    archive.execute("DELETE FROM events_history")

    assert built(archive) == Contents([], [], [], [], "complete")
    assert not is_due(archive)


def test_an_archive_whose_ids_begin_again_is_built_again(archive: apsw.Connection, tmp_path: Path) -> None:
    built(archive)
    [(made,)] = archive.execute("SELECT sql FROM sqlite_master WHERE name = 'events_history'")
    archive.execute("DROP TABLE events_history")
    archive.execute(str(made))
    with_rows_of_yesterday(archive)
    rotate(archive)

    assert built(archive).without_ids == built_afresh(archive, tmp_path / "afresh.db").without_ids


def test_while_a_rebuild_clears_the_past_it_is_told_as_building(archive: apsw.Connection) -> None:
    built(archive)
    ask_for_rebuild(archive)
    build, book, seen = Build(EIGHT), load(archive), []
    epochs = [marks(archive)["past_epoch"]]
    for _ in range(CLEARING_STEPS):
        step(build, archive, book)
        seen.append(progress(archive).text)
        epochs.append(marks(archive)["past_epoch"])
    finish(build, archive, book)

    assert set(seen) == {"building, 0 %"}
    assert epochs == ["2"] + ["3"] * CLEARING_STEPS
    assert marks(archive)["past_epoch"] == "4"


class Busy(Killable):
    """Sends an event in each step of a build."""

    def __init__(self, job: AnyJob, send: Callable[[int], object]) -> None:
        self.steps = Steps(Killed())
        super().__init__(job, self.steps)
        self._send = send

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        self._send(self.steps.done + 1)
        return super().step(connection, book, now_s)


def test_events_are_stored_during_a_build(path: Path) -> None:
    with opened(path) as connection:
        fill(connection, "events_history", 400)
    running = Running(path)
    running.ear.wait_for("loaded")

    busy = Busy(Build(EIGHT), lambda number: running.submit(*logons(f"user{number}")))
    running.writer.run(busy)
    running.ear.wait_for("job_ended")
    running.submit(event("D", "09:00:00", "user1"))
    assert running.stop() is None

    assert busy.steps.done > 50
    assert running.users() == [*(f"user{number + 1}" for number in range(busy.steps.done)), "user1"]
    assert running.rows("SELECT count(DISTINCT session_uuid) FROM events_today") == [(busy.steps.done,)]
    with opened(path) as connection:
        assert progress(connection).text == "complete"
