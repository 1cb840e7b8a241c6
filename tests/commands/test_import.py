"""`winlogd import`: an older server's file becomes a part of the archive, with the server running or not."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.older import COLUMNS, GOLDEN, archived, csv_of, older_row, sqlite_of
from tests.support.running import A_SMALL_DISK_WILL_DO, MORE_THAN_THERE_IS, an_event, run_to_end, running, wait_for
from winlogd.control.address import path_of
from winlogd.control.client import OrderFailedError, ask

pytestmark = pytest.mark.long


IN_UTC = '[server]\ntimezone = "UTC"\n[retention]\nhistory_days = 0\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a configuration, and a database with one event."""
    with running(tmp_path, IN_UTC) as server:
        server.post(an_event(username="own"))
        server.wait_until_settled()
        assert server.stop() == 0
    return tmp_path


def database_in(folder: Path) -> Path:
    return folder / "data" / "winlog.db"


def bring_in(folder: Path, file: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return run_to_end(folder, "import", str(file), "--config", "config.toml", environ=environ)


def archive(folder: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database_in(folder))) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM events_history ORDER BY id")]


def left(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder / "data") if name.startswith("winlogd-import-")]


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_server_the_command_imports_and_builds_the_past(folder: Path) -> None:
    done = bring_in(folder, GOLDEN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("50 rows imported into events_history in ")
    assert done.stdout.endswith("; rows known before: 0; rows that came twice: 0, faulty: 0\n")
    shown = run_to_end(folder, "sessions", "--csv", "--config", "config.toml")
    assert "still being read" not in shown.stderr
    assert len(shown.stdout.splitlines()) == 1 + 29 + 1
    assert "; rows known before: 50; " in bring_in(folder, GOLDEN).stdout
    assert len(archive(folder)) == 50
    assert left(folder) == []


def test_a_running_server_imports_and_stores_events_meanwhile(folder: Path) -> None:
    with running(folder, IN_UTC) as server:
        server.wait_until_it_obeys()
        done = bring_in(folder, GOLDEN)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("50 rows imported")
        assert server.post(an_event(username="later")).status == 200
        server.wait_for_log("imported rows=50 known=0")
        wait_for(lambda: server.rows("SELECT 1 FROM winlogd_past LIMIT 1"), "the past")
        assert "; rows known before: 50; " in bring_in(folder, GOLDEN).stdout
    assert len(archive(folder)) == 50
    assert left(folder) == []


def test_the_one_table_of_the_php_server_is_imported(folder: Path, tmp_path: Path) -> None:
    old = sqlite_of(tmp_path / "php.db", {"events": [older_row(1), older_row(2, "M", hardware_info='{"cpu":1}')]})
    assert bring_in(folder, old).stdout.startswith("2 rows imported")
    first, second = archive(folder)
    assert {name: first[name] for name in COLUMNS} == older_row(1)
    assert (second["hardware_info"], second["origin"]) == ('{"cpu":1}', "client")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_csv_with_the_same_columns_is_imported_and_is_the_same_as_the_database(
    folder: Path, tmp_path: Path, separator: str
) -> None:
    rows = [
        older_row(1, hardware_info='{"a":"b;c,\\"d\\""}'),
        older_row(2, username='x "y",z;', os_name=None, os_version='"1",\n2;'),
    ]
    assert bring_in(folder, csv_of(tmp_path / "old.csv", rows, separator=separator)).stdout.startswith("2 rows")
    assert [(row["username"], row["os_version"]) for row in archive(folder)] == [
        ("user1", None),
        ('x "y",z;', '"1",\n2;'),
    ]
    again = bring_in(folder, sqlite_of(tmp_path / "old.db", {"events": rows}))
    assert again.stdout.startswith("0 rows imported")


def test_columns_may_stand_in_any_order_and_be_missing(folder: Path, tmp_path: Path) -> None:
    columns = ("timestamp", "action", "username")
    assert bring_in(folder, csv_of(tmp_path / "few.csv", [older_row(1)], columns)).returncode == 0
    [row] = archive(folder)
    assert (row["username"], row["hostname"], row["server_timestamp"]) == ("user1", None, None)


def test_an_export_of_events_can_be_imported_elsewhere(folder: Path, tmp_path: Path) -> None:
    bring_in(folder, GOLDEN)
    for words in (("--format", "csv", "--raw"), ("--format", "sqlite")):
        file = tmp_path / f"out.{words[1]}"
        done = run_to_end(folder, "export", "--events", *words, "--output", str(file), "--config", "config.toml")
        assert done.returncode == 0, done.stderr
        other = tmp_path / words[1]
        other.mkdir()
        with running(other, IN_UTC) as server:
            server.wait_until_settled()
            assert server.stop() == 0
        assert bring_in(other, file).stdout.startswith("51 rows imported")
        assert archived(database_in(other)) == archived(database_in(folder))


def test_what_an_older_server_has_left_in_its_wal_is_imported(folder: Path, tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    with closing(sqlite3.connect(live)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE theirs (x)")
        sqlite_of(live, {"events": [older_row(1)]})
        old = tmp_path / "old.db"
        for suffix in ("", "-wal"):
            old.with_name(f"old.db{suffix}").write_bytes(live.with_name(f"live.db{suffix}").read_bytes())
    wal = old.with_name("old.db-wal")
    before = old.read_bytes(), wal.read_bytes()
    assert before[1]
    assert bring_in(folder, old).stdout.startswith("1 rows imported")
    assert (old.read_bytes(), wal.read_bytes()) == before
    assert left(folder) == []


def test_rows_that_the_next_rotation_would_delete_are_counted_and_a_person_is_asked(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "config.toml").write_text(IN_UTC.replace("_days = 0", "_days = 3"))
    now = datetime.now(UTC)
    times = (f"{now - timedelta(days=days):%Y-%m-%d %H:%M:%S}" for days in (1, 2, 5, 400))
    rows = [older_row(number, server_timestamp=time) for number, time in enumerate(times)]
    file = csv_of(tmp_path / "old.csv", [*rows, older_row(9, server_timestamp=None, created_at=None)])

    asked = bring_in(folder, file)
    assert (asked.returncode, asked.stdout, archive(folder), left(folder)) == (1, "", [], [])
    assert "nothing was done: this command asks first" in asked.stderr
    assert "3 of 5 rows are older than retention.history_days = 3: the next rotation deletes them" in asked.stderr

    done = run_to_end(folder, "import", str(file), "--yes", "--config", "config.toml")
    assert done.stdout.startswith("5 rows imported"), done.stderr
    assert left(folder) == []


# ── faulty rows ───────────────────────────────────────────────────────────────────────────────────────


def test_faulty_rows_are_named_and_left_out_and_the_rest_is_imported(folder: Path, tmp_path: Path) -> None:
    rows = [
        older_row(1),
        older_row(2, "X"),
        older_row(3, username=""),
        older_row(4, timestamp="yesterday"),
        older_row(5, username="é" * 257),
        older_row(6),
    ]
    file = csv_of(tmp_path / "old.csv", rows)
    with file.open("ab") as more:
        more.write(b"one,cell\r\n" + b"caf\xe9,C,2026-01-13T08:00:00Z" + b"," * 9 + b"\r\n")
    done = bring_in(folder, file)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "winlogd: line 3 has the action 'X', not C, D or M; it is left out",
        "winlogd: line 4 has no username; it is left out",
        "winlogd: line 5 has a timestamp that is no time: 'yesterday'; it is left out",
        "winlogd: line 6 has a username of more than 256 characters; it is left out",
        "winlogd: line 8 has 2 cells instead of 12; it is left out",
        "winlogd: line 9 has text that is not UTF-8; it is left out",
    ]
    assert done.stdout.startswith("2 rows imported")
    assert done.stdout.endswith("faulty: 6\n")
    assert [row["username"] for row in archive(folder)] == ["user1", "user6"]


def test_names_with_control_characters_are_faulty_as_they_are_in_events(folder: Path, tmp_path: Path) -> None:
    rows = [older_row(1), older_row(2, username="a\n=cmd"), older_row(3, hostname="A102\x1b[m")]
    done = bring_in(folder, csv_of(tmp_path / "old.csv", rows))
    assert done.stderr.splitlines() == [
        "winlogd: line 3 has a username with control characters; it is left out",
        "winlogd: line 5 has a hostname with control characters; it is left out",
    ]
    assert [row["username"] for row in archive(folder)] == ["user1"]


def test_faulty_rows_of_a_table_are_named_by_their_ids(folder: Path, tmp_path: Path) -> None:
    rows = [older_row(1), older_row(2, username=b"caf\xe9"), older_row(1)]
    done = bring_in(folder, sqlite_of(tmp_path / "old.db", {"events_today": rows}))
    assert done.stderr == "winlogd: events_today, id 2 has text that is not UTF-8; it is left out\n"
    assert done.stdout.endswith("; rows known before: 0; rows that came twice: 1, faulty: 1\n")


def test_of_many_faulty_rows_twenty_are_named(folder: Path, tmp_path: Path) -> None:
    done = bring_in(folder, csv_of(tmp_path / "old.csv", [older_row(number, "?") for number in range(30)]))
    lines = done.stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "winlogd: 10 more rows are faulty and left out"
    assert done.stdout == "no row was imported; rows that came twice: 0, faulty: 30\n"
    assert left(folder) == []


# ── files that are none ───────────────────────────────────────────────────────────────────────────────


def refused(folder: Path, file: Path, **environ: str) -> str:
    done = bring_in(folder, file, **environ)
    assert (done.returncode, done.stdout) == (1, "")
    assert left(folder) == []
    assert archive(folder) == []
    [line] = done.stderr.splitlines()
    return line


def test_a_file_that_is_no_file_of_an_older_server_is_refused(folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("dear diary\n")
    assert refused(folder, text).endswith(
        "has a first line without the column username: it is no file of an older server"
    )
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(GOLDEN.read_bytes()[:5000] + b"\xff" * 5000)
    assert "is damaged" in refused(folder, damaged)
    empty = sqlite_of(tmp_path / "empty.db", {})
    with closing(sqlite3.connect(empty)) as connection, connection:
        connection.execute("CREATE TABLE recipes (id)")
    assert "has none of the tables" in refused(folder, empty)
    assert refused(folder, tmp_path / "nowhere").endswith("nowhere cannot be read: No such file or directory")
    assert refused(folder, tmp_path).endswith("cannot be read: Is a directory")
    os.mkfifo(tmp_path / "pipe")
    assert refused(folder, tmp_path / "pipe").endswith("pipe cannot be read: it is no file")
    assert refused(folder, database_in(folder)).endswith("is the database itself: there is nothing to import")


def test_views_and_triggers_of_a_file_do_not_run(folder: Path, tmp_path: Path) -> None:
    hostile = sqlite_of(tmp_path / "hostile.db", {"events": [older_row(1)], "other": []})
    with closing(sqlite3.connect(hostile)) as connection, connection:
        connection.execute("CREATE VIEW events_today AS SELECT * FROM events, json_each('[1,2,3]')")
        connection.execute("CREATE TRIGGER theirs AFTER INSERT ON events BEGIN DELETE FROM events; END")
    before = hostile.read_bytes()
    assert bring_in(folder, hostile).stdout.startswith("1 rows imported")
    assert hostile.read_bytes() == before


def test_what_a_table_would_compute_is_not_computed(folder: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.db"
    with closing(sqlite3.connect(hostile)) as connection, connection:
        connection.execute("CREATE TABLE events (username, action, timestamp)")
        connection.execute("INSERT INTO events VALUES ('a', 'C', '2026-01-13T08:00:00Z')")
        connection.execute("ALTER TABLE events ADD COLUMN hostname AS (json('{'))")
    assert bring_in(folder, hostile).stdout.startswith("1 rows imported")
    assert [row["hostname"] for row in archive(folder)] == [None]


def test_with_too_little_space_nothing_is_imported(folder: Path) -> None:
    assert "MB are free on its disk" in refused(folder, GOLDEN, **MORE_THAN_THERE_IS)


def test_without_a_database_there_is_nothing_to_import_into(tmp_path: Path) -> None:
    done = run_to_end(tmp_path, "import", str(GOLDEN))
    assert done.returncode == 1
    assert done.stderr.endswith("start the server once, which makes it; there is nothing to import into yet\n")


# ── the order, and ends before the end ────────────────────────────────────────────────────────────────


def test_an_order_names_no_path(folder: Path) -> None:
    with running(folder, IN_UTC) as server:
        server.wait_until_it_obeys()
        for digits in ("../../../etc/passwd", str(GOLDEN), "0123456789abcdef", None):
            with pytest.raises(OrderFailedError, match="staging file"):
                ask(path_of(str(server.database)), {"order": "import", "staging": digits}, 30, print, print)


def test_a_command_that_is_killed_leaves_files_that_the_next_one_removes(folder: Path, tmp_path: Path) -> None:
    large = csv_of(tmp_path / "large.csv", (older_row(number % 80_000) for number in range(200_000)))
    words = [sys.executable, "-m", "winlogd", "import", str(large), "--config", "config.toml"]
    command = subprocess.Popen(words, cwd=folder, env={**os.environ, **A_SMALL_DISK_WILL_DO})
    wait_for(lambda: any((folder / "data" / name).stat().st_size for name in left(folder)), "a locked file", command)
    command.send_signal(signal.SIGSTOP)  # long before its end
    beside = bring_in(folder, GOLDEN)
    assert beside.returncode == 0
    assert len(left(folder)) == 1  # of the command that still runs
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert len(left(folder)) == 1
    assert "; rows known before: 50; " in bring_in(folder, GOLDEN).stdout
    assert left(folder) == []


def test_a_server_that_is_killed_meanwhile_loses_and_doubles_nothing(folder: Path, tmp_path: Path) -> None:
    rows = [older_row(number) for number in range(3000)]
    old = sqlite_of(tmp_path / "old.db", {"events": rows})
    with running(folder, IN_UTC) as server:
        server.wait_until_it_obeys()
        words = [sys.executable, "-m", "winlogd", "import", str(old), "--config", "config.toml"]
        command = subprocess.Popen(
            words, cwd=folder, env={**os.environ, **A_SMALL_DISK_WILL_DO}, stderr=subprocess.PIPE
        )
        wait_for(lambda: server.rows("SELECT 1 FROM events_history LIMIT 1"), "the first row", command)
        server.kill()
        command.communicate(timeout=30)
        server.start()
        server.wait_until_it_obeys()
        done = bring_in(folder, old)
        assert done.returncode == 0, done.stderr
        names = server.rows("SELECT username FROM events_history")
        assert sorted(row["username"] for row in names) == sorted(str(row["username"]) for row in rows)
    assert left(folder) == []
