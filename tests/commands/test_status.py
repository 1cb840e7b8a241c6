"""`winlogd status`: how a running server is, or what its files tell when none is running."""

import http.client
import json
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.locks import locked
from tests.support.running import MORE_THAN_THERE_IS, Winlogd, an_event, run_to_end, running, wait_for

NOT_RUNNING = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A server with one open session, an ended one, and an inventory."""
    with running(tmp_path_factory.mktemp("status")) as server:
        server.wait_until_it_obeys()
        for event in (
            an_event(),
            an_event(username="bob", hostname="A102-08"),
            an_event(username="bob", hostname="A102-08", action="D", timestamp="2026-01-13T09:30:00Z"),
            an_event(action="M", hardware_info={"cpu_count": 8}),
        ):
            assert server.post(event).status == 200
        yield server


def asked(folder: Path, status: int = 0) -> Any:  # noqa: ANN401  # any JSON value
    """Return what the command prints as JSON. It ends with this status."""
    ended = run_to_end(folder, "status", "--json")
    assert (ended.returncode, ended.stderr) == (status, "")
    return json.loads(ended.stdout)


def test_a_person_sees_first_that_all_is_well(server: Winlogd) -> None:
    ended = run_to_end(server.folder, "status")

    first, *lines = ended.stdout.splitlines()
    subjects = [line.split()[0] for line in lines]
    assert (ended.returncode, ended.stderr) == (0, "")
    assert first.startswith("winlogd ")
    assert " is running; events can be stored since 20" in first
    assert subjects[:4] == ["started", "open", "today", "refused"]
    assert {"connections", "TLS", "readers", "database", "disk", "backup", "rotation", "retention"} < set(subjects)
    assert "today        2 logons, 1 logoff, 1 inventory; 0 sessions ended by winlogd" in lines


def test_the_counts_are_those_of_the_database(server: Winlogd) -> None:
    answer = asked(server.folder)

    assert answer["today"].items() >= {"logons": 2, "logoffs": 1, "inventories": 1, "closed": 0}.items()
    assert answer["sessions"]["open"] == 1
    assert answer["files"]["database_bytes"] == server.database.stat().st_size
    assert answer["rotation"]["next"] > answer["server"]["started_at"]
    assert (answer["server"]["is_writable"], answer["server"]["why_not"], answer["fault"]) == (True, None, None)
    assert (answer["server"]["pid"], answer["server"]["readers"]) == (server.process.pid, 0)


@pytest.mark.long
def test_a_session_that_the_next_logon_ends_is_counted_by_itself(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post(an_event())
        server.post(an_event(timestamp="2026-01-13T10:00:00Z"))
        answer = asked(tmp_path)

    assert answer["today"].items() >= {"logons": 2, "logoffs": 0, "closed": 1}.items()


@pytest.mark.long
def test_refused_requests_are_counted_by_their_reasons(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        for _ in range(2):
            assert server.post(an_event(), {"User-Agent": "curl/8"}).status == 403
        assert server.post(an_event(action="X")).status == 400
        refusals = asked(tmp_path)["refusals"]
        lines = run_to_end(tmp_path, "status").stdout.splitlines()

    assert refusals["count"] == 3
    assert refusals["reasons"] == [
        {"status": 403, "reason": "Invalid User-Agent", "count": 2},
        {"status": 400, "reason": "Invalid action", "count": 1},
    ]
    assert any(line.endswith(": 2 × 403 Invalid User-Agent, 1 × 400 Invalid action") for line in lines)


@pytest.mark.long
def test_nobody_is_named(server: Winlogd) -> None:
    shown = run_to_end(server.folder, "status").stdout + run_to_end(server.folder, "status", "--json").stdout

    assert not {name for name in ("alice", "bob", "A102") if name in shown}


@pytest.mark.long
def test_an_open_feed_and_its_connection_are_counted(server: Winlogd) -> None:
    before = asked(server.folder)["server"]
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as feed:
        feed.request("GET", "/api/v1/live")
        feed.getresponse()
        now = asked(server.folder)["server"]

    assert (before["feeds"], now["feeds"]) == (0, 1)
    assert now["connections"] >= 1


@pytest.mark.long
def test_while_no_event_can_be_stored_the_status_is_1_and_says_why(tmp_path: Path) -> None:
    environ = {**MORE_THAN_THERE_IS, "WINLOGD_SERVER_EVENT_TIMEOUT": "0.1"}
    with running(tmp_path, environ=environ) as server:
        server.wait_until_it_obeys()
        assert server.post(an_event()).status == 503
        ended = run_to_end(tmp_path, "status")

    [first, *_] = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert " is running, but no event can be stored since 20" in first
    assert first.endswith("(limits.min_free_disk)")


@pytest.mark.long
def test_a_lock_of_another_program_is_noticed_although_no_event_comes(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        with locked(server):
            ended = run_to_end(tmp_path, "status")

    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0].endswith(": the database is locked by another program")


@pytest.mark.long
def test_without_a_server_the_files_tell_and_stay_as_they_are(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post(an_event())
        told = asked(tmp_path)
        server.stop()
    before = {path: path.stat() for path in server.database.parent.iterdir()}

    answer = asked(tmp_path, NOT_RUNNING)
    [first, *lines] = run_to_end(tmp_path, "status").stdout.splitlines()

    assert {name: answer[name] for name in ("sessions", "today", "rotation", "retention")} == {
        name: told[name] for name in ("sessions", "today", "rotation", "retention")
    }
    assert answer["running"] is False
    assert first == "winlogd is not running; its files say:"
    assert "today        1 logon, 0 logoffs, 0 inventories; 0 sessions ended by winlogd" in lines
    after = {path: path.stat() for path in server.database.parent.iterdir()}
    assert {path: stat.st_mtime_ns for path, stat in after.items()} == {
        path: stat.st_mtime_ns for path, stat in before.items()
    }


@pytest.mark.long
def test_without_a_server_and_a_database_it_says_both(tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, "status")

    assert ended.returncode == NOT_RUNNING
    assert ended.stdout.startswith("winlogd is not running\nnot known    ")
    assert "winlog.db does not exist" in ended.stdout
    assert asked(tmp_path, NOT_RUNNING)["running"] is False
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_damaged_database_is_said_and_its_size_is_still_shown(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "winlog.db").write_bytes(b"nonsense" * 1000)

    answer = asked(tmp_path, NOT_RUNNING)

    assert answer["files"]["database_bytes"] == 8000
    assert "is not a database, or a damaged one" in answer["fault"]
    assert "sessions" not in answer


@pytest.mark.long
def test_the_last_backup_and_the_last_deletion_are_shown(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        assert run_to_end(tmp_path, "backup").returncode == 0
        server.rotate()
        wait_for(lambda: asked(tmp_path)["retention"]["last_run"], "the end of the deletion", server.process)
        answer = asked(tmp_path)
        server.stop()
        alone = asked(tmp_path, NOT_RUNNING)

    [backup] = (tmp_path / "data" / "backups").iterdir()
    assert answer["backup"]["file"] == str(backup)
    assert 0 <= answer["backup"]["age_seconds"] < 60
    assert alone["backup"]["file"] == str(backup)
    assert alone["retention"] == answer["retention"]


@pytest.mark.long
def test_the_sessions_are_told_also_while_another_program_has_the_lock(server: Winlogd) -> None:
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sending = threading.Thread(target=server.post, args=(an_event(username="carol", hostname="A102-09"),))
        sending.start()
        ended = run_to_end(server.folder, "status", "--json")  # its status says if the lock was noticed yet
        other.execute("ROLLBACK")
    sending.join()

    assert json.loads(ended.stdout)["sessions"]["open"] == 1


@pytest.mark.long
def test_a_server_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        server.process.send_signal(signal.SIGSTOP)
        ended = run_to_end(tmp_path, "status")
        server.process.send_signal(signal.SIGCONT)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "the running winlogd has not answered within 10 s" in ended.stderr


@pytest.mark.long
def test_a_folder_of_backups_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post(an_event())
        (tmp_path / "data" / "backups").write_text("not a folder")
        answer = asked(tmp_path)
        server.stop()
    alone = asked(tmp_path, NOT_RUNNING)

    for each in (answer, alone):
        assert each["fault"] == "the folder of the backups cannot be looked at: Not a directory"
        assert "backup" not in each
        assert each["sessions"]["open"] == 1
        assert each["files"]["database_bytes"] > 0


@pytest.mark.long
def test_a_deletion_without_a_server_is_shown(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_settled()
        server.stop()
    assert asked(tmp_path, NOT_RUNNING)["retention"]["last_run"] is None

    assert run_to_end(tmp_path, "rotate").returncode == 0

    assert asked(tmp_path, NOT_RUNNING)["retention"]["last_run"] is not None
