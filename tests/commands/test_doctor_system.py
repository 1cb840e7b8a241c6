"""``winlogd doctor`` finds what is wrong around the database: options, server, readers, disk, backup."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.doctor import NOW_US, Found, examined, make_site, set_options
from tests.support.locks import locked
from tests.support.questions import at
from tests.support.readers import add_reader
from tests.support.running import (
    A_SMALL_DISK_WILL_DO,
    Winlogd,
    an_event,
    run_to_end,
    running,
    until_stored,
)
from tests.support.school_building import DAY_US

pytestmark = pytest.mark.long  # each command is a process

_IMPATIENT: Final = "from winlogd.commands.checks import context; context._PATIENCE_S = 0.2"
_SLOW_DISK: Final = "from winlogd.commands.checks import disk; os.fsync = lambda descriptor: time.sleep(0.15)"
_READ_ONLY: Final = 'mount --bind data data && mount -o remount,ro,bind data && exec "$@"'

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site that no server uses."""
    return make_site(tmp_path)


# ── configuration ─────────────────────────────────────────────────────────────────────────────────────


def test_each_mistake_of_the_configuration_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 70000\nhots = 1\n")
    found = examined(tmp_path)
    assert [each.level for each in found.checks["configuration"]] == ["fault", "fault"]
    assert "server.port = 70000" in found.checks["configuration"][0].what
    assert "winlogd check-config" in found.checks["configuration"][0].advice
    assert found.status == 1


def test_a_list_of_machines_that_is_wrong_is_a_fault_and_the_machines_are_not_looked_at(site: Path) -> None:
    set_options(site, 'rooms_file = "machines.csv"\n')
    (site / "machines.csv").write_text("no,such,columns\n")
    found = examined(site)
    assert "rooms.rooms_file" in found.checks["configuration"][0].what
    assert found.one("database").meaning == "without the rooms, the machines cannot be looked at"


def test_what_is_allowed_but_will_hurt_is_a_note_and_what_prevents_a_start_a_fault(site: Path) -> None:
    set_options(site, '[security]\nexpected_user_agent = "Winlog/*"\n')
    note, fine = examined(site).checks["configuration"]
    assert (note.level, fine.level) == ("note", "ok")
    assert "every event is refused" in note.what
    fault, *_ = examined(site, environ={"WINLOGD_SERVER_HOST": "192.0.2.1"}).checks["configuration"]
    assert (fault.level, fault.meaning) == ("fault", "the server will not start with it")


def test_a_pattern_that_matches_no_machine_is_a_note(tmp_path: Path) -> None:
    with running(tmp_path, '[sessions]\nmulti_user = ["TS-*"]\n') as server:
        server.wait_until_it_obeys()
        assert examined(tmp_path).one("patterns").level == "ok"
        assert server.post(an_event()).status == 200
        note = examined(tmp_path).one("patterns")
    assert (note.level, note.what[:28]) == ("note", 'sessions.multi_user: "TS-*" ')


def test_a_database_that_does_not_exist_needs_another_advice_than_a_damaged_one(tmp_path: Path) -> None:
    found = examined(tmp_path)
    fault = found.one("database")
    assert fault.what == f"{tmp_path / 'data' / 'winlog.db'} does not exist: winlogd has no database there"
    assert fault.advice.startswith("if there was a database, mount its disk, or correct database.path")


# ── server and refusals ───────────────────────────────────────────────────────────────────────────────


def test_a_server_that_does_not_run_is_a_fault(site: Path) -> None:
    found = examined(site)
    assert found.one("server").advice.startswith("sudo systemctl start winlogd")
    assert found.one("refusals").level == "note"
    assert "could not be looked at" in found.one("refusals").what


def test_a_server_that_does_not_answer_is_a_fault(server: Winlogd) -> None:
    server.wait_until_it_obeys()
    server.process.send_signal(signal.SIGSTOP)
    try:
        found = examined(server.folder, now_us=0, before=_IMPATIENT)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert found.one("server").what == "the running server does not answer: no answer for 0.2 s"
    assert "systemctl restart" in found.one("server").advice


def test_a_server_that_cannot_store_events_is_a_fault(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 3\n") as server:  # a short lock is not reported
        server.wait_until_settled()
        with closing(sqlite3.connect(server.database)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert server.post(an_event()).status == 503
            fault = examined(tmp_path, now_us=0).one("server")
        assert (fault.level, fault.what[:36]) == ("fault", "the server cannot store events since")
        assert fault.what.endswith(": the database is locked by another program")
        assert "end the program that has locked the database" in fault.advice
        until_stored(server, an_event())
        assert examined(tmp_path, now_us=0).one("server").level == "ok"


def test_a_lock_of_another_program_is_noticed_although_no_event_comes(server: Winlogd) -> None:
    server.wait_until_it_obeys()
    with locked(server):
        fault = examined(server.folder, now_us=0).one("server")
    assert (fault.level, fault.what[:36]) == ("fault", "the server cannot store events since")


def test_a_server_of_before_an_upgrade_is_a_fault(site: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site / "data" / "winlog.db.control"))
        listener.listen()
        older = threading.Thread(target=_answer_as_an_older_server, args=(listener,))
        older.start()
        fault = examined(site).one("server")
        older.join()
    assert "'refusals' is no order" in fault.what
    assert fault.advice == "sudo systemctl restart winlogd"


def _answer_as_an_older_server(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        assert json.loads(connection.recv(1024)) == {"order": "refusals"}
        connection.sendall(b'{"error":"\'refusals\' is no order; the orders are rotate, token"}\n')


def test_a_sender_that_is_refused_again_and_again_is_a_fault_of_its_host(server: Winlogd) -> None:
    server.wait_until_it_obeys()
    assert examined(server.folder, now_us=0).one("refusals").level == "ok"
    for _ in range(25):
        assert server.post(an_event(action="X", hostname="A102-07")).status == 400
    assert server.request("GET", "/nowhere").status == 404
    fault, note = examined(server.folder, now_us=0).checks["refusals"]
    assert fault.what == "25 requests of A102-07 (127.0.0.1) refused today: 400 Invalid action"
    assert "journalctl" in fault.advice
    assert (note.level, note.what) == ("note", "1 other request refused today, such as 127.0.0.1: 404 Not Found")


# ── readers ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("runs", [True, False], ids=["with a server", "without one"])
def test_tokens_that_end_soon_and_plain_http_are_notes(runs: bool, tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nplain_login = true\n") as server:
        server.wait_until_it_obeys()
        add_reader(tmp_path, "Frau Meier", "--scope", "now", "--expires", "2030-01-10")
        add_reader(tmp_path, "screen", "--scope", "wall")
        if not runs:
            assert server.stop() == 0
        assert _readers(tmp_path, at(1, 0))[-1].what.startswith("scope now: Frau Meier; scope wall: screen")
        plain, ends, unused, _ = _readers(tmp_path, at(0, 0) + 1455 * DAY_US)
    assert "security.plain_login is true" in plain.what
    assert ends.what == "the token of Frau Meier ends on 2030-01-10"
    assert unused.what == "not used for half a year: Frau Meier, screen"
    assert {each.level for each in (plain, ends, unused)} == {"note"}


def _readers(folder: Path, now_us: int) -> list[Found]:
    return examined(folder, now_us=now_us).checks["readers"]


def test_who_reads_without_a_token_is_said(site: Path) -> None:
    set_options(site, '[security]\nread_networks = ["10.1.0.0/16"]\n')
    what = examined(site).one("readers").what
    assert "without a token 10.1.0.0/16 (who is on now)" in what
    assert what.endswith("this machine without a token (everything, until the first reader is added)")
    assert "this machine" not in examined(site, environ={"WINLOGD_SECURITY_LOCAL_READS": "false"}).one("readers").what


# ── disk and backup ───────────────────────────────────────────────────────────────────────────────────


def test_a_slow_disk_is_a_note(site: Path) -> None:
    note = examined(site, before=_SLOW_DISK).one("disk speed")
    assert note.level == "note"
    assert "iotop" in note.advice


@needs_root
def test_a_folder_that_cannot_be_written_is_a_fault(site: Path) -> None:
    prefix = ("unshare", "-m", "sh", "-c", _READ_ONLY, "sh")
    if subprocess.run([*prefix, "true"], cwd=site, check=False, capture_output=True).returncode:
        pytest.skip("missing: the right to mount")
    fault = examined(site, prefix=prefix).one("disk speed")
    assert fault.what == f"nothing can be written in {site / 'data'}: Read-only file system"


def test_a_backup_that_is_missing_or_old_is_a_fault(site: Path) -> None:
    fault = examined(site).one("backup")
    assert fault.what == f"there is no backup in {site / 'data' / 'backups'}"
    assert fault.advice.startswith("sudo systemctl enable --now winlogd-backup.timer")
    assert run_to_end(site, "backup", environ=A_SMALL_DISK_WILL_DO).returncode == 0
    assert examined(site, now_us=0).one("backup").level == "ok"
    [backup] = (site / "data" / "backups").iterdir()
    backup.rename(backup.with_name("winlog-20260103T020000Z.db"))
    fault = examined(site, now_us=NOW_US).one("backup")
    assert (fault.level, fault.what) == ("fault", f"the last backup in {site / 'data' / 'backups'} is 10 days old")


def test_the_backups_are_those_of_the_database_behind_a_link(site: Path) -> None:
    (site / "behind.db").symlink_to(site / "data" / "winlog.db")
    set_options(site, '[database]\npath = "behind.db"\n[backup]\nfolder = "data/backups"\n')
    assert run_to_end(site, "backup", environ=A_SMALL_DISK_WILL_DO).returncode == 0
    assert examined(site, now_us=0).one("backup").level == "ok"


def test_a_name_with_no_time_or_a_time_of_the_future_is_no_backup(site: Path) -> None:
    folder = site / "data" / "backups"
    folder.mkdir()
    for stamp in ("20261399T990000Z", "20991231T020000Z"):
        (folder / f"winlog-{stamp}.db").write_text("a backup")
    (folder / "winlog-20260104T020000Z.db").touch()  # an empty file is none either
    assert examined(site).one("backup").what == f"there is no backup in {folder}"
    (folder / "winlog-20260103T020000Z.db").write_text("a backup")
    assert examined(site).one("backup").what == f"the last backup in {folder} is 10 days old"
