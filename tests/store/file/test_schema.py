import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.support.paths import DATA
from winlogd.store.errors import SchemaError
from winlogd.store.file.schema import SCHEMA_VERSION, prepare

OLDER = DATA / "older.db"

OLD_COLUMNS = [
    "id", "username", "action", "timestamp", "hostname", "source_ip", "server_timestamp",
    "os_name", "os_version", "kernel_version", "hardware_info", "session_uuid", "created_at",
]  # fmt: skip
COLUMNS = {"events_today": [*OLD_COLUMNS, "origin"], "events_history": [*OLD_COLUMNS, "archived_at", "origin"]}

HISTORY_INDEXES = ["idx_history_hostname", "idx_history_session", "idx_history_username"]

OLD_OPEN_SESSIONS = """SELECT id, session_uuid FROM events_today c WHERE action = 'C' AND NOT EXISTS
    (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')"""


@pytest.fixture
def new(tmp_path: Path) -> Iterator[apsw.Connection]:
    """Return a database that winlogd has just made."""
    with closing(apsw.Connection(str(tmp_path / "new.db"))) as connection:
        prepare(connection)
        yield connection


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Return a database as the older server left it."""
    return Path(shutil.copy(OLDER, tmp_path / "older.db"))


def prepare_file(path: Path) -> bool:
    with closing(apsw.Connection(str(path))) as connection:
        return prepare(connection)


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query in Python's own SQLite, which is an older version."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def columns(path: Path, table: str) -> list[str]:
    return [name for _, name, *_ in rows(path, f"PRAGMA table_info({table})")]


def indexes(path: Path, table: str) -> list[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? ORDER BY name"
    return [name for (name,) in rows(path, sql, table)]


# ── a new database ────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_database_has_the_promised_columns_in_their_order(tmp_path: Path) -> None:
    assert prepare_file(tmp_path / "new.db") is False

    for table, names in COLUMNS.items():
        assert columns(tmp_path / "new.db", table) == names
    assert columns(tmp_path / "new.db", "events_all") == [*OLD_COLUMNS, "source", "origin"]
    assert columns(tmp_path / "new.db", "sessions") == [
        "username", "hostname", "connected_at", "disconnected_at", "duration_seconds", "ended_by", "session_uuid",
        "source_ip", "os_name", "os_version", "received_at",
    ]  # fmt: skip
    assert rows(tmp_path / "new.db", "PRAGMA user_version") == [(SCHEMA_VERSION,)]


def test_the_columns_have_the_promised_types_and_defaults(new: apsw.Connection) -> None:
    now = "CURRENT_TIMESTAMP"
    types = {
        "id": ("INTEGER", 0, None), "username": ("VARCHAR(50)", 1, None), "action": ("CHAR(1)", 1, None),
        "timestamp": ("DATETIME", 1, None), "hostname": ("VARCHAR(100)", 0, None),
        "source_ip": ("VARCHAR(45)", 0, None),
        "server_timestamp": ("DATETIME", 0, now), "os_name": ("VARCHAR(50)", 0, None),
        "os_version": ("VARCHAR(100)", 0, None), "kernel_version": ("VARCHAR(50)", 0, None),
        "hardware_info": ("TEXT", 0, None), "session_uuid": ("VARCHAR(100)", 0, None),
        "created_at": ("DATETIME", 0, now),
        "origin": ("TEXT", 1, "'client'"),
    }  # fmt: skip
    history = types | dict.fromkeys(("server_timestamp", "created_at"), ("DATETIME", 0, None))
    history["archived_at"] = ("DATETIME", 0, now)

    for table, wanted in {"events_today": types, "events_history": history}.items():
        info = {str(row[1]): row[2:5] for row in new.execute(f"PRAGMA table_info({table})")}
        assert info == wanted


@pytest.mark.parametrize("table", COLUMNS)
def test_an_id_is_never_used_again(new: apsw.Connection, table: str) -> None:
    insert = f"INSERT INTO {table} (username, action, timestamp) VALUES ('alice', 'C', '2026-01-13T08:30:00Z')"
    new.execute(insert)
    new.execute(f"DELETE FROM {table}")

    new.execute(insert)

    assert new.execute(f"SELECT id FROM {table}").fetchall() == [(2,)]


@pytest.mark.parametrize("table", COLUMNS)
def test_another_action_is_not_stored(new: apsw.Connection, table: str) -> None:
    with pytest.raises(apsw.ConstraintError):
        new.execute(f"INSERT INTO {table} (username, action, timestamp) VALUES ('alice', 'X', '2026-01-13T08:30:00Z')")


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    prepare_file(tmp_path / "new.db")
    before = (tmp_path / "new.db").read_bytes()

    assert prepare_file(tmp_path / "new.db") is False

    assert (tmp_path / "new.db").read_bytes() == before


def test_a_view_of_an_earlier_winlogd_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    prepare_file(path)
    before = rows(path, "SELECT sql FROM sqlite_master WHERE type = 'view' ORDER BY name")
    rows(path, "DROP VIEW sessions")
    rows(path, "CREATE VIEW sessions AS SELECT username FROM events_today")

    assert prepare_file(path) is False

    assert rows(path, "SELECT sql FROM sqlite_master WHERE type = 'view' ORDER BY name") == before


# ── an older server's database ────────────────────────────────────────────────────────────────────────────


def test_an_older_database_is_upgraded_in_place_and_loses_nothing(older: Path) -> None:
    everything = [f"SELECT {', '.join(OLD_COLUMNS)} FROM {table} ORDER BY id" for table in COLUMNS]
    everything += ["SELECT archived_at FROM events_history ORDER BY id"]
    everything += [f"SELECT {', '.join(OLD_COLUMNS)}, source FROM events_all ORDER BY source, id"]
    everything += ["SELECT name, seq FROM sqlite_sequence ORDER BY name"]
    before = [rows(older, sql) for sql in everything]

    assert prepare_file(older) is True

    assert [rows(older, sql) for sql in everything] == before
    for table, names in COLUMNS.items():
        assert columns(older, table) == names
    assert rows(older, "SELECT DISTINCT origin FROM events_history") == [("client",)]
    automatic = """SELECT d.id FROM events_today d JOIN events_today c ON c.id = d.id + 1 AND c.username = d.username
        WHERE d.action = 'D' AND c.action = 'C' AND unixepoch(c.timestamp) - unixepoch(d.timestamp) = 1 ORDER BY d.id"""
    marked = rows(older, "SELECT id FROM events_today WHERE origin = 'auto' ORDER BY id")
    assert marked == rows(older, automatic) != []
    assert rows(older, "SELECT DISTINCT origin FROM events_today ORDER BY 1") == [("auto",), ("client",)]
    assert rows(older, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert rows(older, "PRAGMA integrity_check") == [("ok",)]


def test_an_upgrade_drops_the_costly_indexes_of_today_and_those_on_the_archives_times(older: Path) -> None:
    prepare_file(older)

    assert indexes(older, "events_today") == ["idx_today_logoff"]
    assert indexes(older, "events_history") == HISTORY_INDEXES


def test_an_upgraded_database_is_like_a_new_one(older: Path, tmp_path: Path) -> None:
    prepare_file(older)
    prepare_file(tmp_path / "new.db")

    of_views = "SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY name"
    assert rows(older, of_views) == rows(tmp_path / "new.db", of_views)
    for table in COLUMNS:
        assert rows(older, f"PRAGMA table_info({table})") == rows(tmp_path / "new.db", f"PRAGMA table_info({table})")
        assert indexes(older, table) == indexes(tmp_path / "new.db", table)


def test_an_upgrade_is_done_once(older: Path) -> None:
    assert [prepare_file(older), prepare_file(older)] == [True, False]


def test_the_open_sessions_of_an_older_database_are_in_the_view(older: Path) -> None:
    expected = sorted(uuid for _, uuid in rows(older, OLD_OPEN_SESSIONS))
    prepare_file(older)

    found = sorted(uuid for (uuid,) in rows(older, "SELECT session_uuid FROM open_sessions"))

    assert len(found) == 14
    assert found == expected


def test_the_older_servers_own_statements_still_work(older: Path) -> None:
    prepare_file(older)
    twelve = ", ".join(name for name in OLD_COLUMNS if name not in ("id",))
    event = (
        "zoe",
        "C",
        "2026-01-14T08:00:00Z",
        "PC-77",
        "192.0.2.9",
        "2026-01-14T08:00:01Z",
        "Linux",
        "6",
        "6.1",
        None,
    )

    rows(
        older,
        f"INSERT INTO events_today ({twelve}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        *event,
        "zoe@PC-77@abcdef",
        "now",
    )
    lookup = """SELECT session_uuid, timestamp FROM events_today c WHERE username = ? AND action = 'C' AND hostname = ?
        AND NOT EXISTS (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')
        ORDER BY timestamp DESC LIMIT 1"""
    assert rows(older, lookup, "zoe", "PC-77") == [("zoe@PC-77@abcdef", "2026-01-14T08:00:00Z")]
    assert rows(older, "SELECT origin FROM events_today WHERE username = 'zoe'") == [("client",)]


def test_an_older_rotation_script_still_moves_everything(older: Path) -> None:
    prepare_file(older)
    before = rows(older, f"SELECT {', '.join(OLD_COLUMNS[1:])} FROM events_all ORDER BY timestamp, username, action")
    names = ", ".join(OLD_COLUMNS[1:])

    rows(older, f"INSERT INTO events_history ({names}) SELECT {names} FROM events_today ORDER BY id")
    rows(older, "DELETE FROM events_today")

    after = rows(older, f"SELECT {', '.join(OLD_COLUMNS[1:])} FROM events_all ORDER BY timestamp, username, action")
    assert after == before
    assert rows(older, "SELECT count(*) FROM events_history WHERE archived_at IS NULL OR origin <> 'client'") == [(0,)]


def test_indexes_that_an_older_server_makes_again_are_dropped_at_the_next_start(older: Path) -> None:
    prepare_file(older)
    rows(older, "CREATE INDEX IF NOT EXISTS idx_today_timestamp ON events_today(timestamp)")

    assert prepare_file(older) is False

    assert indexes(older, "events_today") == ["idx_today_logoff"]


def test_columns_that_a_still_older_database_lacks_are_added(tmp_path: Path) -> None:
    path = tmp_path / "oldest.db"
    rows(path, "CREATE TABLE events_today (id INTEGER PRIMARY KEY, username TEXT NOT NULL, action TEXT NOT NULL,"
               " timestamp TEXT NOT NULL)")  # fmt: skip
    rows(path, "INSERT INTO events_today VALUES (5, 'alice', 'C', '2026-01-13T08:30:00Z')")

    assert prepare_file(path) is True

    assert sorted(columns(path, "events_today")) == sorted(COLUMNS["events_today"])
    assert columns(path, "events_history") == COLUMNS["events_history"]
    assert rows(path, "SELECT id, username, origin, session_uuid FROM events_today") == [(5, "alice", "client", None)]


# ── refused databases ─────────────────────────────────────────────────────────────────────────────────────


def test_a_database_of_a_newer_winlogd_is_refused_and_left_alone(older: Path) -> None:
    rows(older, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = older.read_bytes()

    with pytest.raises(SchemaError, match="newer winlogd"):
        prepare_file(older)

    assert older.read_bytes() == before


def test_tables_of_something_else_are_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    rows(path, "CREATE TABLE events_history (id INTEGER PRIMARY KEY, title TEXT)")
    before = path.read_bytes()

    with pytest.raises(SchemaError, match="events_history without the column username"):
        prepare_file(path)

    assert path.read_bytes() == before


def test_a_failed_upgrade_leaves_the_file_as_it_was(older: Path) -> None:
    rows(older, "CREATE TABLE sessions (id)")  # takes the name of a view, which is made last
    before = older.read_bytes()

    with closing(apsw.Connection(str(older))) as connection:
        with pytest.raises(apsw.SQLError, match="sessions"):
            prepare(connection)
        assert not connection.in_transaction

    assert older.read_bytes() == before
