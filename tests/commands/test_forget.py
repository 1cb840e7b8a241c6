"""`winlogd forget` leaves the name of a person in no row and, after `compact`, in no file."""

import http.client
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.forgotten import (
    ALICE,
    LAST_YEAR,
    NEVER,
    OTHERS,
    forget,
    perhaps,
    places,
    texts,
    users,
)
from tests.support.readers import add_reader, ask, looks
from tests.support.running import PATIENCE_S, an_event, run_to_end, running, wait_for

pytestmark = pytest.mark.long  # each command is a process


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
