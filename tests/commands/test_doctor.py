"""``winlogd doctor``: its text, its JSON and its status; that it changes nothing, and what other users get."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.commands.test_reading_rights import GROUP, OWNER, STRANGER, give, make, run_as, users
from tests.support.doctor import doctor, examined, make_site
from tests.support.questions import at
from tests.support.running import Winlogd, an_event, run_to_end, running

pytestmark = pytest.mark.long  # each command is a process

CHECKS: Final = [
    *(
        "configuration",
        "owners",
        "certificate",
        "certificate shown",
        "versions",
        "server",
        "refusals",
        "readers",
        "free space",
    ),
    *("disk speed", "backup", "patterns", "archive", "growth", "rotation", "retention", "events", "machines", "clocks"),
    "logoffs",
]

MORNING_US: Final = at(0, 10)
"""Before the first rotation of the site at `place`."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can become another user")


@pytest.fixture
def healthy(server: Winlogd) -> Winlogd:
    """A server with a workstation and a backup."""
    server.wait_until_settled()
    assert server.post(an_event(timestamp=datetime.now(UTC).isoformat())).status == 200
    assert run_to_end(server.folder, "backup").returncode == 0
    return server


def test_a_healthy_site_is_one_line_and_status_0(healthy: Winlogd) -> None:
    ended = doctor(healthy.folder, now_us=0)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "20 checks: 20 fine\n", "")


def test_the_help_tells_the_exit_statuses_of_the_doctor(tmp_path: Path) -> None:
    shown = doctor(tmp_path, "--help").stdout.partition("exit statuses:\n")[2].splitlines()
    assert shown == [
        "  0  nothing needs a person",
        "  1  something needs a person: there is a fault, also one of the configuration",
        "  2  the command line is wrong; nothing was looked at",
    ]


def test_all_checks_have_a_line_if_asked_for(healthy: Winlogd) -> None:
    for flag in ("-v", "--all"):
        *lines, _ = doctor(healthy.folder, flag, now_us=0).stdout.splitlines()
        assert len(lines) == 20
        assert {line[:7] for line in lines} == {"ok     "}


def test_the_json_has_all_findings_with_all_members(healthy: Winlogd) -> None:
    found = examined(healthy.folder, now_us=0)
    assert found.status == 0
    assert list(found.answer) == ["version", "faults", "notes", "findings"]
    assert (found.answer["faults"], found.answer["notes"]) == (0, 0)
    assert list(found.checks) == CHECKS
    assert {each.level for findings in found.checks.values() for each in findings} == {"ok"}


def test_a_note_alone_leaves_the_status_0(healthy: Winlogd) -> None:
    found = examined(healthy.folder, now_us=0, environ={"WINLOGD_RETENTION_HISTORY_DAYS": "0"})
    assert (found.status, found.answer["notes"], found.answer["faults"]) == (0, 1, 0)


def test_a_fault_is_printed_first_with_its_advice_and_is_status_1(tmp_path: Path) -> None:
    ended = doctor(make_site(tmp_path), environ={"COLUMNS": "80"})
    lines = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (1, "")
    assert lines[:4] == [
        "FAULT  server    no server runs with this database",
        "                 workstations try for some seconds, then they drop their event:",
        "                 logons are lost",
        "                 -> sudo systemctl start winlogd, and look into its log:",
    ]
    assert lines[-1] == "20 checks: 17 fine, 2 with faults, 1 with a note"


def test_it_changes_nothing_and_leaves_nothing(healthy: Winlogd) -> None:
    """It works beside a running server, after a kill, and after a stop."""
    before = _files(healthy.folder)
    assert doctor(healthy.folder, now_us=0).returncode == 0
    assert _files(healthy.folder) == before
    healthy.kill()
    before = _files(healthy.folder)
    assert examined(healthy.folder, now_us=0).faults() == {"server"}
    assert _files(healthy.folder) == before
    healthy.restart()
    healthy.wait_until_open()
    assert healthy.stop() == 0
    before = _files(healthy.folder)
    assert examined(healthy.folder, now_us=0).faults() == {"server"}
    assert _files(healthy.folder) == before


def _files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files in the database's folder, but for the index of the WAL and the sockets."""
    return {
        path.name: path.read_bytes()
        for path in (folder / "data").iterdir()
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_a_full_disk_as_standard_output_is_status_1(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "winlogd", "doctor", "--json"]
        ended = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1
    assert ended.stderr == b"winlogd: standard output cannot be written: No space left on device\n"


def test_a_fault_in_a_check_costs_no_other(healthy: Winlogd) -> None:
    found = examined(healthy.folder, now_us=0, before="from winlogd.commands.checks import owners; owners.fine = None")
    assert found.one("owners").what == "the check has failed: TypeError: 'NoneType' object is not callable"
    assert found.faults() == {"owners"}
    assert list(found.checks) == CHECKS


# ── other users ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of root that everybody may search. In it, a folder with a database at rest that belongs to the owner."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        make(folder)
        give(folder / "data", OWNER)
        (folder / "data" / "winlog.db").chmod(0o640)
        yield folder


def as_user(user: int, group: int) -> str:
    """Return Python that becomes a user. Only root can read a Python below /root, so it loads everything before."""
    return (
        "import email.parser, tomllib; from winlogd.daemon import privileges; privileges._load_what_comes_later();"
        f"os.setgroups(()); os.setgid({group}); os.setuid({user})"
    )


@needs_root
def test_root_leaves_nothing_of_roots(place: Path) -> None:
    assert examined(place, now_us=MORNING_US).faults() == {"server", "backup"}
    assert users(place) == {"winlog.db": OWNER}
    with running(place) as server:
        server.wait_until_it_obeys()
        assert examined(place, now_us=MORNING_US).faults() == {"backup"}
        assert set(users(place).values()) == {OWNER}


@needs_root
def test_the_owner_finds_the_same_as_root(place: Path) -> None:
    assert examined(place, now_us=MORNING_US, before=as_user(OWNER, GROUP)).faults() == {"server", "backup"}
    assert users(place) == {"winlog.db": OWNER}


@needs_root
def test_a_stranger_is_told_what_could_not_be_looked_at(place: Path) -> None:
    found = examined(place, now_us=MORNING_US, before=as_user(STRANGER, STRANGER))
    assert found.faults() == {"database"}
    assert "run this as the user that winlogd runs as" in found.one("database").what
    # The packages may be in a folder that a stranger can enter or not.
    checks = [findings for name, findings in found.checks.items() if name != "versions"]
    notes = [each for findings in checks for each in findings if each.level == "note"]
    assert notes
    assert {each.what.partition(" could not be looked at: ")[2] for each in notes} == {"Permission denied"}


@needs_root
def test_a_member_of_the_group_reads_the_database_and_writes_nothing(place: Path) -> None:
    found = examined(place, now_us=MORNING_US, before=as_user(STRANGER, GROUP))
    assert found.faults() == {"server", "backup"}
    assert found.one("disk speed").level == "note"
    assert users(place) == {"winlog.db": OWNER}


@needs_root
def test_another_user_cannot_see_if_a_killed_server_runs(place: Path) -> None:
    """A killed server leaves its control socket, which is closed to the group."""
    with running(place) as server:
        server.wait_until_it_obeys()
        server.kill()
    found = examined(place, now_us=MORNING_US, before=as_user(STRANGER, GROUP))
    for check in ("server", "refusals"):
        note = found.one(check)
        assert (note.level, note.advice[:16]) == ("note", "run this as root")
        assert note.what.endswith(" could not be looked at: Permission denied")
    ended = run_as(place, STRANGER, GROUP, "status")
    assert ended.returncode == 1
    assert ended.stderr.startswith("winlogd: this user cannot see if winlogd is running: Permission denied; run this ")
