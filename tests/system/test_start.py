"""A start needs a free port, a folder, and a valid database that no other server uses."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.paths import DATA
from tests.support.running import Winlogd, an_event, listening_port, run_to_end, running, wait_for

pytestmark = pytest.mark.long


def fails_with_one_line(ended: subprocess.CompletedProcess[str], pattern: str) -> None:
    """Assert that the exit status is 1 and that exactly one line is an error, which matches `pattern`."""
    assert ended.returncode == 1
    assert ended.stdout == ""
    (error,) = [line for line in ended.stderr.splitlines() if " INFO " not in line]
    assert re.search(f"^\\S+Z ERROR .*{pattern}", error)


def test_closed_standard_descriptors_are_given_to_nothing_else(tmp_path: Path) -> None:
    """Otherwise the next file would get the number 2, and the log would be written into it."""
    server = Winlogd(tmp_path)
    server.command = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *server.command)
    try:
        server.spawn()
        server.port = wait_for(lambda: listening_port(server.process.pid), "a listening socket", server.process)
        assert server.post(an_event()).status == 200
        for number in range(3):
            assert os.readlink(f"/proc/{server.process.pid}/fd/{number}") == "/dev/null"
        assert server.stop() == 0
    finally:
        server.kill()


def test_without_any_file_the_database_is_made_below_the_working_directory(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    (tmp_path / "config.toml").unlink()
    server.command = server.command[:-2]  # without --config FILE
    try:
        server.start()
        assert server.post(an_event()).status == 200
        assert server.stop() == 0
    finally:
        server.kill()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "winlogd.log"]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["winlog.db", "winlog.db.lock"]


def test_a_port_in_use_ends_the_start(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        ended = run_to_end(tmp_path, environ={"WINLOGD_SERVER_PORT": port})
    fails_with_one_line(ended, f"cannot listen on 127.0.0.1 port {port}: .*in use")


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "x" * 70])
def test_an_address_that_is_not_this_machines_ends_the_start(host: str, tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, environ={"WINLOGD_SERVER_HOST": host})
    fails_with_one_line(ended, f"cannot listen on {host} port 0: ")


def test_a_folder_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    ended = run_to_end(tmp_path, environ={"WINLOGD_DATABASE_PATH": "file/data/winlog.db"})
    fails_with_one_line(ended, "the database's folder cannot be used: .*file")


def test_a_folder_in_the_databases_place_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "winlog.db").mkdir()
    ended = run_to_end(tmp_path, environ={"WINLOGD_DATABASE_PATH": "winlog.db"})
    fails_with_one_line(ended, "winlog.db cannot be opened")


def test_a_database_that_can_only_be_read_ends_the_start(server: Winlogd) -> None:
    server.wait_until_open()
    assert server.stop() == 0
    server.database.chmod(0o444)
    # root may read any file: setpriv(1) removes that right.
    if os.geteuid() == 0:
        server.command = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *server.command)
    server.spawn()
    assert server.wait() == 1
    assert re.search(r"ERROR \S+winlog.db cannot be opened \(it can only be read: ", server.log)
    assert "Traceback" not in server.log


def test_a_file_that_is_no_database_ends_the_start_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    before = (tmp_path / "letter.txt").read_bytes()
    ended = run_to_end(tmp_path, environ={"WINLOGD_DATABASE_PATH": "letter.txt"})
    fails_with_one_line(ended, "letter.txt is not a database")
    assert (tmp_path / "letter.txt").read_bytes() == before


def test_a_damaged_database_ends_the_start(server: Winlogd) -> None:
    server.post(an_event())
    assert server.stop() == 0
    octets = bytearray(server.database.read_bytes())
    octets[100:8192] = b"\xa5" * (8192 - 100)
    server.database.write_bytes(octets)
    fails_with_one_line(run_to_end(server.folder), "winlog.db is damaged")


def test_a_database_of_a_newer_winlogd_ends_the_start(server: Winlogd) -> None:
    server.wait_until_open()
    assert server.stop() == 0
    server.execute("PRAGMA user_version = 99")
    fails_with_one_line(run_to_end(server.folder), "was written by a newer winlogd")


def test_another_programs_database_ends_the_start_and_stays_as_it_is(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, other:
        other.execute("CREATE TABLE events_today (title TEXT, price INTEGER)")
    ended = run_to_end(tmp_path, environ={"WINLOGD_DATABASE_PATH": "other.db"})
    fails_with_one_line(ended, "it is not a winlog database")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        assert [name for (name,) in other.execute("SELECT name FROM sqlite_master")] == ["events_today"]


# ── one database, one winlogd ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["data/winlog.db", "data/../data/winlog.db", "link/winlog.db", "link.db"])
def test_a_second_winlogd_on_the_same_database_is_refused_by_whatever_name(path: str, server: Winlogd) -> None:
    (server.folder / "link").symlink_to("data")
    (server.folder / "link.db").symlink_to("data/winlog.db")
    ended = run_to_end(server.folder, environ={"WINLOGD_DATABASE_PATH": path})
    fails_with_one_line(ended, f"another winlogd is using {server.database}: stop it first")
    assert server.post(an_event()).status == 200


def test_a_second_winlogd_on_the_same_database_and_port_is_told_of_the_database(server: Winlogd) -> None:
    ended = run_to_end(server.folder, environ={"WINLOGD_SERVER_PORT": str(server.port)})
    fails_with_one_line(ended, f"another winlogd is using {server.database}: stop it first")


def test_the_lock_ends_with_its_owner_and_its_file_stays(server: Winlogd) -> None:
    server.kill()
    assert (server.folder / "data" / "winlog.db.lock").exists()
    server.start()
    assert server.post(an_event()).status == 200
    assert server.stop() == 0
    assert (server.folder / "data" / "winlog.db.lock").exists()


def test_a_database_that_is_locked_at_the_start_is_waited_for(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / "data" / "older.db").rename(tmp_path / "data" / "winlog.db")
    with closing(sqlite3.connect(tmp_path / "data" / "winlog.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with running(tmp_path) as server:
            assert server.request("GET", "/health").status == 200
            wait_for(lambda: "cannot be written for now" in server.log, "a line about the lock", server.process)
            other.execute("COMMIT")
            assert server.post(an_event()).status == 200
            assert len(server.request("GET", "/api/v1/sessions/current").json) == 15
