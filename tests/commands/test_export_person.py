"""`winlogd export --person`: all about one person, for that person, and nothing about another."""

import csv
import io
import json
import os
import pwd
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import AT, Ended
from tests.support.pasts import built, opened
from tests.support.questions import at, receive, sent, stay
from tests.support.readers import add_reader, ask
from tests.support.running import A_SMALL_DISK_WILL_DO, COMMAND_PATIENCE_S, an_event, running
from tests.support.school_rows import ClockedServer
from tests.support.small_site import NOW_US, SETTINGS, run
from winlogd.commands.person_csv import COLUMNS

pytestmark = pytest.mark.long

IMAGE: Final = "<img src=x onerror=alert(1)>"
NOTE: Final = "<img src=y onerror=alert(2)>"
REVERSED: Final = "\u202eecila"
TAGS: Final = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "strong", "ul", "li", "bdi"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"),
}
"""The tags of the page. None of them loads or runs anything."""
ATTRIBUTES: Final = {"lang", "charset", "http-equiv", "content", "name", "class", "title"}
MANY: Final = 20_000
LITTLE_MEMORY: Final = {"WINLOGD_DATABASE_PRAGMA_CACHE_SIZE": "100"}
"""SQLite's cache would otherwise grow with what it reads, up to its limit."""
MEASURED: Final = AT.replace(
    "sys.exit(main())",
    "main(); sys.stderr.writelines(line for line in open('/proc/self/status') if line.startswith('VmHWM'))",
)
"""A program that runs winlogd and then prints the most memory that it had."""


class Page(HTMLParser):
    """A page, read as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self._is_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        match tag:
            case "table":
                self.tables.append([])
            case "tr":
                self.tables[-1].append([])
            case "th" | "td":
                self.tables[-1][-1].append("")
                self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._is_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._is_cell:
            self.tables[-1][-1][-1] += data


@pytest.fixture
def school(tmp_path: Path) -> Path:
    """A site where alice, bob and an administrator of the same name share machines."""
    (tmp_path / "config.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    with ClockedServer(tmp_path / "data" / "winlog.db", at(0, 7)) as server:
        receive(server, *stay(at(0, 8), at(0, 9.5), "alice"), *stay(at(0, 9.6), at(0, 10), "bob"))
        receive(server, sent(at(0, 11), "DOM\\alice", "C", "B201-03"), sent(at(0, 12), "DOM\\alice", "C", "B201-03"))
        receive(server, sent(at(0, 13), "ALICE", "M", hardware={"cpu": "i5", "note": NOTE}))
        receive(server, sent(at(0, 14), "bob", "M", hardware={"owner": "bob"}))
        server.rotate(at(1, 1))
        receive(server, sent(at(1, 8), "alice", "C"), sent(at(1, 9), "bob", "C"), sent(at(1, 9), IMAGE, "C", IMAGE))
        receive(server, sent(at(1, 9.1), REVERSED, "C", "B1-1"))
    return tmp_path


def export(site: Path, *words: str, name: str = "alice") -> Ended:
    return run(site, "export", "--person", "--user", name, *words)


def page(site: Path, *words: str, name: str = "alice") -> Page:
    ended = export(site, *words, name=name)
    assert ended.status == 0, ended.notes
    return Page(ended.out)


def records(text: str, kind: str) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [{key: cell for key, cell in row.items() if cell} for row in rows if row["kind"] == kind]


# ── what is in it ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", [(), ("--format", "csv"), ("--lang", "fr"), ("--format", "csv", "--raw")])
def test_no_other_persons_name_is_in_it(school: Path, words: tuple[str, ...]) -> None:
    for look in (("user", "alice"), ("search", "alice", "bob"), ("sessions", "--user", "bob")):
        run(school, *look, SUDO_USER="frau-meier")
    run(school, "export", "--user", "alice", "--output", str(school / "a.csv"), "--reason", "asked by bob")
    text = export(school, *words).out.lower()
    assert "alice" in text
    readers = {"frau-meier", pwd.getpwuid(os.getuid()).pw_name}
    assert [name for name in ("bob", *readers) if name in text] == []


@pytest.mark.parametrize("words", [(), ("--format", "csv"), ("--format", "csv", "--raw")])
def test_reports_do_not_name_others(school: Path, words: tuple[str, ...]) -> None:
    report = {"accounts": ["alice", "bob", "DOM\\alice"], "home": "C:\\Users\\Bob.DOM", "maker": "bobcat"}
    with ClockedServer(school / "data" / "winlog.db", at(1, 9.2)) as server:
        receive(server, sent(at(1, 9.2), "alice", "M", hardware=report))
    text = export(school, *words).out
    assert re.search(r"bob(?!cat)", text, re.IGNORECASE) is None
    assert text.count("[removed]") == 2
    assert "bobcat" in text
    exact = export(school, *words, "--exact").out
    assert exact.count("[removed]") == 3
    assert "DOM" not in exact.replace("Bob.DOM", "").replace("[removed].DOM", "")


def test_the_sessions_are_those_of_the_api_in_all_spellings(school: Path) -> None:
    expected = json.loads(run(school, "sessions", "--user", "alice", "--json").out)["sessions"]
    found = records(export(school, "--format", "csv").out, "session")
    assert [row["session_uuid"] for row in found] == [row["session_uuid"] for row in expected]
    assert [(row["username"], row["connected_at"]) for row in found] == [
        (row["username"], row["connected_at"]) for row in expected
    ]
    assert {row["username"] for row in found} == {"alice", "DOM\\alice"}


def test_the_reports_are_all_rows_of_the_database(school: Path) -> None:
    with closing(sqlite3.connect(school / "data" / "winlog.db")) as connection:
        stored = connection.execute(
            "SELECT server_timestamp, action, hardware_info FROM events_all"
            " WHERE lower(username) IN ('alice', 'dom\\alice') ORDER BY server_timestamp DESC, id DESC"
        ).fetchall()
    found = records(export(school, "--format", "csv").out, "report")
    assert sorted((row["server_timestamp"], row["action"], row.get("hardware_info")) for row in found) == sorted(stored)


def test_the_page_says_how_long_a_session_was_or_that_nobody_knows(school: Path) -> None:
    sessions, reports, looks, accounts = page(school).tables
    assert [row[:4] for row in sessions[1:]] == [
        ["2026-01-13 09:00:00", "still open", "", "A102-07"],
        ["2026-01-12 13:00:00", "still open", "", "B201-03"],
        ["2026-01-12 12:00:00", "not known", "not known", "B201-03"],
        ["2026-01-12 09:00:00", "2026-01-12 10:30:00", "1:30:00", "A102-07"],
    ]
    assert [row[-1] for row in sessions[1:]] == [
        "doubtful: somebody else came to the machine",
        "doubtful: it began long ago",
        "doubtful: no end was reported",
        "certain",
    ]
    assert [row[6:8] for row in sessions[1:2]] == [["10.1.0.7", "Windows 11"]]
    assert len(reports) == 1 + 7
    assert next(row[2] for row in reports if row[4] == "ALICE").startswith("hardware")
    assert [row[1:] for row in looks[1:]] == [["reader 1", "an administrator, on the server", "a copy as a file"]]
    assert [row[:3] for row in accounts[1:]] == [["ALICE", "0", "1"], ["DOM\\alice", "2", "3"], ["alice", "2", "3"]]


def test_the_page_is_in_french(school: Path) -> None:
    found = page(school, "--lang", "fr")
    assert found.text.count("Ce qui est enregistré sur alice") == 2  # the title and the heading
    assert found.tables[0][0][:3] == ["Début", "Fin", "Durée"]
    assert found.tables[0][1][1] == "encore ouverte"
    assert found.tables[0][1][-1] == "douteuse\u00a0: quelqu’un d’autre est venu sur le poste"


def test_a_french_csv_has_semicolons_and_the_mark(school: Path) -> None:
    text = export(school, "--format", "csv", "--lang", "fr").out
    assert text.startswith("\ufeff" + ";".join(COLUMNS[:3]))


def test_it_says_how_long_what_is_kept(school: Path) -> None:
    assert "deleted 365 days after its receipt" in page(school).text
    assert "looked is kept for 365 days" in page(school).text
    with closing(sqlite3.connect(school / "data" / "winlog.db")) as connection, connection:
        connection.execute("INSERT INTO winlogd_meta (key, value) VALUES ('taken_over', '1')")
    assert "Nobody has set a time after which reports are deleted." in page(school).text


def test_it_says_that_a_part_of_the_archive_is_missing(school: Path) -> None:
    with closing(sqlite3.connect(school / "data" / "winlog.db")) as connection, connection:
        connection.execute(
            "INSERT INTO events_history (username, action, timestamp, server_timestamp, created_at, archived_at)"
            " VALUES ('alice', 'C', '2025-01-13T08:00:00Z', '2025-01-13T08:00:00+00:00', '', '')"
        )
    ended = export(school)
    assert "Older data is still being read (building, " in Page(ended.out).text
    assert ended.notes[0].startswith("the archive is still being read (building, ")


def test_a_person_of_whom_nothing_is_stored_gets_a_file_that_says_so(school: Path) -> None:
    ended = export(school, name="carol")
    assert ended.status == 1
    assert "winlogd: no event has the name carol; perhaps it is written in another way" in ended.notes[0]
    found = Page(ended.out)
    assert "No session is stored." in found.text
    assert "No report is stored." in found.text
    assert "No account of this name is stored." in found.text
    assert len(found.tables) == 1  # who has looked: this export


# ── which accounts ────────────────────────────────────────────────────────────────────────────────────


def test_several_accounts_are_named_and_one_can_be_had_alone(school: Path) -> None:
    warning = export(school).notes[0]
    assert warning.startswith("winlogd: these are several accounts: ALICE, DOM\\alice, alice.")
    alone = export(school, "--exact", "--format", "csv")
    assert [row["username"] for row in records(alone.out, "account")] == ["ALICE", "alice"]
    assert "dom" not in alone.out.lower()
    assert len(alone.notes) == 1  # no warning
    domain = export(school, "--format", "csv", name="dom\\Alice")
    assert [row["username"] for row in records(domain.out, "account")] == ["DOM\\alice"]


def test_a_span_leaves_out_what_was_before_it(school: Path) -> None:
    ended = export(school, "--from", "2026-01-13", "--to", "2026-01-13T10:00", "--format", "csv")
    assert [row["connected_at"][:10] for row in records(ended.out, "session")] == ["2026-01-13", "2026-01-12"]
    assert [row["server_timestamp"][:10] for row in records(ended.out, "report")] == ["2026-01-13"]
    text = page(school, "--from", "2026-01-13", "--to", "2026-01-13T10:00").text
    assert "It covers the time from 2026-01-13 00:00:00 to 2026-01-13 10:00:00." in text


# ── who has looked ────────────────────────────────────────────────────────────────────────────────────


def test_looks_have_a_role_and_a_number_and_no_filter(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        server.post(an_event(username="alice"))
        meier, weber = (
            add_reader(tmp_path, name, "--scope", scope) for name, scope in (("Meier", "now"), ("Weber", "all"))
        )
        ask(server, "/api/v1/users/alice", meier)
        ask(server, "/api/v1/sessions?user=al*&host=secret", weber)
        ask(server, "/api/v1/sessions?room=A102", weber)
        ask(server, "/api/v1/users/bob", weber)
        ask(server, "/api/v1/users/alice", weber)
        ended = run(tmp_path, "export", "--person", "--user", "alice", "--format", "csv")
    assert ended.status == 0, ended.notes
    assert [(row["reader"], row["role"], row["look"]) for row in records(ended.out, "look")] == [
        ("1", "command", "export"),
        ("2", "all", "user"),
        ("2", "all", "sessions"),
        ("3", "now", "user"),
    ]
    assert not any(name in ended.out for name in ("Meier", "Weber", "secret"))


def test_an_export_that_cannot_be_logged_shows_nothing(school: Path) -> None:
    (school / "data" / "winlog.access").mkdir()
    ended = export(school, "--output", str(school / "alice.html"))
    assert (ended.status, ended.out) == (1, "")
    assert not (school / "alice.html").exists()


# ── form ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "image"), [("alice", NOTE), (IMAGE, IMAGE)])
def test_the_page_loads_and_runs_nothing_and_names_are_text(school: Path, name: str, image: str) -> None:
    ended = export(school, name=name)
    found = Page(ended.out)
    assert found.tags <= TAGS
    assert found.attributes <= ATTRIBUTES
    assert image in found.text
    assert "default-src 'none'" in ended.out
    assert "url(" not in ended.out


def test_a_name_that_turns_the_text_is_shown_by_its_signs(school: Path) -> None:
    found = page(school, name=REVERSED)
    assert REVERSED not in found.text
    assert found.tables[0][1][5] == "⟨U+202E⟩ecila"


def test_a_csv_runs_in_no_spreadsheet(school: Path) -> None:
    with closing(sqlite3.connect(school / "data" / "winlog.db")) as connection, connection:
        connection.execute("UPDATE events_today SET os_name = '=cmd' WHERE username = 'alice'")
    [row] = [row for row in records(export(school, "--format", "csv").out, "report") if "=cmd" in row["os_name"]]
    assert row["os_name"] == "'=cmd"


def test_a_file_is_new_and_only_its_owner_can_read_it(school: Path) -> None:
    file = school / "alice.html"
    ended = export(school, "--output", str(file), "--reason", "request 8")
    assert (ended.status, ended.out) == (0, "")
    assert ended.notes[-1] == f"12 rows written to {file}; events: 7, looks: 1, sessions: 4"
    assert file.stat().st_mode & 0o777 == 0o600
    manifest = json.loads((school / "alice.html.manifest.json").read_text())
    assert manifest["rows_are"] == "all of one person"
    assert manifest["kinds"] == {"events": 7, "looks": 1, "sessions": 4}
    assert manifest["archive_kept_days"] == 365
    before = file.read_bytes()
    again = export(school, "--output", str(file))
    assert (again.status, again.notes) == (
        1,
        [f"winlogd: {file} exists: move it away, or take another name; no file is replaced"],
    )
    assert file.read_bytes() == before


@pytest.mark.parametrize("form", ["html", "csv"])
def test_memory_does_not_grow_with_the_person(school: Path, form: str) -> None:
    def most_kb(*words: str) -> int:
        ended = subprocess.run(
            (sys.executable, "-c", MEASURED, str(NOW_US / 1_000_000), "export", "--person", "--user", "alice", *words),
            cwd=school, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=COMMAND_PATIENCE_S,
            env={**os.environ, **A_SMALL_DISK_WILL_DO, **LITTLE_MEMORY},
        )  # fmt: skip
        return int(ended.stderr.splitlines()[-1].split()[1])

    file = school / f"alice.{form}"
    little = most_kb("--format", form)
    with opened(school / "data" / "winlog.db") as connection:
        connection.execute("DELETE FROM events_history")
        connection.execute(
            "INSERT INTO events_history (username, action, timestamp, hostname, source_ip, server_timestamp, os_name,"
            " os_version, kernel_version, session_uuid, created_at, archived_at) WITH RECURSIVE n(i) AS (SELECT 0 UNION"
            " ALL SELECT i + 1 FROM n WHERE i < ?1 - 1) SELECT 'alice', substr('CD', i % 2 + 1, 1), moment, 'A102-07',"
            " '10.1.0.7', moment, 'Windows', '11', '26100', 'alice@A102-07@' || (i / 2), moment, moment FROM"
            " (SELECT i, strftime('%Y-%m-%dT%H:%M:%S+00:00', 1760000000 + i * 300, 'unixepoch') AS moment FROM n)",
            (2 * MANY,),
        )
        built(connection)
    much = most_kb("--format", form, "--output", str(file))
    assert file.stat().st_size > 4 << 20
    assert much - little < 8 << 10


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--person",), "--person needs --user with the whole name of one person, without *"),
        (("--person", "--user", "al*"), "--person needs --user with the whole name of one person, without *"),
        (("--person", "--user", "a", "--events"), "--person has all of one person: only --user, --from and --to go"),
        (("--person", "--user", "a", "--room", "A"), "--person has all of one person: only --user, --from and --to go"),
        (("--person", "--user", "a", "--format", "jsonl"), "--person writes html or csv, not jsonl"),
        (("--person", "--user", "a", "--raw"), "--raw is for --format csv; a page shows every name as it is"),
        (("--person", "--user", "a", "--lang", "de"), "--lang: must be one of en, fr"),
        (("--format", "html"), "--person needs --user"),
        (("--user", "a", "--exact"), "--exact is for the file about one person: add --person"),
    ],
)
def test_wrong_words_are_named_and_nothing_is_written(school: Path, words: tuple[str, ...], fault: str) -> None:
    ended = run(school, "export", *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.notes[0].startswith(f"winlogd: {fault}")
    assert run(school, "token", "log").out == ""
