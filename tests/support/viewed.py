"""Rows of events and the past that follows from them, for tests of the views by Python's own SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw

from tests.support.past import build_file
from winlogd.store.file.schema import prepare


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Return an empty database of winlogd's."""
    with closing(apsw.Connection(str(path))) as connection:
        prepare(connection)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def store(
    database: sqlite3.Connection, action: str, timestamp: str, session: str = "alice@A@000001", table: str = "today",
    **columns: Any,  # noqa: ANN401  # any value of a column
) -> None:  # fmt: skip
    """Store a row whose time of receipt is its timestamp, unless `columns` give another."""
    row = {"username": "alice", "hostname": "A", "action": action, "timestamp": timestamp, "session_uuid": session}
    row = {"server_timestamp": timestamp, "source_ip": "192.0.2.1", "os_name": "Windows"} | row | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO events_{table} ({names}) VALUES ({marks})", list(row.values()))


def build(database: sqlite3.Connection) -> None:
    """Let winlogd take the archive's rows into the past."""
    database.commit()
    build_file(Path(database.execute("PRAGMA database_list").fetchone()[2]))
