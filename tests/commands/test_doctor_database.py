"""``winlogd doctor`` finds what the database says: clocks, machines, logoffs, rotation, retention, a full disk."""

import os
import shutil
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.doctor import NOW_US, SETTINGS, doctor, examined, make_site
from tests.support.older import GOLDEN
from tests.support.questions import at, receive, sent, stay
from tests.support.running import an_event, running
from tests.support.school_clients import Sent
from tests.support.school_rows import ClockedServer

pytestmark = pytest.mark.long  # each command is a process

MACHINES: Final = f'{SETTINGS}rooms_file = "machines.csv"\n'
_MOUNTED: Final = 'mount -t tmpfs -o size=$0 none data && cp -a "$1"/. data && shift && exec "$@"'
"""A script that runs a command with the database on a small disk of its own."""


def a_week(*hostnames: str, days: int = 5, logs_off: bool = True) -> list[Sent]:
    """Return an hour of somebody on each machine, on each of the last days."""
    return [
        event
        for day in range(1 - days, 1)
        for hostname in hostnames
        for event in stay(at(day, 8), at(day, 9), f"user-{hostname}", hostname)[: 1 + logs_off]
    ]


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_that_is_two_hours_off_is_a_fault_with_advice(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        by_its_clock = datetime.now(UTC) - timedelta(hours=2)
        assert server.post(an_event(timestamp=by_its_clock.isoformat())).status == 200
        found = examined(tmp_path, now_us=0)
        assert server.stop() == 0
    fault = found.one("clocks")
    assert fault.level == "fault"
    assert "in 1 of the last week's 1 sessions (100 %): A102-07 (1 of 1, 2 h 0 min slow)" in fault.what
    assert "w32tm /resync" in fault.advice
    assert found.status == 1


def test_right_clocks_are_fine(tmp_path: Path) -> None:
    assert examined(make_site(tmp_path)).one("clocks").level == "ok"


# ── machines ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_room_that_fell_silent_is_a_fault(tmp_path: Path) -> None:
    others = a_week(*(f"B1-{number}" for number in range(30)), days=12)
    found = examined(make_site(tmp_path, *others, *stay(at(-20, 8), at(-20, 9), "a", "A1-1"),
                               *stay(at(-20, 8), at(-20, 9), "b", "A1-2")))  # fmt: skip
    fault = found.one("machines")
    assert fault.level == "fault"
    assert fault.what.startswith("2 of 32 machines sent nothing on the last 10 days with events: A1-1, A1-2; all of")
    assert "room A1" in fault.what
    assert "docs/clients.md" in fault.advice


def test_one_silent_machine_of_many_is_a_note(tmp_path: Path) -> None:
    others = a_week(*(f"B1-{number}" for number in range(30)), days=12)
    note = examined(make_site(tmp_path, *others, *stay(at(-20, 8), at(-20, 9), "a", "A1-1"))).one("machines")
    assert (note.level, note.what[:20]) == ("note", "1 of 31 machines sen")


@pytest.mark.parametrize(("days", "level"), [(2, "note"), (12, "fault")])
def test_machines_that_were_never_seen_are_a_fault_only_after_the_first_weeks(
    days: int, level: str, tmp_path: Path
) -> None:
    (tmp_path / "machines.csv").write_text("hostname,room\nA102-07,A102\nA102-08,A102\nA102-09,A102\n")
    found = examined(make_site(tmp_path, *a_week("A102-07", days=days), settings=MACHINES)).one("machines")
    assert (found.level, found.what) == (level, "2 of 3 machines were never seen: A102-08, A102-09")
    assert "retired" in found.advice


def test_a_database_without_an_event_is_a_fault_and_one_that_is_quiet_a_note(tmp_path: Path) -> None:
    (tmp_path / "empty" / "data").mkdir(parents=True)
    with ClockedServer(tmp_path / "empty" / "data" / "winlog.db", at(0, 7)):
        pass
    assert examined(tmp_path / "empty").one("events").what == "no workstation has sent an event yet"
    (tmp_path / "quiet").mkdir()
    note = examined(make_site(tmp_path / "quiet", *stay(at(-8, 8), at(-8, 9), "alice"))).one("events")
    assert (note.level, note.what) == ("note", "no event has come for 9 days, since 2026-01-04 09:00")


# ── logoffs ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_room_whose_logoffs_are_missing_is_a_fault_and_no_other(tmp_path: Path) -> None:
    broken = a_week("A1-1", "A1-2", "A1-3", logs_off=False)
    found = examined(make_site(tmp_path, *broken, *a_week("B1-1", "B1-2", "B1-3")))
    fault = found.one("logoffs")
    assert (fault.level, fault.what) == (
        "fault",
        "12 of the last week's 12 sessions of room A1 have no logoff (100 %)",  # those of yesterday are open
    )
    assert "--ended-by auto,expired" in fault.advice


# ── rotation and retention ────────────────────────────────────────────────────────────────────────────


def test_a_rotation_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    with ClockedServer(tmp_path / "data" / "winlog.db", at(-3, 7)) as server:
        receive(server, sent(at(-3, 8), "alice", "C"))
    fault = examined(tmp_path).one("rotation")
    assert (fault.level, fault.what) == (
        "fault",
        "the last rotation was on 2026-01-09, and the one of 2026-01-13 is missing",
    )
    assert fault.advice.endswith("then winlogd rotate")


def test_no_rotation_at_all_is_a_note(tmp_path: Path) -> None:
    note = examined(make_site(tmp_path, settings=f'{SETTINGS}[rotation]\nat = ""\n')).one("rotation")
    assert (note.level, note.what[:32]) == ("note", "nothing is rotated by itself: ro")


def test_an_archive_that_was_taken_over_waits_for_a_decision(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(GOLDEN, tmp_path / "data" / "winlog.db")
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        note = examined(tmp_path).one("retention")
        assert (note.level, note.what[-12:]) == ("note", "older server")
        assert server.stop() == 0
    assert examined(tmp_path, environ={"WINLOGD_RETENTION_HISTORY_DAYS": "365"}).one("retention").level == "ok"
    assert examined(tmp_path, environ={"WINLOGD_RETENTION_HISTORY_DAYS": "0"}).one("retention").level == "note"


def test_an_archive_that_is_not_read_whole_is_a_note(tmp_path: Path) -> None:
    site = make_site(tmp_path, *a_week("A1-1"))
    assert examined(site).one("archive").level == "ok"
    with closing(apsw.Connection(str(site / "data" / "winlog.db"))) as connection:
        connection.execute("INSERT INTO winlogd_ranges VALUES (1, 4)")
    note = examined(site).one("archive")
    assert (note.level, note.what[:40]) == ("note", "the archive is still being read (buildin")


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_damaged_database_is_one_fault_with_advice(tmp_path: Path) -> None:
    make_site(tmp_path)
    with open(tmp_path / "data" / "winlog.db", "r+b") as file:
        file.write(b"not SQLite" * 1000)
    found = examined(tmp_path)
    assert "is not a database, or a damaged one" in found.one("database").what
    assert "docs/operate.md, Restore" in found.one("database").advice
    assert found.faults() == {"database", "server", "backup"}


def test_a_database_that_is_damaged_inside_is_one_fault_with_advice(tmp_path: Path) -> None:
    make_site(tmp_path, *a_week(*(f"B1-{number}" for number in range(9)), days=6))
    with closing(apsw.Connection(str(tmp_path / "data" / "winlog.db"))) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'winlogd_past'").get
        size = connection.execute("PRAGMA page_size").get
    with open(tmp_path / "data" / "winlog.db", "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    found = examined(tmp_path)
    assert "malformed" in found.one("database").what
    assert found.status == 1


def test_a_database_that_is_not_there_is_one_fault(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert found.faults() == {"database"}
    assert "does not exist" in found.one("database").what
    assert os.listdir(tmp_path) == []


# ── a disk that fills ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can mount")
def test_a_disk_that_is_full_in_some_days_is_a_fault(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", tmp_path], check=False).returncode:
        pytest.skip("missing: the right to mount")
    made = make_site(tmp_path, *a_week("A1-1", days=21)).joinpath("data").rename(tmp_path / "made")
    (tmp_path / "data").mkdir()
    kib = (made / "winlog.db").stat().st_size // 1024
    on_a_small_disk = ("unshare", "-m", "sh", "-c", _MOUNTED, f"{kib + 64}k", str(made))
    found = examined(tmp_path, prefix=on_a_small_disk)
    fault = next(each for each in found.checks["growth"] if each.level == "fault")
    assert fault.what.startswith("the disk is full in ")
    assert "retention.history_days" in fault.advice
    assert {"growth", "backup"} <= found.faults()
    assert found.checks["backup"][-1].what.startswith("the next backup does not fit")


def test_a_disk_below_the_limit_is_a_fault(tmp_path: Path) -> None:
    ended = doctor(make_site(tmp_path), now_us=NOW_US, environ={"WINLOGD_LIMITS_MIN_FREE_DISK": "1000000000"})
    assert ended.returncode == 1
    assert "of at least 1000000000 MB (limits.min_free_disk)" in ended.stdout
    assert "make room: remove old backups, or winlogd purge --before DATE" in ended.stdout
