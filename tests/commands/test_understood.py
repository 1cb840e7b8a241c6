"""What commands say beside the data: wrong values, what was understood, and what to do next."""

import re
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.questions import at, receive, sent, stay
from tests.support.school_rows import ClockedServer
from tests.support.small_site import READING, SETTINGS, make_site, run
from winlogd.api.parameters import FILTERS
from winlogd.cli import COMMANDS

pytestmark = pytest.mark.long

# ── wrong values ──────────────────────────────────────────────────────────────────────────────────────

WRONG: Final = [
    (
        ("who", "--at", "someday"),
        "--at: must be a time such as 2026-01-13T10:15, 10:15, yesterday 10:15, monday, or now",
    ),
    (("who", "--at", "yesterday"), "--at: must be a moment, such as 2026-01-13T10:15; for a day use from and to"),
    (("who", "--at", "2027-01-13"), "--at: must be a moment, such as 2026-01-13T10:15; for a day use from and to"),
    (("who", "--at", "2027-01-13T10:15"), "--at: must not be in the future"),
    (("who", "--at", ""), "--at: must not be empty"),
    (("who", "--room", "A10"), "--room: is not a known room; did you mean A102?"),
    (("who", "--lang", "de"), "--lang: must be one of en, fr"),
    (("sessions", "--ip", "10.1"), "--ip: must be an address, or a network such as 192.0.2.0/24"),
    (("sessions", "--state", "opn"), "--state: must be one of open, ended, doubtful, orphan; did you mean open?"),
    (("sessions", "--ended-by", "me"), "--ended-by: must be one of client, auto, expired"),
    (("sessions", "--limit", "0"), "--limit: must be a whole number, 1 or more"),
    (("sessions", "--limit", "٣"), "--limit: must be a whole number, 1 or more"),
    (("sessions", "--user", "*****"), "--user: '*****' has more than 4 stars."),
    (("sessions", "--from", "today", "--to", "yesterday"), "--to: must not be before from"),
    (("machines", "--unseen", "ten"), "--unseen: must be a whole number of days from 1 to 3660"),
    (("machines", "--unseen", "0000001000"), "--unseen: must be a whole number of days from 1 to 3660"),
    (
        ("machines", "--state", "off"),
        "--state: must be one of in_use, doubtful, free, silent, never_seen, out_of_order",
    ),
    (("user", "*****"), "NAME: '*****' has more than 4 stars."),
]


OTHERS: Final = {
    *("serve", "check-config", "rotate", "token", "backup", "restore", "export", "import", "purge", "hold", "compact"),
    *("doctor", "forget"),
    *("status", "config", "healthcheck"),
}
"""The commands that answer no question."""


@pytest.mark.parametrize(("words", "line"), WRONG, ids=[" ".join(words)[:40] for words, _ in WRONG])
def test_a_wrong_value_costs_one_line_and_status_2(words: tuple[str, ...], line: str, site: Path) -> None:
    assert run(site, *words) == (2, "", [f"winlogd: {line}"])


@pytest.mark.parametrize(
    "words", [("who", "--all"), ("user",), ("search",), ("rooms", "x"), ("who", "--json", "--csv")]
)
def test_a_wrong_command_line_is_shown_with_the_usage(words: tuple[str, ...], site: Path) -> None:
    ended = run(site, *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.notes[1].startswith(f"usage: winlogd {words[0]}")


def test_every_filter_of_the_api_is_a_flag(site: Path) -> None:
    shown = run(site, "sessions", "--help").out
    assert {f"--{name.replace('_', '-')}" for name in FILTERS} <= set(re.findall(r"--[a-z-]+", shown))


# ── what was understood, and what to do ───────────────────────────────────────────────────────────────


def test_what_was_understood_is_said(site: Path) -> None:
    words = ("--user", "al*", "--host", "a102-*", "--room", "a102", "--ip", "10.1.0.0/16", "--from", "lundi")
    assert run(site, "sessions", *words, "--to", "now", "--state", "ended").notes[0] == (
        "Room A102, user al*, machine a102-*, address 10.1.0.0/16, state ended, from Monday 12 January,"
        " to Tuesday 13 January, 11:15"
    )
    assert run(site, "sessions", "--from", "yesterday M2", "--ended-by", "client").notes[0] == (
        "Ended by client, from Monday 12 January, 09:00 to 10:00"
    )
    assert (
        run(site, "search", "a102", "hier", "10:15", "--lang", "fr").notes[0]
        == "Understood: a102, lundi 12 janvier, 10:15"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("who", "--at", "yesterday 3:00"),
            "nobody was on, as far as is known; winlogd sessions --from 2026-01-12 --to 2026-01-12 lists all sessions"
            " of that day",
        ),
        (
            ("sessions", "--user", "nobody"),
            "no session was found; leave a filter out, or look for a part of a name with winlogd search",
        ),
        (("machines", "--state", "silent"), "no machine was found; winlogd machines without a filter lists all"),
        (
            ("search", "xyz"),
            "nothing was found; a part of a name is enough: try fewer words, or fewer letters",
        ),
    ],
)
def test_an_empty_answer_says_what_to_do(words: tuple[str, ...], line: str, site: Path) -> None:
    ended = run(site, *words)
    assert (ended.status, ended.out, ended.notes[-1]) == (0, "", line)


@pytest.mark.parametrize("words", [("who",), ("sessions",), ("machines",), ("rooms",), ("search", "a")], ids=" ".join)
def test_an_empty_database_says_what_to_do(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    ClockedServer(tmp_path / "data" / "winlog.db", at(0, 7)).close()
    ended = run(tmp_path, *words)
    assert (ended.status, ended.out) == (0, "")
    assert re.search(r"winlogd |no workstation|set \[rooms\]|try fewer", ended.notes[-1])


@pytest.mark.parametrize("kind", ["user", "machine"])
def test_a_name_that_nobody_knows_is_a_failure(kind: str, site: Path) -> None:
    ended = run(site, kind, "no body")
    line = f"winlogd: no {kind} 'no body' is known; winlogd search 'no body' looks for a part of a name"
    assert ended == (1, "", [line])


def test_a_retired_machine_is_not_called_unknown(tmp_path: Path) -> None:
    make_site(tmp_path)
    (tmp_path / "config.toml").write_text(SETTINGS.replace("[rooms]", '[rooms]\nrooms_file = "list.csv"'))
    (tmp_path / "list.csv").write_text("hostname,room,state\nA102-08,A102,retired\n")
    ended = run(tmp_path, "machine", "a102-08")
    line = "winlogd: the machine a102-08 is retired in the list of machines; winlogd sessions --host a102-08 shows its"
    assert ended == (1, "", [f"{line} sessions"])
    assert "bob" in run(tmp_path, "sessions", "--host", "a102-08").out


@pytest.mark.parametrize(
    ("words", "following"),
    [
        (("A102", "hier", "10:15"), "winlogd who --room A102 --at 2026-01-12T10:15:00+01:00"),
        (("a102-08",), "winlogd machine A102-08"),
        (("alic",), "winlogd user alice"),
        (
            ("alic", "hier"),
            "winlogd sessions --user alice --from 2026-01-12T00:00:00+01:00 --to 2026-01-12T23:59:59+01:00",
        ),
        (("B1",), "winlogd machines --room B1"),
    ],
)
def test_a_search_names_a_command_that_works(words: tuple[str, ...], following: str, site: Path) -> None:
    assert run(site, "search", *words).notes[-1] == f"next: {following}"
    assert run(site, *following.split()[1:]).status == 0


def test_a_machine_is_shown_with_its_hardware_and_what_changed(site: Path) -> None:
    shown = run(site, "machine", "a102-08").out
    assert "Hardware, reported 2026-01-13 09:30\nPART       VALUE\ncpu.brand  i7\ndisks.0    1\n" in shown
    assert re.search(r"\n2026-01-13 09:30  cpu\.brand  \W*i5\W*  \W*i7\W*\n", shown)


def test_where_nobody_can_tell_what_is_free_that_is_said(tmp_path: Path) -> None:
    """Bob's machine was switched off before he logged on again: half of the sessions that ended have no logoff."""
    (tmp_path / "config.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    with ClockedServer(tmp_path / "data" / "winlog.db", at(0, 7)) as server:
        receive(server, sent(at(1, 8), "bob", "C", "A102-08"), *stay(at(1, 9), at(1, 9.5), "bob", "A102-08"))
    ended = run(tmp_path, "machines", "--room", "A102", "--state", "free")
    assert "room A102: nobody can tell which are free: 1 of the last week's 2 sessions have no logoff." in ended.notes
    assert any(re.match(r"A102 .* \? ", line) for line in run(tmp_path, "rooms").out.splitlines())


def test_an_archive_that_is_being_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with ClockedServer(tmp_path / "data" / "winlog.db", at(0, 7)) as server:
        receive(server, sent(at(0, 8), "alice", "C"))
    with closing(apsw.Connection(str(tmp_path / "data" / "winlog.db"))) as older:
        older.execute(
            "INSERT INTO events_history (username, action, timestamp, hostname, server_timestamp, session_uuid)"
            " VALUES ('bob', 'C', '2026-01-01T08:00:00Z', 'A', '2026-01-01 08:00:00', 'x')"
        )
    for words in (("who",), ("sessions",), ("machines",), ("rooms",), ("user", "alice"), ("search", "b")):
        assert any(
            line.startswith("the archive is still being read (building, 0 %)") for line in run(tmp_path, *words).notes
        )
    assert run(tmp_path, "sessions", "--json").json["history"] == "building, 0 %"


def test_hours_of_a_person_are_in_a_profile_only_where_the_site_allows_it(site: Path, tmp_path: Path) -> None:
    assert not any("hours" in line for line in run(site, "user", "alice").notes)
    (tmp_path / "config.toml").write_text("[privacy]\nperson_profile = true\n")
    database = str(site / "data" / "winlog.db")
    assert run(tmp_path, "user", "alice", WINLOGD_DATABASE_PATH=database).notes[-1] == (
        "hours of the last 30 days, by sessions with a known end: 1.5 (sessions: 1); without a known end, in no sum: 0"
    )


def test_every_command_is_tested_here() -> None:
    assert {words[0] for words in READING} == set(COMMANDS) - OTHERS
