"""What is forgotten does not come back with a backup, an import, a new readers' file, or after a kill."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.forgotten import (
    NEVER,
    OTHERS,
    add_reports,
    forget,
    perhaps,
    users,
)
from tests.support.running import PATIENCE_S, an_event, run_to_end, running, wait_for
from winlogd.control.address import path_of
from winlogd.control.client import ask as ordered

pytestmark = pytest.mark.long  # each command is a process


def test_a_restored_backup_is_forgotten_before_it_is_there(filled: Path) -> None:
    backup = filled / "backup.db"
    assert run_to_end(filled, "backup", str(backup), "--config", "config.toml").returncode == 0
    forget(filled, "zoé-alice")
    done = run_to_end(filled, "restore", str(backup), "--config", "config.toml")

    assert done.returncode == 0, done.stderr
    assert users(filled, "events_history") == users(filled, "events_today") == sorted(OTHERS)


def test_a_backup_that_was_copied_by_hand_is_forgotten_at_the_start(filled: Path) -> None:
    backup = filled / "backup.db"
    shutil.copy(filled / "data" / "winlog.db", backup)
    forget(filled, "zoé-alice")
    shutil.copy(backup, filled / "data" / "winlog.db")
    with running(filled, NEVER) as server:
        answers = [server.request("GET", "/api/v1/sessions")]
        while answers[-1].status != 200:
            answers.append(server.request("GET", "/api/v1/sessions"))
        assert {answer.status for answer in answers} <= {200, 503}
        assert not [answer for answer in answers if "zoé-alice@" in answer.body.decode().lower()]
        server.wait_for_log("people forgotten history=9 today=13")
        assert users(filled, "events_today") == sorted(OTHERS)


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_a_new_readers_file_forgets_as_the_lost_one_did(filled: Path, is_running: bool) -> None:
    forget(filled, "zoé-alice")
    (filled / "data" / "winlog.access").unlink()
    with perhaps(filled, is_running):
        done = forget(filled, "malice")

        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("3 rows of events_history and 4 of events_today forgotten")
        assert users(filled, "events_history") == users(filled, "events_today") == ["zoé-alice2"]


def test_a_restored_backup_of_another_server_is_forgotten_too(
    filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(filled / "data", other / "data")
    shutil.copy(filled / "config.toml", other)
    for name in ("malice", "zoé-alice2"):  # as many tombstones as alice's in the file to restore into
        assert forget(other, name).returncode == 0
    forget(filled, "ADMIN\\zoé-alice")
    forget(filled, "zoé-alice", "--exact")
    done = run_to_end(filled, "restore", str(other / "data" / "winlog.db"), "--config", "config.toml")

    assert done.returncode == 0, done.stderr
    assert users(filled, "events_history") == users(filled, "events_today") == []


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_an_import_is_forgotten_and_a_new_person_keeps_their_events(filled: Path, is_running: bool) -> None:
    old = filled / "old.db"
    shutil.copy(filled / "data" / "winlog.db", old)
    forget(filled, "zoé-alice")
    with running(filled, NEVER) as server:
        server.post(an_event(username="zoé-alice", timestamp="2026-01-14T08:00:00Z"))
        server.stop()
    with perhaps(filled, is_running):
        done = run_to_end(filled, "import", str(old), "--config", "config.toml")

        assert done.returncode == 0, done.stderr
        assert "26 rows imported" in done.stdout
        assert "; rows forgotten now: 22" in done.stdout
        wait_for(lambda: users(filled, "events_history") == sorted(OTHERS), "that they are forgotten again")
        assert users(filled, "events_today") == sorted([*OTHERS, "zoé-alice"])


def test_who_is_forgotten_during_an_import_is_not_brought_back_by_it(filled: Path) -> None:
    old = filled / "old.db"
    shutil.copy(filled / "data" / "winlog.db", old)
    add_reports(old, 6000)
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        command = [sys.executable, "-m", "winlogd", "import", str(old), "--config", "config.toml"]
        importing = subprocess.Popen(command, cwd=filled, stdout=subprocess.DEVNULL)
        wait_for(lambda: "carol" in users(filled, "events_history"), "the first rows")
        order = {"order": "forget", "names": ["zoé-alice", "admin\\zoé-alice"], "pseudonym": "", "asked": ""}
        span = {"first_us": None, "last_us": None}
        ordered(path_of(str(server.database)), {**order, **span}, PATIENCE_S, lambda: None, lambda _: None)
        assert importing.wait(PATIENCE_S) == 0
        wait_for(lambda: users(filled, "events_history") == ["carol", *sorted(OTHERS)], "that nobody is brought back")
        assert server.rows("SELECT count(*) AS n FROM events_history WHERE username = 'carol'") == [{"n": 3000}]
        wait_for(lambda: server.request("GET", "/api/v1/sessions").status == 200, "the past")
        assert server.stop() == 0
    assert run_to_end(filled, "sessions", "--config", "config.toml").returncode == 0, "nothing waits"


def test_while_tombstones_wait_the_past_answers_503_and_the_present_goes_on(filled: Path) -> None:
    backup = filled / "backup.db"
    shutil.copy(filled / "data" / "winlog.db", backup)
    forget(filled, "zoé-alice")
    shutil.copy(backup, filled / "data" / "winlog.db")
    keeper = "CREATE TRIGGER keep BEFORE DELETE ON events_history BEGIN SELECT RAISE(IGNORE); END"
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as other:
        other.execute(keeper)  # the job fails, and the past stays closed
    with running(filled, NEVER) as server:
        server.wait_for_log("forgetting could not go on; remove the trigger, which is not winlogd's")
        assert "Traceback" not in server.log
        past = server.request("GET", "/api/v1/sessions")
        assert (past.status, past.json["error"]) == (503, "The past is closed for a moment")
        done = run_to_end(filled, "sessions", "--config", "config.toml")
        assert (done.returncode, done.stdout) == (1, "")
        assert "forgotten people are being removed" in done.stderr
        assert server.request("GET", "/api/v1/sessions/current").status == 200
        snapshot = server.request("GET", "/api/v1/snapshot")
        assert (snapshot.status, {each["last_user"] for each in snapshot.json["machines"]}) == (200, {None})
        assert server.post(an_event(username="bob")).status == 200


def test_without_a_server_a_command_shows_nobody_while_tombstones_wait(filled: Path) -> None:
    backup = filled / "backup.db"
    shutil.copy(filled / "data" / "winlog.db", backup)
    forget(filled, "zoé-alice")
    assert run_to_end(filled, "sessions", "--config", "config.toml").returncode == 0
    shutil.copy(backup, filled / "data" / "winlog.db")
    for words in (("sessions",), ("export", "--format", "csv", "--output", "all.csv"), ("user", "malice")):
        done = run_to_end(filled, *words, "--config", "config.toml")
        assert (done.returncode, done.stdout) == (1, "")
        assert "still has people who were forgotten, so nothing of it is shown" in done.stderr
    assert not (filled / "all.csv").exists()

    assert forget(filled, "ADMIN\\zoé-alice").returncode == 0
    assert run_to_end(filled, "sessions", "--config", "config.toml").returncode == 0
    assert users(filled, "events_history") == users(filled, "events_today") == sorted(OTHERS)


def test_a_damaged_readers_file_closes_the_past_and_the_log_says_what_to_do(filled: Path) -> None:
    forget(filled, "zoé-alice")
    (filled / "data" / "winlog.access").write_bytes(b"no database" * 1000)
    with running(filled, NEVER) as server:
        server.wait_for_log("the past stays closed; put the readers' file of a backup in its place")
        assert server.request("GET", "/api/v1/sessions").status == 503
        assert server.post(an_event(username="bob")).status == 200


@pytest.mark.parametrize("kills", [1, 4])
def test_a_server_that_is_killed_in_between_goes_on_at_its_next_start(filled: Path, kills: int) -> None:
    add_reports(filled / "data" / "winlog.db", 3000)
    for kill in range(kills):
        with running(filled, NEVER) as server:
            server.wait_until_it_obeys()
            if not kill:
                command = [sys.executable, "-m", "winlogd", "forget", "zoé-alice", "--yes", "--config", "config.toml"]
                asked = subprocess.Popen(command, cwd=filled, stderr=subprocess.DEVNULL)
            left = "SELECT count(*) AS n FROM events_history WHERE username = 'zoé-alice'"
            wait_for(lambda: server.rows(left)[0]["n"] < 1500 - 300 * kill, "that some rows are gone")  # noqa: B023
            server.kill()
    assert asked.wait(PATIENCE_S) == 1
    with running(filled, NEVER) as server:
        server.wait_for_log("people forgotten")
        assert server.stop() == 0
    assert users(filled, "events_history") == ["carol", *sorted(OTHERS)]
    assert users(filled, "events_today") == sorted(OTHERS)
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as connection:
        assert connection.execute("SELECT count(*) FROM events_history WHERE username = 'carol'").fetchall() == [
            (1500,)
        ]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
