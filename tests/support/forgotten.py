"""A folder with a person to forget and two others, the command, and where the name is left."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tests.support.running import Winlogd, an_event, run_to_end, running

NEVER: Final = '[server]\ntimezone = "UTC"\n[rotation]\nat = ""\n[retention]\nhistory_days = 0\n'
ALICE: Final = ("zoé-alice", "ZOÉ-ALICE", "ADMIN\\Zoé-Alice")
OTHERS: Final = ("malice", "zoé-alice2")
LAST_YEAR: Final = datetime.now(UTC) - timedelta(days=300)


def session(server: Winlogd, user: str, host: str = "A102-07", hour: int = 8) -> None:
    """Send a session of an hour, with a report of hardware that names the person."""
    server.post(an_event(username=user, hostname=host, timestamp=f"2026-01-12T{hour:02}:00:00Z"))
    report = {"accounts": [user, "zoé-alice"], "home": f"C:\\Users\\{user}", "n": hour}
    server.post(
        an_event(
            action="M", username=user, hostname=host, timestamp=f"2026-01-12T{hour:02}:01:00Z", hardware_info=report
        )
    )
    server.post(an_event(action="D", username=user, hostname=host, timestamp=f"2026-01-12T{hour + 1:02}:00:00Z"))


def fill(tmp_path: Path) -> Path:
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
    """Run `winlogd forget`, without a question."""
    return run_to_end(folder, "forget", *words, "--yes", "--config", "config.toml")


def users(folder: Path, table: str) -> list[str]:
    """Return the names in a table."""
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
