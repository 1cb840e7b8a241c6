"""`winlogd export`: sessions or events in a file, whole, with a manifest and a row in the readers' log."""

import csv
import hashlib
import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.commands import Ended
from tests.support.running import A_SMALL_DISK_WILL_DO, COMMAND_PATIENCE_S, PATIENCE_S, wait_for
from tests.support.small_site import ESC, FORMULA, HOSTILE, REVERSED, make_site, run
from winlogd.api.session_fields import FIELDS
from winlogd.commands.export_output import NewFile
from winlogd.commands.terminal import FailedError
from winlogd.store.read.events import StoredEvent

pytestmark = pytest.mark.long


@pytest.fixture
def own_site(tmp_path: Path) -> Path:
    """Return a site that a test may write to."""
    return make_site(tmp_path)


def records(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def export(site: Path, *words: str) -> Ended:
    return run(site, "export", *words)


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────────


def test_csv_has_all_sessions_newest_first_and_runs_in_no_spreadsheet(own_site: Path) -> None:
    ended = export(own_site)
    rows = records(ended.out)
    assert tuple(rows[0]) == FIELDS
    assert len(rows) == 1 + 3 + len(HOSTILE)
    users = [row[0] for row in rows]
    assert f"'{FORMULA}" in users
    assert FORMULA not in users
    assert ended.notes[-1].startswith("9 sessions written to standard output; certain: 1, ")


def test_a_raw_csv_has_every_name_as_it_is(own_site: Path) -> None:
    users = {row[0] for row in records(export(own_site, "--raw").out)}
    assert set(HOSTILE) < users


def test_lines_of_json_have_every_name_as_it_is(own_site: Path) -> None:
    rows = [json.loads(line) for line in export(own_site, "--format", "jsonl").out.split("\n")[:-1]]
    assert set(HOSTILE) < {row["username"] for row in rows}
    assert [tuple(row) for row in rows] == [FIELDS] * 9


@pytest.mark.parametrize(("words", "columns"), [((), FIELDS), (("--events",), StoredEvent._fields)])
def test_an_sqlite_file_has_one_table(own_site: Path, words: tuple[str, ...], columns: tuple[str, ...]) -> None:
    table, file = "events" if words else "sessions", own_site / "out.db"
    assert export(own_site, *words, "--format", "sqlite", "--output", str(file)).status == 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = connection.execute(f"SELECT * FROM {table}")
        assert tuple(column[0] for column in found.description) == columns
        rows = found.fetchall()
    lines = export(own_site, *words, "--format", "jsonl").out.split("\n")[:-1]
    assert rows == [tuple(json.loads(line).values()) for line in lines]
    assert not [name for name in os.listdir(own_site / "data") if name.startswith("winlogd-export")]


def test_a_french_csv_has_semicolons_and_the_mark(own_site: Path) -> None:
    text = export(own_site, "--lang", "fr").out
    assert text.startswith("\ufeffusername;hostname;")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_no_name_runs_the_terminal(own_site: Path, form: str) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "winlogd", "export", "--raw" if form == "csv" else "--format=jsonl"]
    command = subprocess.Popen(words, cwd=own_site, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    assert command.wait(PATIENCE_S) == 0
    os.close(ours)
    text = shown.decode()
    assert "evil" in text
    assert ESC not in text
    assert REVERSED not in text


# ── filters ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_filters_are_those_of_the_api(own_site: Path) -> None:
    def users(*words: str) -> list[str]:
        return [row[0] for row in records(export(own_site, *words).out)[1:]]

    assert users("--user", "ALICE") == ["alice", "alice"]
    assert users("--user", "alice", "--to", "2026-01-12T23:00") == ["alice"]
    assert users("--room", "A102", "--from", "2026-01-13") == ["alice", "bob"]
    assert users("--host", "a102-08") == ["bob"]
    assert users("--state", "orphan") == ["zoe"]


def test_events_have_their_own_filters(own_site: Path) -> None:
    events = [
        json.loads(line) for line in export(own_site, "--events", "--action", "M", "--format", "jsonl").out.splitlines()
    ]
    assert [(event["username"], event["source"]) for event in events] == [("bob", "today"), ("bob", "history")]
    day = export(own_site, "--events", "--from", "2026-01-12", "--to", "2026-01-12", "--user", "alice")
    assert [row[2] for row in records(day.out)[1:]] == ["D", "C"]
    assert day.notes == ["2 events written to standard output; C: 1, D: 1"]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--events", "--state", "open"), "--state is no filter of events"),
        (("--action", "C"), "--action is no filter of sessions; ask for --events"),
        (("--format", "sqlite"), "--format sqlite needs --output FILE"),
        (("--reason", "x"), "--reason needs --output FILE: the manifest stands beside it"),
        (("--format", "jsonl", "--raw"), "--raw and --lang are for --format csv; jsonl has every name as it is"),
        (("--events", "--action", "X"), "--action: must be one of C, D, M"),
        (("--from", "soon"), "--from: must be a time such as"),
        (("--format", "xml"), "argument --format: invalid choice: 'xml'"),
    ],
)
def test_wrong_words_are_named_and_nothing_is_written(own_site: Path, words: tuple[str, ...], fault: str) -> None:
    ended = export(own_site, *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.notes[0].startswith(f"winlogd: {fault}")
    assert run(own_site, "token", "log").out == ""


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_new_and_only_its_owner_can_read_it(own_site: Path) -> None:
    file = own_site / "out.csv"
    assert export(own_site, "--output", str(file)).out == ""
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    again = export(own_site, "--output", str(file), "--user", "bob")
    assert (again.status, again.notes) == (
        1,
        [f"winlogd: {file} exists: move it away, or take another name; no file is replaced"],
    )
    assert file.read_bytes() == before
    (own_site / "link").symlink_to(own_site / "elsewhere")
    assert export(own_site, "--output", str(own_site / "link")).status == 1
    assert not (own_site / "elsewhere").exists()


def test_an_export_that_fails_leaves_no_file(own_site: Path) -> None:
    file = own_site / "out.csv"
    assert export(own_site, "--output", str(file), "--room", "nowhere", "--reason", "x").status == 2
    (own_site / "out.csv.manifest.json").write_text("theirs")
    assert export(own_site, "--output", str(file), "--reason", "x").status == 1
    assert not file.exists()
    assert (own_site / "out.csv.manifest.json").read_text() == "theirs"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_file_that_is_not_whole_has_no_name(tmp_path: Path, number: int) -> None:
    file = tmp_path / "out.csv"
    lines = f"output = NewFile({str(file)!r}); output.write(b'half'); os.kill(os.getpid(), {int(number)})"
    code = f"import os; from winlogd.commands.export_output import NewFile; {lines}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -number
    assert not file.exists()
    if os.geteuid() == 0:  # a process that stays root removes what is left
        wait_for(lambda: not list(tmp_path.iterdir()), "the removal")


def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    output = NewFile(str(file))
    output.write(b"mine")
    file.write_text("theirs")
    with pytest.raises(FailedError, match="exists: move it away"):
        output.end()
    output.give_up()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.csv", "theirs")]


def test_the_manifest_says_what_the_file_is(own_site: Path) -> None:
    file = own_site / "out.csv"
    ended = export(own_site, "--output", str(file), "--user", "alice", "--from", "2026-01-12", "--reason", "request 7")
    assert ended.status == 0
    path = own_site / "out.csv.manifest.json"
    assert path.stat().st_mode & 0o777 == 0o600
    manifest = json.loads(path.read_text())
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert manifest["bytes"] == file.stat().st_size
    assert manifest["rows"] == 2
    assert manifest["certainty"] == {"certain": 1, "presumed": 1}
    assert manifest["filter"] == {"user": "alice", "from": "2026-01-12"}
    assert manifest["times_understood_as"] == {"from": "Monday 12 January"}
    assert manifest["time_zone"] == "Europe/Paris"
    assert manifest["made_at"] == "2026-01-13T11:15:00.000000+01:00"
    assert manifest["reason"] == "request 7"
    assert manifest["oldest_session_kept"] == "2026-01-12T09:00:00.000000+01:00"
    assert manifest["archive_kept_days"] == 365
    assert manifest["history"] == "complete"
    assert manifest["names_changed_for_spreadsheets"] is True
    assert manifest["statement"].startswith("Reported by workstations. This is no proof of identity")


def test_each_export_is_a_row_of_the_readers_log(own_site: Path) -> None:
    export(own_site, "--user", "alice", "--events", "--output", str(own_site / "a.csv"), "--reason", "request 7")
    [line] = run(own_site, "token", "log").out.splitlines()
    assert "user:" in line
    assert "export  events format=csv reason=request 7 user=alice  command" in line


def test_an_export_that_cannot_be_logged_shows_nothing(own_site: Path) -> None:
    (own_site / "data" / "winlog.access").mkdir()
    ended = export(own_site, "--output", str(own_site / "out.csv"))
    assert (ended.status, ended.out) == (1, "")
    assert not (own_site / "out.csv").exists()


def test_a_full_disk_is_one_line_and_status_1(own_site: Path) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            (sys.executable, "-m", "winlogd", "export"), cwd=own_site, stdout=full, stderr=subprocess.PIPE,
            timeout=COMMAND_PATIENCE_S, env={**os.environ, **A_SMALL_DISK_WILL_DO},
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == b"winlogd: standard output cannot be written: No space left on device\n"
