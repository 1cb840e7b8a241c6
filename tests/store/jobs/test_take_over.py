"""The import adds each row of an older server's file once, whatever happens and however often it is repeated."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.store.jobs.importing import Watched, staged
from tests.store.jobs.tiny import settings_of
from tests.support.older import COLUMNS, GOLDEN, archived, older_row, sqlite_of
from tests.support.writing import Running, event, logons
from winlogd.store.errors import RowsLostError
from winlogd.store.imported.staging import StagingError, staging_path
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.steps import ALONE
from winlogd.store.jobs.take_over import TakenOver, TakeOver


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database with three events of today."""
    path = tmp_path / "winlog.db"
    running = Running(path)
    running.store(*logons("alice", "bob"), event("D", "09:00:00"))
    assert running.stop() is None
    return path


def imported(database: Path, file: Path) -> TakenOver:
    return run_alone(TakeOver(staged(database, file), ALONE), settings_of(database))


def query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


def left_behind(database: Path) -> list[str]:
    return [path.name for path in database.parent.iterdir() if path.name.startswith("winlogd-import-")]


def test_every_row_of_both_tables_is_imported_once_however_often_it_is_repeated(database: Path) -> None:
    own = archived(database)
    done = imported(database, GOLDEN)
    assert (done.rows, done.known) == (50, 0)
    first = archived(database)
    assert len(first) == len(own) + 50
    assert set(archived(GOLDEN)) < set(first)
    again = imported(database, GOLDEN)
    assert (again.rows, again.known) == (0, 50)
    assert archived(database) == first
    assert left_behind(database) == []


def test_ids_are_appended_and_nothing_of_the_archive_changes(database: Path, tmp_path: Path) -> None:
    imported(database, GOLDEN)
    before = query(database, "SELECT * FROM events_history ORDER BY id")
    imported(database, sqlite_of(tmp_path / "more.db", {"events": [older_row(1), older_row(2)]}))
    after = query(database, "SELECT * FROM events_history ORDER BY id")
    assert after[:-2] == before
    assert [row[0] for row in after[-2:]] == [51, 52]


def test_the_past_takes_imported_sessions_in(database: Path, tmp_path: Path) -> None:
    rows = [older_row(1), older_row(2), older_row(60, "D", username="user1", session_uuid="user1@A102-07@000001")]
    imported(database, sqlite_of(tmp_path / "old.db", {"events": rows}))
    run_alone(Build(ALONE), settings_of(database))
    sessions = query(
        database, "SELECT username, ended_by, duration_seconds FROM sessions WHERE username LIKE 'user_' ORDER BY 1"
    )
    assert [row[:2] for row in sessions] == [("user1", "client"), ("user2", "expired")]
    assert sessions[0][2] == pytest.approx(59)


def test_rows_that_are_in_the_table_of_today_are_known(database: Path, tmp_path: Path) -> None:
    """The database was taken over from the older server, and now its file is imported, too."""
    copy = tmp_path / "copy.db"
    query(database, f"VACUUM INTO '{copy}'")
    before = archived(database)
    done = imported(database, copy)
    assert (done.rows, done.known) == (0, 3)
    assert archived(database) == before


def test_rows_that_differ_in_what_the_client_sent_or_in_the_identifier_are_no_doubles(
    database: Path, tmp_path: Path
) -> None:
    rows = [
        older_row(1),
        older_row(1, os_name="Windows"),
        older_row(1, server_timestamp="2026-01-13T00:00:01.323456789+00:00"),
        older_row(1, session_uuid="user1@A102-07@ffffff"),
        older_row(1, source_ip="192.0.2.8"),  # this one is: the address is no word of the client
    ]
    assert imported(database, sqlite_of(tmp_path / "old.db", {"events": rows})).rows == 4


def test_rows_that_move_to_the_archive_meanwhile_are_known(database: Path, tmp_path: Path) -> None:
    running = Running(database)
    running.store(*logons("carol", "dan", "erin", "frank"))
    assert running.stop() is None
    copy = tmp_path / "copy.db"
    query(database, f"VACUUM INTO '{copy}'")
    before = archived(database)

    def move(step: int) -> None:
        if step == 0:  # four of the seven rows of today were read
            columns = ", ".join((*COLUMNS, "origin"))
            with closing(apsw.Connection(str(database))) as other, other:  # sqlite3 would undo its locks
                other.execute(f"INSERT INTO events_history ({columns}) SELECT {columns} FROM events_today")
                other.execute("DELETE FROM events_today")

    job = Watched(staged(database, copy), at=move)
    done = run_alone(job, settings_of(database))
    assert (done.rows, done.known) == (0, 7)
    assert archived(database) == before


def test_events_are_stored_between_the_steps(database: Path) -> None:
    running = Running(database)

    def send(step: int) -> None:
        running.submit(*logons(f"new{step}"))

    job = Watched(staged(database, GOLDEN), at=send)
    running.writer.run(job)
    assert running.ear.wait_for("job_ended").rows == 50
    assert running.stop() is None
    users = [row[0] for row in query(database, "SELECT username FROM events_today WHERE username LIKE 'new%'")]
    assert sorted(map(str, users)) == sorted(f"new{step}" for step in range(job.steps))


def run_and_die(database: Path, file: Path, runner: str, step: int, moment: str) -> subprocess.CompletedProcess[str]:
    words = [str(database), str(file), runner, str(step), moment]
    command = [sys.executable, "-m", "tests.store.jobs.importing", *words]
    return subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("step", "moment", "runner"),
    [(3, "committed", "alone")]
    + [
        pytest.param(step, moment, runner, marks=pytest.mark.long)
        for step in range(6)
        for moment in ("inside", "committed")
        for runner in ("running", "alone")
    ],
)
def test_killed_at_any_step_and_repeated_nothing_is_lost_or_doubled(
    database: Path, tmp_path: Path, step: int, moment: str, runner: str
) -> None:
    """The steps of this file: two that read what is there, and four that add."""
    old = sqlite_of(tmp_path / "old.db", {"events": [older_row(number) for number in range(15)]})
    own = archived(database)
    assert run_and_die(database, old, runner, step, moment).returncode == -signal.SIGKILL
    added = len(archived(database)) - len(own)
    assert added == min(15, 4 * max(0, step - 2 + (moment == "committed")))

    repeated = run_and_die(database, old, runner, -1, "")
    assert repeated.returncode == 0, repeated.stderr
    wanted = sorted([*own, *archived_of_one(old)], key=repr)
    assert archived(database) == wanted
    assert run_and_die(database, old, runner, -1, "").returncode == 0
    assert archived(database) == wanted


def archived_of_one(file: Path) -> list[tuple[object, ...]]:
    wanted = "username, action, timestamp, server_timestamp, session_uuid, hardware_info, os_name"
    return query(file, f"SELECT {wanted} FROM events")


def test_a_trigger_that_keeps_rows_back_ends_the_import_with_an_error(database: Path) -> None:
    query(
        database,
        "CREATE TRIGGER theirs BEFORE INSERT ON events_history WHEN NEW.action = 'M' BEGIN SELECT RAISE(IGNORE); END",
    )
    with pytest.raises(RowsLostError, match="a trigger on events_history keeps rows from being stored"):
        imported(database, GOLDEN)


@pytest.mark.parametrize("digits", [None, 7, "", "../../etc/passwd", "0" * 15, "0" * 16 + "\n", "0123456789abcdef"])
def test_an_order_names_a_staging_file_that_is_there_and_no_path(database: Path, digits: object) -> None:
    with pytest.raises(StagingError):
        staging_path(str(database), digits)


def test_a_link_in_the_place_of_a_staging_file_is_not_followed(database: Path) -> None:
    database.with_name("winlogd-import-0123456789abcdef").symlink_to(GOLDEN)
    with pytest.raises(StagingError, match="no file of the user"):
        staging_path(str(database), "0123456789abcdef")
