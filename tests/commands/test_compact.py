"""`winlogd compact` leaves nothing of deleted rows in any file, while no server runs."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.running import A_SMALL_DISK_WILL_DO, an_event, run_to_end, running

pytestmark = pytest.mark.long

NEVER = '[rotation]\nat = ""\n'
NAMES: Final = [f"zacharias{number}" for number in range(60)]


@pytest.fixture
def purged(tmp_path: Path) -> Path:
    """Make a folder whose database had names that were purged, in a file of an older server."""
    database = tmp_path / "data" / "winlog.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE winlogd_filler (x)")  # a file with pages keeps its way of freeing them
        connection.executemany("INSERT INTO winlogd_filler VALUES (?)", [("y" * 3000,)] * 300)
        connection.commit()
    with running(tmp_path, NEVER) as server:
        for name in NAMES:
            server.post(an_event(username=name))
        server.execute("UPDATE events_today SET server_timestamp = '2026-01-01T08:00:00.000000+00:00'")
        server.rotate()
        server.execute("DROP TABLE winlogd_filler")
        server.stop()
    assert run_to_end(tmp_path, "purge", "--all", "--yes", "--config", "config.toml").returncode == 0
    return tmp_path


def test_the_file_is_small_and_has_nothing_of_what_was_deleted(purged: Path) -> None:
    database = purged / "data" / "winlog.db"
    before = database.stat().st_size
    done = run_to_end(purged, "compact", "--yes", "--config", "config.toml")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{database} is rewritten: {before / 1e6:.1f} MB before, {database.stat().st_size / 1e6:.1f} MB now\n"
    )
    assert database.stat().st_size < before / 3
    assert sorted(path.name for path in database.parent.iterdir()) == ["winlog.db", "winlog.db.lock"]
    assert not [name for name in NAMES if name.encode() in database.read_bytes()]
    with running(purged, NEVER) as server:
        assert server.post(an_event()).status == 200
        assert server.rows("PRAGMA auto_vacuum") == [{"auto_vacuum": 2}]
        assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_while_another_program_reads_it_is_rewritten_and_says_what_is_left(purged: Path) -> None:
    database = purged / "data" / "winlog.db"
    quickly = {"WINLOGD_DATABASE_PRAGMA_BUSY_TIMEOUT": "100"}
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events_today").fetchall()
        done = run_to_end(purged, "compact", "--yes", environ=quickly)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{database} is rewritten, but another program still reads the old content: end it")

    assert f"{database} is rewritten: " in run_to_end(purged, "compact", "--yes").stdout
    assert not [name for name in NAMES if name.encode() in database.read_bytes()]


def test_it_works_in_another_journal_mode(purged: Path) -> None:
    (purged / "config.toml").write_text('[database]\npragma_journal_mode = "DELETE"\n')

    assert run_to_end(purged, "compact", "--yes", "--config", "config.toml").returncode == 0


def test_while_a_server_runs_it_does_nothing(tmp_path: Path) -> None:
    with running(tmp_path, NEVER) as server:
        server.wait_until_open()
        done = run_to_end(tmp_path, "compact", "--yes", "--config", "config.toml")

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"winlogd: a server is running on {server.database}: stop it, and run this again\n"


def test_without_a_terminal_it_wants_yes(purged: Path) -> None:
    before = (purged / "data" / "winlog.db").read_bytes()
    done = run_to_end(purged, "compact", "--config", "config.toml")

    assert (done.returncode, done.stdout) == (1, "")
    assert "--yes answers it" in done.stderr
    assert (purged / "data" / "winlog.db").read_bytes() == before


@pytest.mark.parametrize("after_s", [0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
def test_killed_at_any_time_it_loses_nothing(purged: Path, after_s: float) -> None:
    with running(purged, NEVER) as server:
        server.post(an_event())
        server.stop()
    command = [sys.executable, "-m", "winlogd", "compact", "--yes", "--config", "config.toml"]
    process = subprocess.Popen(command, cwd=purged, env={**os.environ, **A_SMALL_DISK_WILL_DO})
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with running(purged, NEVER) as server:
        assert [row["username"] for row in server.rows()] == ["alice"]
        assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
