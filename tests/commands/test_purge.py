"""`winlogd purge` counts, asks, and deletes, with the server and without one. The retention does it by itself."""

import json
import os
import pty
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.running import MORE_THAN_THERE_IS, PATIENCE_S, Winlogd, an_event, run_to_end, running, wait_for

pytestmark = pytest.mark.long

NOW = datetime.now(UTC)
IN_UTC = '[server]\ntimezone = "UTC"\n'
NEVER = '[rotation]\nat = ""\n' + IN_UTC
TABLES = ("events_history", "events_today")


def receive(server: Winlogd, username: str, days_ago: float) -> None:
    """Let another program write that a user's rows of today were received some days ago."""
    received = (NOW - timedelta(days=days_ago)).isoformat(timespec="microseconds")
    server.execute("UPDATE events_today SET server_timestamp = ? WHERE username = ?", received, username)


def users(server: Winlogd, table: str) -> list[object]:
    return [row["username"] for row in server.rows(f"SELECT username FROM {table} ORDER BY id")]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make a folder with an archive of bob (400 days ago) and carol (3 days ago), and alice's open session of today."""
    with running(tmp_path, NEVER + "[retention]\nhistory_days = 0\n") as server:
        for user, days in (("bob", 400.0), ("carol", 3.0)):
            server.post(an_event(username=user))
            server.post(an_event(username=user, action="D", timestamp="2026-01-13T09:00:00Z"))
            receive(server, user, days)
        server.rotate()
        server.post(an_event())
        assert server.stop() == 0
    return tmp_path


WHAT = {
    "--today": (["bob", "bob", "carol", "carol"], [], "0 rows of events_history and 1 of events_today"),
    "--history": ([], ["alice"], "4 rows of events_history and 0 of events_today"),
    "--all": ([], [], "4 rows of events_history and 1 of events_today"),
    f"--before={NOW - timedelta(days=9):%Y-%m-%d}": (
        ["carol", "carol"], ["alice"], "2 rows of events_history and 0 of events_today",
    ),
}  # fmt: skip


@pytest.mark.parametrize("flag", WHAT)
def test_a_running_server_deletes_what_is_asked_for(filled: Path, flag: str) -> None:
    history, today, sentence = WHAT[flag]
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        done = run_to_end(filled, "purge", flag, "--yes", "--config", "config.toml")

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{sentence} deleted in ")
        assert [users(server, table) for table in TABLES] == [history, today]
        server.wait_for_log(r"events purged history=\d today=\d names=\d+ pages=\d+ seconds=")
        open_now = server.request("GET", "/api/v1/sessions/current").json
        assert [session["username"] for session in open_now] == today
        sessions = server.request("GET", "/api/v1/sessions").json
        assert (len(sessions["sessions"]), sessions["history"]) == (len(history) // 2 + len(today), "complete")


def test_what_was_deleted_is_in_no_file_beside_the_database_either(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        server.post(an_event(username="dora.winter"))
        assert b"dora.winter" in server.database.with_name("winlog.db-wal").read_bytes()
        run_to_end(filled, "purge", "--today", "--yes", "--config", "config.toml")
        assert b"dora.winter" not in server.database.with_name("winlog.db-wal").read_bytes()


@pytest.mark.parametrize("flag", WHAT)
def test_without_a_server_the_command_does_it_itself(filled: Path, flag: str) -> None:
    history, today, sentence = WHAT[flag]
    done = run_to_end(filled, "purge", flag, "--yes", "--config", "config.toml")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{sentence} deleted in ")
    with running(filled, NEVER) as server:
        assert [users(server, table) for table in TABLES] == [history, today]


def test_the_logoff_of_a_purged_logon_is_an_orphan_with_and_without_a_restart(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        server.post(an_event(username="dave", timestamp="2026-01-13T09:00:00Z"))
        run_to_end(filled, "purge", "--today", "--yes", "--config", "config.toml")
        logoffs = [server.post(an_event(username=user, action="D")).json for user in ("alice", "dave")]
        again = server.post(an_event(username="dave", timestamp="2026-01-13T09:00:00Z")).json

    assert all(each["session_uuid"].startswith("orphan_") for each in logoffs)
    assert again["event_id"] > logoffs[1]["event_id"], "an event that was deleted and is sent again is a new one"


def test_it_works_below_the_free_space_that_events_need(filled: Path) -> None:
    with running(filled, IN_UTC, environ=MORE_THAN_THERE_IS) as server:
        server.wait_until_it_obeys()
        rotation = subprocess.Popen([sys.executable, "-m", "winlogd", "rotate"], cwd=filled)  # it waits for space
        try:
            done = run_to_end(filled, "purge", "--all", "--yes", environ=MORE_THAN_THERE_IS)
            assert (done.returncode, done.stderr) == (0, "")
            assert [users(server, table) for table in TABLES] == [[], []]
        finally:
            rotation.kill()
            rotation.wait()


def test_without_a_server_it_works_below_that_space_too(filled: Path) -> None:
    done = run_to_end(filled, "purge", "--all", "--yes", environ=MORE_THAN_THERE_IS)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 rows of events_history and 1 of events_today deleted in ")
    assert done.stderr.startswith("winlogd: sessions and counts by hour are not up to date yet: only ")
    with running(filled, NEVER) as server:
        wait_for(lambda: not server.rows("SELECT * FROM winlogd_hours"), "the counts", server.process)


def test_without_a_terminal_it_wants_yes_and_deletes_nothing(filled: Path) -> None:
    done = run_to_end(filled, "purge", "--all")

    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == "winlogd: nothing was done: this command asks first, and there is no terminal; --yes answers it\n"
    )


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1), ("yep\n", 1)])
def test_a_person_is_asked_with_the_count(filled: Path, answer: str, left: int) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "winlogd", "purge", "--today", "--config", "config.toml"]
    process = subprocess.Popen(command, cwd=filled, stdin=follower, stderr=follower, stdout=subprocess.PIPE, text=True)
    os.close(follower)
    os.write(leader, answer.encode())
    said = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(leader, 4096):
            said += piece
    os.close(leader)
    output, _ = process.communicate(timeout=PATIENCE_S)

    assert b"Delete 0 rows of events_history and 1 of events_today, for ever? [y/N]" in said
    assert (process.returncode, bool(output)) == ((1, False) if left else (0, True))
    with running(filled, NEVER) as server:
        assert len(users(server, "events_today")) == left


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--yes",), "one of the arguments --today --history --all --before is required"),
        (("--today", "--all"), "argument --all: not allowed with argument --today"),
        (("--before", "soon"), "--before: A time is RFC 3339"),
    ],
)
def test_a_wrong_command_line_deletes_nothing(tmp_path: Path, words: tuple[str, ...], fault: str) -> None:
    done = run_to_end(tmp_path, "purge", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"winlogd: {fault}")


# ── the retention ────────────────────────────────────────────────────────────────────────────────────────


def test_after_each_rotation_old_events_go(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.rotate()
        wait_for(lambda: users(server, "events_history") == ["carol", "carol"], "the deletion")
        server.wait_for_log(r"old events deleted history=2 today=0")
        assert users(server, "events_today") == ["alice"]


def test_a_reload_changes_how_long_the_archive_is_kept(filled: Path) -> None:
    with running(filled, NEVER + "[retention]\nhistory_days = 0\n") as server:
        server.rotate()
        server.wait_for_log("rotated")
        assert len(users(server, "events_history")) == 4
        (filled / "config.toml").write_text((filled / "config.toml").read_text().replace("_days = 0", "_days = 2"))
        os.kill(server.process.pid, 1)
        server.wait_for_log(r"configuration reloaded changed=retention.history_days")
        server.wait_for_log(r"the archive is kept for 2 days")
        server.rotate()
        wait_for(lambda: users(server, "events_history") == [], "the deletion")
        assert server.rows("SELECT value FROM winlogd_meta WHERE key = 'history_kept_days'") == [{"value": "2"}]


def test_an_archive_that_was_taken_over_stays_until_somebody_decides(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_open()
        server.execute("DROP TABLE winlogd_holds")
        server.stop()
    with running(filled, NEVER) as server:
        server.wait_for_log(r"WARN.*the archive is kept for ever, until retention.history_days is set: .* taken over")
        server.rotate()
        server.wait_for_log("rotated")
        server.stop()
        assert len(users(server, "events_history")) == 4
    with running(filled, NEVER + "[retention]\nhistory_days = 365\n") as server:
        server.wait_for_log(r"the archive is kept for 365 days")
        server.rotate()
        wait_for(lambda: users(server, "events_history") == ["carol", "carol"], "the deletion")
        assert not re.search("WARN.*kept for ever", server.log)


@pytest.mark.parametrize("early", [{"order": "hold", "end": 77}, {"order": "purge", "what": "today"}, None])
def test_it_stays_also_if_somebody_gave_an_order_before_the_database_was_open(
    filled: Path, early: dict[str, object] | None
) -> None:
    server = Winlogd(filled, NEVER)
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("INSERT INTO winlogd_meta VALUES ('taken_over', '1')")
        other.execute("BEGIN EXCLUSIVE")  # the server cannot open the database
        server.start()
        try:
            if early is None:
                (filled / "config.toml").write_text(NEVER + "[retention]\nhistory_days = 0\n")
                reload(server, "configuration reloaded changed=retention.history_days")
                (filled / "config.toml").write_text(NEVER)
                reload(server, "(.|\n)*".join(["configuration reloaded changed=retention.history_days"] * 2))
            else:
                order_at_once(server, early)
            other.execute("ROLLBACK")
            server.wait_until_it_obeys()
            server.wait_for_log(r"WARN.*the archive is kept for ever, until retention.history_days is set")
            server.rotate()
            server.wait_for_log("rotated")
            server.rotate()  # a deletion that the first one has asked for has ended
            server.stop()
            assert users(server, "events_history")[:2] == ["bob", "bob"]
        finally:
            server.kill()


def test_after_a_clock_that_jumped_ahead_nothing_goes_that_night(filled: Path) -> None:
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as connection, connection:
        day = f"{NOW - timedelta(days=33):%Y-%m-%d}"
        connection.execute("UPDATE winlogd_meta SET value = ? WHERE key = 'rotated_day'", (day,))
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        server.rotate()
        server.wait_for_log(r"WARN.*the last rotation was long ago, .* stay until the next rotation days=33")
        run_to_end(filled, "purge", "--today", "--yes")  # a deletion that was asked for before would have ended
        assert len(users(server, "events_history")) == 4
        server.rotate()
        wait_for(lambda: users(server, "events_history") == ["carol", "carol"], "the deletion")


def reload(server: Winlogd, said: str) -> None:
    """Have the server read its configuration again, and wait for the line that says so."""
    os.kill(server.process.pid, signal.SIGHUP)
    server.wait_for_log(said)


def order_at_once(server: Winlogd, order: dict[str, object]) -> None:
    """Give an order. Do not wait for its end: it waits for the database."""
    with socket.socket(socket.AF_UNIX) as sock:
        wait_for(server.database.with_name("winlog.db.control").is_socket, "the control socket", server.process)
        sock.connect(str(server.database.with_name("winlog.db.control")))
        sock.sendall(json.dumps(order).encode() + b"\n")
        assert server.request("GET", "/health").status == 200  # the loop has read the order before


def test_old_rows_of_the_readers_log_go_with_the_rotation(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.request("GET", "/api/v1/users/bob")
        server.stop()
        access = server.database.with_name("winlog.access")
        with closing(sqlite3.connect(access)) as connection:
            connection.execute("UPDATE looks SET at_us = 1")
            connection.commit()
        server.start()
        server.request("GET", "/api/v1/users/alice")
        server.rotate()
        server.wait_for_log(r"rotated")

        def rows() -> int:
            with closing(sqlite3.connect(access, timeout=PATIENCE_S)) as connection:
                return int(connection.execute("SELECT count(*) FROM looks").fetchone()[0])

        wait_for(lambda: "old events deleted" in server.log, "the retention")
        server.stop()
        assert rows() == 1
