"""The forms of an answer: a table that fits the terminal, JSON, CSV. No name runs a terminal or a spreadsheet."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.questions import at, sent
from tests.support.running import COMMAND_PATIENCE_S, PATIENCE_S
from tests.support.school_rows import ClockedServer
from tests.support.small_site import ESC, FORMULA, HOSTILE, LINES, QUOTED, READING, REVERSED, WIDE, run
from winlogd.api.session_fields import FIELDS
from winlogd.commands.letters import cells

pytestmark = pytest.mark.long

# ── forms ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("columns", [8, 40, 80])
def test_a_table_fits_the_terminal(words: tuple[str, ...], columns: int, site: Path) -> None:
    ended = run(site, *words, COLUMNS=str(columns))
    lines = [
        line for line in ended.out.splitlines() if not re.match("Now|On now|Last s|Machines|Hardware|Change", line)
    ]
    assert ended.status == 0
    assert len(lines) > 1
    assert max(map(cells, lines)) <= columns


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_standard_output_has_data_only(words: tuple[str, ...], site: Path) -> None:
    answer = run(site, *words, "--json")
    assert isinstance(json.loads(answer.out), dict)
    assert answer.out.isprintable() or answer.out[:-1].isprintable()
    text = run(site, *words, "--csv")
    rows = list(csv.reader(io.StringIO(text.out, newline="")))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 1
    french = run(site, *words, "--csv", "--lang", "fr")
    assert french.out[0] == "\ufeff"
    shown = [
        [cell.lstrip("\ufeff") for cell in row]
        for row in csv.reader(io.StringIO(french.out, newline=""), delimiter=";")
    ]
    assert shown[0] == rows[0]
    assert len(shown) == len(rows)
    assert answer.notes
    assert answer.notes[0] == text.notes[0]


def test_a_csv_of_sessions_has_the_columns_of_the_api_and_all_rows(site: Path) -> None:
    rows = list(csv.reader(io.StringIO(run(site, "sessions", "--csv").out, newline="")))
    assert tuple(rows[0]) == FIELDS
    assert len(rows) == 1 + 3 + len(HOSTILE)
    limited = run(site, "sessions", "--csv", "--limit", "2")
    assert len(list(csv.reader(io.StringIO(limited.out, newline="")))) == 3
    assert "these are the newest 2 sessions; there are more: use --limit, or --from and --to" in limited.notes


def test_all_rows_come_page_by_page(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with ClockedServer(tmp_path / "data" / "winlog.db", at(0, 7)) as server:
        server.receive([sent(at(0, 8) + number, f"u{number}", "C", f"H-{number}") for number in range(2100)])
    ended = run(tmp_path, "sessions", "--csv")
    assert sorted(row.split(",")[0] for row in ended.out.splitlines()[1:]) == sorted(f"u{n}" for n in range(2100))
    assert len(run(tmp_path, "who", "--at", "2026-01-12T09:00Z", "--json").json["sessions"]) == 2100
    pages = run(tmp_path, "sessions", "--json", "--limit", "1500").json
    assert len(pages["sessions"]) == 1500
    assert pages["next"] is not None


def test_times_are_local(site: Path) -> None:
    shown = run(site, "sessions", "--user", "alice").out.splitlines()
    assert [line.split()[3:5] for line in shown[1:]] == [["2026-01-13", "09:00"], ["2026-01-12", "09:00"]]
    [first, _] = run(site, "sessions", "--user", "alice", "--json").json["sessions"]
    assert first["connected_at"] == "2026-01-13T09:00:00.000000+01:00"


# ── names that workstations sent ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", [("who",), ("sessions",), ("machines",), ("search", "b1")], ids=" ".join)
def test_no_name_runs_the_terminal(words: tuple[str, ...], site: Path) -> None:
    out = run(site, *words).out
    assert all(line.isprintable() for line in out.split("\n"))
    assert "⟨U+001B⟩[2Jevil" in out
    assert "⟨U+202E⟩ecila" in out
    assert "two⟨U+000D⟩⟨U+000A⟩lines" in out


def test_json_has_every_name_unchanged(site: Path) -> None:
    answer = run(site, "who", "--json")
    assert set(HOSTILE) < {row["username"] for row in answer.json["sessions"]}
    assert "\\u202e" in answer.out
    assert WIDE in answer.out


def test_a_spreadsheet_runs_no_name(site: Path) -> None:
    users = [row[0] for row in csv.reader(io.StringIO(run(site, "who", "--csv").out, newline=""))]
    assert f"'{FORMULA}" in users
    assert FORMULA not in users
    assert {ESC, REVERSED, QUOTED, LINES, WIDE} < set(users)


def test_csv_on_a_terminal_does_not_run_it_either(site: Path) -> None:
    ours, theirs = pty.openpty()
    command_line = [sys.executable, "-m", "winlogd", "sessions", "--csv"]
    process = subprocess.Popen(command_line, cwd=site, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b"".join(_until_end(ours)).decode()
    assert process.wait(PATIENCE_S) == 0
    assert "⟨U+001B⟩[2Jevil" in shown
    assert not set(shown) & {"\x1b", "\u202e"}


def _until_end(descriptor: int) -> Iterator[bytes]:
    with closing(os.fdopen(descriptor, "rb", 0)) as terminal:
        while True:
            try:
                yield terminal.read(65_536)
            except OSError:  # the other side is closed
                return


def test_a_name_in_a_message_makes_no_second_line(site: Path) -> None:
    ended = run(site, "user", "a\nb\x1b[2J")
    assert (ended.status, ended.out) == (1, "")
    [line] = ended.notes
    assert line.isprintable()


def test_the_next_program_of_a_pipe_may_end_early(site: Path) -> None:
    line = f"{sys.executable} -m winlogd sessions --csv | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], cwd=site, capture_output=True, text=True, timeout=COMMAND_PATIENCE_S)
    assert ended.stdout in ("1\n", "0\n")  # 0 if it was written before `true` has ended
    assert "cannot be written" not in ended.stderr


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)], ids=str)
def test_a_full_disk_costs_one_line_and_status_1(form: tuple[str, ...], site: Path) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "winlogd", "sessions", *form],
            cwd=site,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=COMMAND_PATIENCE_S,
            text=True,
        )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[1:] == ["winlogd: standard output cannot be written: No space left on device"]
