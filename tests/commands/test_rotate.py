"""The rotation by a running server, and by `winlogd rotate`."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.locks import locked
from tests.support.running import (
    A_SMALL_DISK_WILL_DO,
    MORE_THAN_THERE_IS,
    PATIENCE_S,
    Winlogd,
    an_event,
    run_to_end,
    running,
    wait_for,
)
from winlogd.control.address import path_of
from winlogd.control.client import ask

pytestmark = pytest.mark.long

NOW = datetime.now(UTC)
LONG_AGO = (NOW - timedelta(days=3)).isoformat(timespec="microseconds")
YESTERDAY = (NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(milliseconds=1)).isoformat()
"""Yesterday at any hour, and no longer ago than a session may be open."""
IN_UTC = '[server]\ntimezone = "UTC"\n'
NEVER = '[rotation]\nat = ""\n' + IN_UTC


def age(server: Winlogd, received: str = LONG_AGO) -> None:
    """Let another program change every stored row: the server received it at `received`."""
    server.execute("UPDATE events_today SET server_timestamp = ?", received)


def history(server: Winlogd) -> list[tuple[object, ...]]:
    return [(row["username"], row["action"]) for row in server.rows("SELECT * FROM events_history ORDER BY id")]


def marks(server: Winlogd) -> list[dict[str, object]]:
    """Wait for the mark of the last rotation, and return it."""
    found: list[dict[str, object]] = wait_for(
        lambda: server.rows("SELECT * FROM winlogd_meta WHERE key = 'rotated_day'"), "a mark"
    )
    return found


@pytest.fixture
def yesterdays(tmp_path: Path) -> Path:
    """Make a folder whose database has old rows: a finished session of bob and an open session of alice."""
    with running(tmp_path, NEVER) as server:
        server.post(an_event(username="bob"))
        server.post(an_event(username="bob", action="D", timestamp="2026-01-13T09:00:00Z"))
        server.post(an_event())
        age(server)
        server.execute("UPDATE events_today SET server_timestamp = ? WHERE username = 'alice'", YESTERDAY)
        server.stop()
    return tmp_path


def test_a_running_server_rotates_when_it_is_asked(yesterdays: Path) -> None:
    with running(yesterdays, NEVER + "[logging]\nlevel = 'info'\n") as server:
        server.wait_until_it_obeys()
        done = run_to_end(yesterdays, "rotate", "--config", "config.toml")

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("2 rows moved to events_history")
        assert history(server) == [("bob", "C"), ("bob", "D")]
        server.wait_for_log(r"rotated moved=2 kept_open=1 expired=0 seconds=")
        logoff = server.post(an_event(action="D", timestamp="2026-01-13T10:00:00Z")).json
        assert logoff["session_uuid"] == server.rows("SELECT * FROM events_today WHERE action = 'C'")[0]["session_uuid"]


def test_the_sentence_counts_every_session_that_is_open_after_it(yesterdays: Path) -> None:
    """The logon of yesterday's open session stays in events_today. A rotation does not look at today's sessions."""
    with running(yesterdays, NEVER) as server:
        for name in ("carol", "dave", "erin"):
            server.post(an_event(username=name))
        server.post(an_event(username="erin", action="D", timestamp="2026-01-13T09:00:00Z"))
        assert "rows moved to events_history" in (sentence := server.rotate())
        assert "; sessions that stay open: 3, closed because they were open for too long: 0" in sentence
        server.wait_for_log(r"rotated moved=2 kept_open=1 expired=0 seconds=\S+ open_sessions=3")
        assert len(server.request("GET", "/api/v1/sessions/current").json) == 3
        assert server.stop() == 0
    alone = run_to_end(yesterdays, "rotate", environ={"WINLOGD_ROTATION_KEEP_OPEN_HOURS": "0.0001"}).stdout
    assert alone.endswith("; sessions that stay open: 2, closed because they were open for too long: 1\n")


def test_who_asks_is_told_that_it_takes_long_and_gets_the_answer_all_the_same(yesterdays: Path) -> None:
    told: list[object] = []
    with running(yesterdays, IN_UTC) as server, locked(server) as other:

        def is_slow() -> None:
            told.append("slow")
            other.execute("COMMIT")

        done = ask(path_of(str(server.database)), {"order": "rotate"}, 0.2, is_slow, told.append)

    assert told[0] == "slow"
    assert all(isinstance(progress, dict) and progress.keys() == {"rows_moved"} for progress in told[1:])
    assert done["sentence"].startswith("2 rows moved")


def test_without_a_server_the_command_does_it_itself(yesterdays: Path) -> None:
    done = run_to_end(yesterdays, "rotate", "--config", "config.toml")

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rows moved to events_history" in done.stdout
    with running(yesterdays, NEVER) as server:
        assert history(server) == [("bob", "C"), ("bob", "D")]
        assert (
            server.post(an_event(action="D", timestamp="2026-01-13T10:00:00Z"))
            .json["session_uuid"]
            .startswith("alice@")
        )


def test_without_a_server_the_command_moves_nothing_while_too_little_space_is_free(yesterdays: Path) -> None:
    database = yesterdays / "data" / "winlog.db"
    before = database.read_bytes()
    done = run_to_end(yesterdays, "rotate", "--config", "config.toml", environ=MORE_THAN_THERE_IS)

    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "what is left stays in events_today: only " in line
    assert line.endswith(" MB are free on its disk, of at least 1000000000 MB (limits.min_free_disk)")
    assert database.read_bytes() == before
    assert not database.with_name("winlog.db-wal").exists()
    assert run_to_end(yesterdays, "rotate", "--config", "config.toml").stdout.startswith("2 rows moved")


def test_a_second_rotation_has_nothing_to_do(yesterdays: Path) -> None:
    run_to_end(yesterdays, "rotate", "--config", "config.toml")

    assert run_to_end(yesterdays, "rotate", "--config", "config.toml").stdout.startswith("0 rows moved")


def test_without_a_database_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    done = run_to_end(tmp_path, "rotate")

    assert done.returncode == 1
    assert "does not exist: nothing to rotate" in done.stderr


def test_who_may_not_look_at_the_database_is_told_so_and_not_that_there_is_none(yesterdays: Path) -> None:
    command: tuple[str, ...] = (sys.executable, "-m", "winlogd", "rotate")
    if os.geteuid() == 0:  # root may look everywhere: setpriv(1) removes that right
        rights = "-dac_override,-dac_read_search"
        command = ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", *command)
    folder = yesterdays / "data"
    mode = folder.stat().st_mode
    folder.chmod(0)
    try:
        ended = subprocess.run(command, cwd=yesterdays, capture_output=True, text=True, timeout=PATIENCE_S)
    finally:
        folder.chmod(mode)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot be looked at: Permission denied; run this as the user that winlogd runs as" in ended.stderr


def test_when_the_database_is_replaced_meanwhile_the_command_says_so(yesterdays: Path) -> None:
    database = yesterdays / "data" / "winlog.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        command = [sys.executable, "-m", "winlogd", "rotate"]
        environ = {**os.environ, **A_SMALL_DISK_WILL_DO}
        rotating = subprocess.Popen(command, cwd=yesterdays, env=environ, stderr=subprocess.PIPE)
        wait_for(lambda: has_open(rotating.pid, "winlog.db-shm"), "the command to wait for the lock", rotating)
        database.rename(yesterdays / "elsewhere.db")
        other.execute("ROLLBACK")
    _, message = rotating.communicate(timeout=PATIENCE_S)

    assert rotating.returncode == 1
    [line] = message.decode().splitlines()
    assert line.endswith("winlog.db was replaced or deleted while it was in use")


def has_open(pid: int, name: str) -> bool:
    """Return True if a process has a file of this name open (proc(5))."""
    with suppress(FileNotFoundError):  # closed in the meantime
        return any(os.readlink(link).endswith(name) for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def test_a_database_that_was_just_taken_over_is_not_rotated_at_start(tmp_path: Path) -> None:
    with running(tmp_path, NEVER) as server:
        server.post(an_event(action="M"))
        age(server)
        server.stop()
    with running(tmp_path, '[server]\ntimezone = "UTC"\n') as server:
        [mark] = marks(server)

        assert mark["key"] == "rotated_day"
        assert len(server.rows()) == 1
        assert "rotated" not in server.log


def test_a_rotation_that_was_missed_is_caught_up_at_start(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post(an_event(action="M"))
        age(server)
        marks(server)
        server.execute("UPDATE winlogd_meta SET value = '2026-01-01' WHERE key = 'rotated_day'")
        server.stop()
    with running(tmp_path) as server:
        server.wait_for_log("rotated moved=1")

        assert (server.rows(), len(history(server))) == ([], 1)
        server.stop()
    with running(tmp_path) as server:
        server.wait_until_open()
        server.stop()
        assert "rotated" not in server.log


def test_a_stop_in_the_middle_loses_nothing_and_the_rest_moves_later(tmp_path: Path) -> None:
    with running(tmp_path, NEVER) as server:
        server.post(an_event(action="M"))
        server.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO events_today (username, action, timestamp, server_timestamp, session_uuid)"
            " SELECT 'u' || i, 'M', ?, ?, 'hardware_' || i FROM n", LONG_AGO, LONG_AGO,
        )  # fmt: skip
        age(server)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(server.database.with_name("winlog.db.control")))
            sock.sendall(b'{"order":"rotate"}\n')
            assert server.stop() == 0
            *progress, last = b"".join(iter(lambda: sock.recv(1000), b"")).splitlines()
        ends = (b'{"error":"the rotation did not come to its end', b'{"done":{"sentence":"20000 rows')
        assert last.startswith(ends)
        assert all(line.startswith(b'{"progress":{"rows_moved":') for line in progress)
    count = "SELECT count(*) AS n, count(DISTINCT username) AS users FROM (SELECT username FROM events_today"
    count += " UNION ALL SELECT username FROM events_history)"
    assert server.rows(count) == [{"n": 20000, "users": 20000}]
    assert run_to_end(tmp_path, "rotate", "--config", "config.toml").returncode == 0
    assert server.rows() == []
