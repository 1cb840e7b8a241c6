"""`winlogd forget` lists a person's names, asks, and leaves the name in no row and, after `compact`, in no file."""

import http.client
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from tests.support.readers import add_reader, ask, looks
from tests.support.running import PATIENCE_S, Winlogd, an_event, run_to_end, running, wait_for
from winlogd.control.address import path_of
from winlogd.control.client import ask as ordered

pytestmark = pytest.mark.long  # each command is a process

NEVER: Final = '[server]\ntimezone = "UTC"\n[rotation]\nat = ""\n[retention]\nhistory_days = 0\n'
ALICE: Final = ("zoé-alice", "ZOÉ-ALICE", "ADMIN\\Zoé-Alice")
OTHERS: Final = ("malice", "zoé-alice2")
LAST_YEAR: Final = datetime.now(UTC) - timedelta(days=300)


def session(server: Winlogd, user: str, host: str = "A102-07", hour: int = 8) -> None:
    server.post(an_event(username=user, hostname=host, timestamp=f"2026-01-12T{hour:02}:00:00Z"))
    report = {"accounts": [user, "zoé-alice"], "home": f"C:\\Users\\{user}", "n": hour}
    server.post(
        an_event(
            action="M", username=user, hostname=host, timestamp=f"2026-01-12T{hour:02}:01:00Z", hardware_info=report
        )
    )
    server.post(an_event(action="D", username=user, hostname=host, timestamp=f"2026-01-12T{hour + 1:02}:00:00Z"))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make a folder with an archive of last year and sessions of today, of one person and of two others."""
    with running(tmp_path, NEVER) as server:
        for hour, user in enumerate((*ALICE, *OTHERS), 1):
            session(server, user, hour=hour)
        server.execute("UPDATE events_today SET server_timestamp = ?", LAST_YEAR.isoformat(timespec="microseconds"))
        server.rotate()
        for hour, user in enumerate((*ALICE, *OTHERS), 10):
            session(server, user, hour=hour)
            server.post(an_event(username=user, hostname="B1", timestamp=f"2026-01-12T{hour:02}:30:00Z"))
        assert server.stop() == 0
    return tmp_path


def add_reports(path: Path, count: int) -> None:
    """Let another program add reports to an archive: one half of the person's, the other of carol's."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO events_history"
            " (username, action, timestamp, hostname, server_timestamp, session_uuid, origin) SELECT CASE i % 2 WHEN 0"
            " THEN 'zoé-alice' ELSE 'carol' END, 'M', printf('2026-01-12T08:00:00.%06dZ', i), 'D1', ?,"
            " 'hardware_' || i, 'client' FROM n",
            (count, LAST_YEAR.isoformat(timespec="microseconds")),
        )


@contextmanager
def perhaps(folder: Path, is_running: bool) -> Iterator[None]:
    """Run a server meanwhile, or none."""
    if not is_running:
        yield
        return
    with running(folder, NEVER) as server:
        server.wait_until_it_obeys()
        yield
        assert server.stop() == 0


def forget(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return run_to_end(folder, "forget", *words, "--yes", "--config", "config.toml")


def users(folder: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(folder / "data" / "winlog.db")) as connection:
        return sorted({str(name) for (name,) in connection.execute(f"SELECT username FROM {table}")})


def spelled(name: str = "zoé-alice") -> set[bytes]:
    """Return a name in all encodings, with ASCII letters in lower case."""
    return {
        octets.lower()
        for text in (name, name.upper())
        for octets in (
            *map(text.encode, ("utf-8", "utf-16-le", "utf-16-be")),
            json.dumps(text)[1:-1].encode(),
            quote(text).encode(),
        )
    }


def places(folder: Path, name: str = "zoé-alice") -> list[str]:
    """Return the files beside the database that have a name, but as a part of another one."""
    found = []
    for path in sorted((folder / "data").iterdir()):
        if path.is_file():
            octets = path.read_bytes().lower()
            for other in OTHERS:
                for form in spelled(other):
                    octets = octets.replace(form, b"")
            if any(form in octets for form in spelled(name)):
                found.append(path.name)
    return found


def texts(folder: Path) -> list[str]:
    """Return all rows of all tables as texts in lower case."""
    with closing(sqlite3.connect(folder / "data" / "winlog.db")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return [str(row).lower() for (table,) in tables for row in connection.execute(f"SELECT * FROM {table}")]


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_the_name_is_in_no_row_and_after_compact_in_no_file(filled: Path, is_running: bool) -> None:
    with perhaps(filled, is_running):
        done = forget(filled, "Zoé-Alice")

        assert done.returncode == 0, done.stderr
        assert done.stdout == (
            "9 rows of events_history and 13 of events_today forgotten; reports of others without the name: 4,"
            " replaced files without it: 0\n"
        )
        assert users(filled, "events_history") == users(filled, "events_today") == sorted(OTHERS)
        rows = [row.replace("zoé-alice2", "") for row in texts(filled)]
        assert not [row for row in rows if "zoé-alice" in row or "zo\\u00e9-alice" in row]
    assert run_to_end(filled, "compact", "--yes", "--config", "config.toml").returncode == 0
    assert places(filled) == []


def test_it_lists_the_names_with_their_uses_and_what_it_cannot_reach(filled: Path) -> None:
    done = forget(filled, "zoé-alice")

    today, then = datetime.now(UTC), LAST_YEAR
    for name, events in (("admin", (3, 4)), ("", (6, 9))):
        shown = r"ADMIN\\Zoé-Alice" if name else "ZOÉ-ALICE, zoé-alice"
        for moment, count in zip((then, today), events, strict=True):
            day = f"{moment:%Y-%m-%d}"
            assert re.search(
                rf"^{shown}: first used {day} \S+, last used {day} \S+, events: {count}$", done.stderr, re.M
            )
    assert "not reached: 0 backups in " in done.stderr
    assert "the log (the journal)" in done.stderr


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_with_a_pseudonym_the_events_stay_under_a_random_name(filled: Path, is_running: bool) -> None:
    with perhaps(filled, is_running):
        done = forget(filled, "zoé-alice", "--pseudonym")

        assert done.returncode == 0, done.stderr
        [pseudonym] = set(re.findall(r"forgotten-[0-9a-f]{8}", done.stdout))
        assert users(filled, "events_history") == sorted([*OTHERS, pseudonym])
        assert users(filled, "events_today") == sorted(OTHERS)
        with closing(sqlite3.connect(filled / "data" / "winlog.db")) as connection:
            sql = "SELECT count(*), count(disconnected_at) FROM sessions WHERE username = ?"
            assert connection.execute(sql, (pseudonym,)).fetchall() == [(9, 7)]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("ADMIN\\zoé-alice",), {"zoé-alice", "ZOÉ-ALICE"}),
        (("zoé-alice", "--exact"), {"ADMIN\\Zoé-Alice"}),
        (("zoé-alice", "--to", f"{LAST_YEAR + timedelta(days=9):%Y-%m-%d}"), set(ALICE)),
    ],
)
def test_only_what_is_meant_goes(filled: Path, words: tuple[str, ...], names: set[str]) -> None:
    assert forget(filled, *words).returncode == 0

    assert set(users(filled, "events_today")) == names | set(OTHERS)
    assert set(users(filled, "events_history")) == (set() if "--to" in words else names) | set(OTHERS)


def test_what_is_sent_again_is_a_new_event(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        event = an_event(username="zoé-alice", hostname="B1", timestamp="2026-01-12T10:30:00Z")
        first = server.post(event).json
        forget(filled, "zoé-alice")
        again = server.post(event).json

        assert again["event_id"] > first["event_id"]
        assert [row["id"] for row in server.rows("SELECT id FROM events_today WHERE username = 'zoé-alice'")] == [
            again["event_id"]
        ]
        assert server.post(event).json == again


def test_nobody_watches_the_person_any_more(filled: Path) -> None:
    """The snapshot, the last user of a machine, and the changes that are kept for those who come back."""
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        before = server.request("GET", "/api/v1/snapshot")
        server.post(an_event(username="zoé-alice", hostname="C1", timestamp="2026-01-12T22:30:00Z"))
        wait_for(lambda: "C1" in server.request("GET", "/api/v1/snapshot").body.decode(), "the change")
        assert "zoé-alice" in server.request("GET", "/api/v1/snapshot").body.decode()
        forget(filled, "zoé-alice")
        wait_for(lambda: '"ADMIN' not in server.request("GET", "/api/v1/snapshot").body.decode(), "the next snapshot")

        after = server.request("GET", "/api/v1/snapshot").body.decode()
        assert "zoé-alice" not in after.lower().replace("zoé-alice2", "")
        seen = f"{before.json['epoch']}-{before.json['seq']}"
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)) as connection:
            connection.request("GET", f"/api/v1/live?after={seen}")
            feed = connection.getresponse()
            said = b"".join(iter(lambda: feed.readline().lstrip(b"\n") or b"\n", b"event: reset\n"))
        assert "zoé-alice" not in said.decode()


def test_a_hold_exempts_and_the_command_says_so(filled: Path) -> None:
    run_to_end(filled, "hold", "add", "--user", "zoé-alice", "--reason", "case 4711", "--config", "config.toml")
    done = forget(filled, "zoé-alice")

    assert done.returncode == 0
    assert "22 events stay, because a hold exempts them" in done.stderr
    assert set(users(filled, "events_today")) == {*ALICE, *OTHERS}


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_what_a_hold_has_exempted_goes_when_it_ends(filled: Path, is_running: bool) -> None:
    run_to_end(filled, "hold", "add", "--user", "zoé-alice", "--reason", "case 4711", "--config", "config.toml")
    assert "They go when it ends" in forget(filled, "zoé-alice").stderr
    with perhaps(filled, is_running):
        done = run_to_end(filled, "hold", "end", "1", "--config", "config.toml")

        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("; rows forgotten now: 22\n")
        assert users(filled, "events_history") == users(filled, "events_today") == sorted(OTHERS)


def test_a_hold_counts_for_replaced_files_too(filled: Path) -> None:
    replaced = filled / "data" / "winlog.db.replaced-20260113T081500Z"
    shutil.copy(filled / "data" / "winlog.db", replaced)
    run_to_end(filled, "hold", "add", "--host", "B1", "--reason", "case 4711", "--config", "config.toml")
    assert "replaced files without it: 1\n" in forget(filled, "zoé-alice").stdout

    with closing(sqlite3.connect(replaced)) as connection:
        hosts = connection.execute("SELECT DISTINCT hostname FROM events_all WHERE username LIKE '%zo_-alice'")
        assert hosts.fetchall() == [("B1",)]


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_a_name_that_nobody_has_is_an_error(filled: Path, is_running: bool) -> None:
    with perhaps(filled, is_running):
        done = forget(filled, "zoe-alice")

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith("winlogd: no event has the name zoe-alice; perhaps it is written in another way\n")
        assert len(users(filled, "events_today")) == 5


def test_a_program_that_reads_without_a_server_keeps_the_wal_and_nothing_fails(filled: Path) -> None:
    (filled / "config.toml").write_text(f"{NEVER}[database]\npragma_busy_timeout = 100\n")
    with closing(sqlite3.connect(filled / "data" / "winlog.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events_today").fetchall()
        done = forget(filled, "zoé-alice")

        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("9 rows of events_history and 13 of events_today forgotten")
        assert "a program reads the database and does not end: the WAL keeps what was there before" in done.stderr
    assert users(filled, "events_today") == sorted(OTHERS)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("jean\u00a0dupont", "jean⟨U+00A0⟩dupont"),
        ("al\u200dice", "al⟨U+200D⟩ice"),
        ("\u202ebob", "⟨U+202E⟩bob"),
        (" carol", "⟨U+0020⟩carol"),
        ("dave ", "dave⟨U+0020⟩"),
        ("é" * 256, "é" * 256),
    ],
)
def test_every_name_that_an_event_may_have_can_be_forgotten(tmp_path: Path, name: str, shown: str) -> None:
    with running(tmp_path, NEVER) as server:
        assert server.post(an_event(username=name)).status == 200
        server.wait_until_it_obeys()
        done = forget(tmp_path, name)

        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith(f"{shown}: first used ")
        assert users(tmp_path, "events_today") == []


def answered(folder: Path, answer: str) -> tuple[str, int]:
    """Run the command on a terminal, and answer it. Return what it says, and its status."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "winlogd", "forget", "zoé-alice", "--config", "config.toml"]
    process = subprocess.Popen(command, cwd=folder, stdin=follower, stderr=follower, stdout=subprocess.PIPE, text=True)
    os.close(follower)
    os.write(leader, answer.encode())
    said = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(leader, 4096):
            said += piece
    os.close(leader)
    process.communicate(timeout=PATIENCE_S)
    return said.decode(), process.returncode


@pytest.mark.parametrize(("answer", "is_done"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_is_asked(filled: Path, answer: str, is_done: bool) -> None:
    said, status = answered(filled, answer)

    assert "Forget 2 names with 22 events, for ever? [y/N]" in said
    assert status == (0 if is_done else 1)
    assert (len(users(filled, "events_today")) == 2) == is_done


def test_what_replaced_files_have_once_more_is_counted_and_listed_once(filled: Path) -> None:
    for day, statement in (
        (13, "DELETE FROM events_history"),
        (14, "UPDATE events_today SET username = 'x\\zoé-alice'"),
    ):
        replaced = filled / "data" / f"winlog.db.replaced-202601{day}T081500Z"
        shutil.copy(filled / "data" / "winlog.db", replaced)
        with closing(sqlite3.connect(replaced)) as connection, connection:
            connection.execute(statement)
    said, _ = answered(filled, "n\n")

    assert "Forget 3 names with 22 events, also in 2 replaced files, for ever? [y/N]" in said
    assert len(re.findall(r"^ADMIN\\Zoé-Alice: ", said, re.M)) == 2  # last year and today
    assert len(re.findall(r"^x\\zoé-alice: ", said, re.M)) == 1


def test_with_a_pseudonym_that_rows_have_got_before_it_says_that_one(filled: Path) -> None:
    """A command that was killed has left its tombstones: they come first when the command is repeated."""
    before = filled / "before.db"
    shutil.copy(filled / "data" / "winlog.db", before)
    first = re.findall(r"forgotten-[0-9a-f]{8}", forget(filled, "zoé-alice", "--pseudonym").stdout)
    shutil.copy(before, filled / "data" / "winlog.db")
    again = re.findall(r"forgotten-[0-9a-f]{8}", forget(filled, "zoé-alice", "--pseudonym").stdout)

    assert again == first
    assert users(filled, "events_history") == sorted([*OTHERS, *first])


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("--from", "2026-02-01", "--to", "2026-01-01"), 2, "--from is after --to: no event was received then"),
        (("--to", "2001-01-01"), 1, "zoé-alice has events, but none that was received in this time"),
    ],
)
def test_a_span_without_events_is_told_from_an_unknown_name(
    filled: Path, words: tuple[str, ...], status: int, reason: str
) -> None:
    done = forget(filled, "zoé-alice", *words)

    assert done.returncode == status
    assert reason in done.stderr
    assert "no event has the name" not in done.stderr


def test_the_readers_log_has_numbers_in_place_of_the_name(filled: Path) -> None:
    reader = add_reader(filled, "bob", "--scope", "all")
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        ask(server, "/api/v1/sessions?user=zo%C3%A9-alice", reader)
        ask(server, "/api/v1/users/ADMIN%5Czo%C3%A9-alice", reader)
        forget(filled, "zoé-alice")

        filters = [row["filter"] for row in looks(filled)]
        assert "zoé" not in str(filters)
        assert {"user=#2", "username=#1"} <= set(filters)


def test_rows_that_still_have_the_name_are_listed_instead_of_advice_to_compact(filled: Path) -> None:
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as connection, connection:
        sql = """INSERT INTO events_today (username, action, timestamp, hostname, kernel_version)
            VALUES ('bob', 'C', '2026-01-12T08:00:00Z', 'A1', ?)"""
        row_ids = [connection.execute(sql, (text,)).lastrowid for text in ("Zoé-Alice built it", "ZOÉ-ALICE2 10.0")]
    done = forget(filled, "zoé-alice")

    assert f"rows of others still have the name in a text; look at them by their ids: events_today {row_ids[0]}\n" in (
        done.stderr
    )
    assert "compact" not in done.stderr


def test_compact_is_not_advised_for_files_that_it_does_not_rewrite(filled: Path) -> None:
    copy = filled / "data" / "winlog.db.old"
    shutil.copy(filled / "data" / "winlog.db", copy)
    run_to_end(filled, "forget", "zoé-alice", "--yes", "--config", "config.toml")
    run_to_end(filled, "compact", "--yes", "--config", "config.toml")
    done = forget(filled, "zoé-alice")

    assert re.search(rf"{re.escape(str(copy))} still has bytes of the name in \d+ places", done.stderr)
    assert "winlogd compact does not rewrite the files with other names; remove them" in done.stderr
    assert "run winlogd compact" not in done.stderr


# ── backups, imports, replaced files ─────────────────────────────────────────────────────────────────────


def test_replaced_and_rescued_files_are_cleaned(filled: Path) -> None:
    data = filled / "data"
    for name in ("winlog.db.replaced-20260113T081500Z", "winlog.db.rescued-20260113T081500Z"):
        shutil.copy(data / "winlog.db", data / name)
    (data / "winlog.db.replaced-20260114T081500Z").write_bytes(b"no database")
    done = forget(filled, "zoé-alice")

    assert "replaced files without it: 2\n" in done.stdout
    assert "winlog.db.replaced-20260114T081500Z" in done.stderr
    run_to_end(filled, "compact", "--yes", "--config", "config.toml")
    assert places(filled) == []
    with closing(sqlite3.connect(data / "winlog.db.rescued-20260113T081500Z")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM events_all").fetchall() == [(14,)]


def test_a_restored_backup_is_forgotten_before_it_is_there(filled: Path) -> None:
    backup = filled / "backup.db"
    assert run_to_end(filled, "backup", str(backup), "--config", "config.toml").returncode == 0
    forget(filled, "zoé-alice")
    done = run_to_end(filled, "restore", str(backup), "--config", "config.toml")

    assert done.returncode == 0, done.stderr
    assert users(filled, "events_history") == users(filled, "events_today") == sorted(OTHERS)


def test_a_backup_that_was_copied_by_hand_is_forgotten_at_the_start(filled: Path) -> None:
    backup = filled / "backup.db"
    shutil.copy(filled / "data" / "winlog.db", backup)
    forget(filled, "zoé-alice")
    shutil.copy(backup, filled / "data" / "winlog.db")
    with running(filled, NEVER) as server:
        answers = [server.request("GET", "/api/v1/sessions")]
        while answers[-1].status != 200:
            answers.append(server.request("GET", "/api/v1/sessions"))
        assert {answer.status for answer in answers} <= {200, 503}
        assert not [answer for answer in answers if "zoé-alice@" in answer.body.decode().lower()]
        server.wait_for_log("people forgotten history=9 today=13")
        assert users(filled, "events_today") == sorted(OTHERS)


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_a_new_readers_file_forgets_as_the_lost_one_did(filled: Path, is_running: bool) -> None:
    forget(filled, "zoé-alice")
    (filled / "data" / "winlog.access").unlink()
    with perhaps(filled, is_running):
        done = forget(filled, "malice")

        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("3 rows of events_history and 4 of events_today forgotten")
        assert users(filled, "events_history") == users(filled, "events_today") == ["zoé-alice2"]


def test_a_restored_backup_of_another_server_is_forgotten_too(
    filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(filled / "data", other / "data")
    shutil.copy(filled / "config.toml", other)
    for name in ("malice", "zoé-alice2"):  # as many tombstones as alice's in the file to restore into
        assert forget(other, name).returncode == 0
    forget(filled, "ADMIN\\zoé-alice")
    forget(filled, "zoé-alice", "--exact")
    done = run_to_end(filled, "restore", str(other / "data" / "winlog.db"), "--config", "config.toml")

    assert done.returncode == 0, done.stderr
    assert users(filled, "events_history") == users(filled, "events_today") == []


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_an_import_is_forgotten_and_a_new_person_keeps_their_events(filled: Path, is_running: bool) -> None:
    old = filled / "old.db"
    shutil.copy(filled / "data" / "winlog.db", old)
    forget(filled, "zoé-alice")
    with running(filled, NEVER) as server:
        server.post(an_event(username="zoé-alice", timestamp="2026-01-14T08:00:00Z"))
        server.stop()
    with perhaps(filled, is_running):
        done = run_to_end(filled, "import", str(old), "--config", "config.toml")

        assert done.returncode == 0, done.stderr
        assert "26 rows imported" in done.stdout
        assert "; rows forgotten now: 22" in done.stdout
        wait_for(lambda: users(filled, "events_history") == sorted(OTHERS), "that they are forgotten again")
        assert users(filled, "events_today") == sorted([*OTHERS, "zoé-alice"])


def test_who_is_forgotten_during_an_import_is_not_brought_back_by_it(filled: Path) -> None:
    old = filled / "old.db"
    shutil.copy(filled / "data" / "winlog.db", old)
    add_reports(old, 6000)
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        command = [sys.executable, "-m", "winlogd", "import", str(old), "--config", "config.toml"]
        importing = subprocess.Popen(command, cwd=filled, stdout=subprocess.DEVNULL)
        wait_for(lambda: "carol" in users(filled, "events_history"), "the first rows")
        order = {"order": "forget", "names": ["zoé-alice", "admin\\zoé-alice"], "pseudonym": "", "asked": ""}
        span = {"first_us": None, "last_us": None}
        ordered(path_of(str(server.database)), {**order, **span}, PATIENCE_S, lambda: None, lambda _: None)
        assert importing.wait(PATIENCE_S) == 0
        wait_for(lambda: users(filled, "events_history") == ["carol", *sorted(OTHERS)], "that nobody is brought back")
        assert server.rows("SELECT count(*) AS n FROM events_history WHERE username = 'carol'") == [{"n": 3000}]
        wait_for(lambda: server.request("GET", "/api/v1/sessions").status == 200, "the past")
        assert server.stop() == 0
    assert run_to_end(filled, "sessions", "--config", "config.toml").returncode == 0, "nothing waits"


def test_while_tombstones_wait_the_past_answers_503_and_the_present_goes_on(filled: Path) -> None:
    backup = filled / "backup.db"
    shutil.copy(filled / "data" / "winlog.db", backup)
    forget(filled, "zoé-alice")
    shutil.copy(backup, filled / "data" / "winlog.db")
    keeper = "CREATE TRIGGER keep BEFORE DELETE ON events_history BEGIN SELECT RAISE(IGNORE); END"
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as other:
        other.execute(keeper)  # the job fails, and the past stays closed
    with running(filled, NEVER) as server:
        server.wait_for_log("forgetting could not go on; remove the trigger, which is not winlogd's")
        assert "Traceback" not in server.log
        past = server.request("GET", "/api/v1/sessions")
        assert (past.status, past.json["error"]) == (503, "The past is closed for a moment")
        done = run_to_end(filled, "sessions", "--config", "config.toml")
        assert (done.returncode, done.stdout) == (1, "")
        assert "forgotten people are being removed" in done.stderr
        assert server.request("GET", "/api/v1/sessions/current").status == 200
        snapshot = server.request("GET", "/api/v1/snapshot")
        assert (snapshot.status, {each["last_user"] for each in snapshot.json["machines"]}) == (200, {None})
        assert server.post(an_event(username="bob")).status == 200


def test_without_a_server_a_command_shows_nobody_while_tombstones_wait(filled: Path) -> None:
    backup = filled / "backup.db"
    shutil.copy(filled / "data" / "winlog.db", backup)
    forget(filled, "zoé-alice")
    assert run_to_end(filled, "sessions", "--config", "config.toml").returncode == 0
    shutil.copy(backup, filled / "data" / "winlog.db")
    for words in (("sessions",), ("export", "--format", "csv", "--output", "all.csv"), ("user", "malice")):
        done = run_to_end(filled, *words, "--config", "config.toml")
        assert (done.returncode, done.stdout) == (1, "")
        assert "still has people who were forgotten, so nothing of it is shown" in done.stderr
    assert not (filled / "all.csv").exists()

    assert forget(filled, "ADMIN\\zoé-alice").returncode == 0
    assert run_to_end(filled, "sessions", "--config", "config.toml").returncode == 0
    assert users(filled, "events_history") == users(filled, "events_today") == sorted(OTHERS)


def test_a_damaged_readers_file_closes_the_past_and_the_log_says_what_to_do(filled: Path) -> None:
    forget(filled, "zoé-alice")
    (filled / "data" / "winlog.access").write_bytes(b"no database" * 1000)
    with running(filled, NEVER) as server:
        server.wait_for_log("the past stays closed; put the readers' file of a backup in its place")
        assert server.request("GET", "/api/v1/sessions").status == 503
        assert server.post(an_event(username="bob")).status == 200


@pytest.mark.parametrize("kills", [1, 4])
def test_a_server_that_is_killed_in_between_goes_on_at_its_next_start(filled: Path, kills: int) -> None:
    add_reports(filled / "data" / "winlog.db", 3000)
    for kill in range(kills):
        with running(filled, NEVER) as server:
            server.wait_until_it_obeys()
            if not kill:
                command = [sys.executable, "-m", "winlogd", "forget", "zoé-alice", "--yes", "--config", "config.toml"]
                asked = subprocess.Popen(command, cwd=filled, stderr=subprocess.DEVNULL)
            left = "SELECT count(*) AS n FROM events_history WHERE username = 'zoé-alice'"
            wait_for(lambda: server.rows(left)[0]["n"] < 1500 - 300 * kill, "that some rows are gone")  # noqa: B023
            server.kill()
    assert asked.wait(PATIENCE_S) == 1
    with running(filled, NEVER) as server:
        server.wait_for_log("people forgotten")
        assert server.stop() == 0
    assert users(filled, "events_history") == ["carol", *sorted(OTHERS)]
    assert users(filled, "events_today") == sorted(OTHERS)
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as connection:
        assert connection.execute("SELECT count(*) FROM events_history WHERE username = 'carol'").fetchall() == [
            (1500,)
        ]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
