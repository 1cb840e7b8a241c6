"""A database of an earlier winlogd or of an older server gets the tables of the past, whole or not at all."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.support.past import build_file
from tests.support.pasts import NOW_S, finish
from tests.support.paths import DATA
from tests.support.statements import noted
from winlogd.store.errors import UnusableError
from winlogd.store.file.database import Database
from winlogd.store.file.past_tables import PAST_INDEXES, PAST_TABLES, PAST_TRIGGERS
from winlogd.store.file.schema import SCHEMA_VERSION, prepare
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.past.progress import is_due, progress

EVENTS = ("events_today", "events_history")


def opened(path: Path) -> Database:
    return Database(Settings(str(path), "WAL", "FULL", 1000, 1000), lambda attempts: attempts < 100)


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query in Python's own SQLite, which is an older version."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def earlier(path: Path) -> Path:
    """Make a database of a winlogd whose schema had version 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATA / "schema1.sql").read_text("utf-8"))
    return path


def older(path: Path) -> Path:
    """Make a database of an older server."""
    return Path(shutil.copy(DATA / "older.db", path))


MAKERS = pytest.mark.parametrize("made", [earlier, older])


@MAKERS
def test_an_upgrade_in_place_loses_no_event(tmp_path: Path, made: Any) -> None:  # noqa: ANN401  # a function
    path = made(tmp_path / "winlog.db")
    columns = [name for _, name, *_ in rows(path, "PRAGMA table_info(events_today)") if name != "origin"]
    everything = [f"SELECT {', '.join(columns)} FROM {table} ORDER BY id" for table in EVENTS]
    everything += ["SELECT archived_at FROM events_history ORDER BY id", "SELECT * FROM sqlite_sequence ORDER BY name"]
    before = [rows(path, sql) for sql in everything]

    database = opened(path)
    upgraded = database.upgraded
    database.close()

    assert upgraded is (made is older)
    assert [rows(path, sql) for sql in everything] == before
    assert rows(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


@MAKERS
def test_an_upgraded_database_has_the_objects_of_a_new_one(tmp_path: Path, made: Any) -> None:  # noqa: ANN401
    path, new = made(tmp_path / "winlog.db"), tmp_path / "new.db"
    for each in (path, new):
        opened(each).close()

    objects = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT IN (?, ?) ORDER BY type, name"
    assert rows(path, objects, *EVENTS) == rows(new, objects, *EVENTS)
    names = {name for (name,) in rows(path, "SELECT name FROM sqlite_master")}
    assert {*PAST_TABLES, *PAST_INDEXES, *PAST_TRIGGERS} <= names
    assert names.isdisjoint({"idx_history_timestamp", "idx_history_date", "idx_today_timestamp"})


@MAKERS
def test_an_upgrade_is_done_once(tmp_path: Path, made: Any) -> None:  # noqa: ANN401
    path = made(tmp_path / "winlog.db")
    opened(path).close()
    before = path.read_bytes()

    opened(path).close()

    assert path.read_bytes() == before


def test_the_archive_of_an_earlier_winlogd_is_shown_when_it_is_built(tmp_path: Path) -> None:
    path = earlier(tmp_path / "winlog.db")
    before = rows(path, "SELECT username, ended_by, session_uuid FROM sessions ORDER BY connected_at")
    opened(path).close()
    with closing(apsw.Connection(str(path))) as connection:
        assert (is_due(connection), progress(connection).text) == (True, "building, 0 %")
    assert rows(path, "SELECT username FROM sessions") == [("erin",)]

    build_file(path)

    after = rows(path, "SELECT username, ended_by, session_uuid FROM sessions ORDER BY connected_at")
    assert after == before
    assert rows(path, "SELECT path, old, new FROM winlogd_hardware") == [("ram", "8", "16")]
    assert rows(path, "SELECT value FROM winlogd_meta WHERE key = 'rotated_day'") == [("2026-01-13",)]


def test_the_archive_of_an_older_server_is_shown_when_it_is_built(tmp_path: Path) -> None:
    path = older(tmp_path / "winlog.db")
    logons = "SELECT username, session_uuid FROM events_history WHERE action = 'C' ORDER BY 1, 2"
    opened(path).close()

    build_file(path)

    names = "SELECT username, session_uuid FROM sessions EXCEPT SELECT username, session_uuid FROM events_today"
    assert rows(path, f"{names} ORDER BY 1, 2") == rows(path, logons)


def test_todays_automatic_logoffs_of_an_older_server_are_marked_at_each_start(tmp_path: Path) -> None:
    path = older(tmp_path / "winlog.db")
    pair = "INSERT INTO events_today (username, action, timestamp, hostname, session_uuid) VALUES ('{0}', ?, ?, 'A', ?)"
    rows(path, pair.format("alice"), "D", "2026-01-13T07:59:59+00:00", "s1")
    rows(path, pair.format("alice"), "C", "2026-01-13T08:00:00Z", "s2")
    rows(path, pair.format("bob"), "D", "2026-01-13T07:59:58Z", "s3")
    rows(path, pair.format("bob"), "C", "2026-01-13T08:00:00Z", "s4")
    opened(path).close()
    marked = "SELECT username FROM events_today WHERE origin = 'auto' AND hostname = 'A'"
    assert rows(path, marked) == [("alice",)]

    rows(path, pair.format("carol"), "D", "2026-01-13T07:59:59Z", "s5")
    rows(path, pair.format("carol"), "C", "2026-01-13T08:00:00Z", "s6")
    opened(path).close()

    assert rows(path, marked) == [("alice",), ("carol",)]


def test_what_an_older_server_has_closed_meanwhile_ends_at_an_unknown_time(tmp_path: Path) -> None:
    """The administrator has gone back to the older server for a day."""
    path = tmp_path / "winlog.db"
    opened(path).close()
    for session, (action, sent, received) in zip("aabb", [
        ("C", "2026-01-12T08:00:00Z", "2026-01-12T08:00:00.123456789+00:00"),
        ("D", "2026-01-12T17:59:59Z", "2026-01-12T18:00:00.123456789+00:00"),
        ("C", "2026-01-12T18:00:00Z", "2026-01-12T18:00:00.123456790+00:00"),
        ("D", "2026-01-12T19:00:00Z", "2026-01-12T19:00:00.123456790+00:00"),
    ], strict=True):  # fmt: skip
        rows(path, "INSERT INTO events_today (username, hostname, session_uuid, action, timestamp, server_timestamp)"
             " VALUES ('alice', 'PC', ?, ?, ?, ?)", f"alice@PC@{session * 6}", action, sent, received)  # fmt: skip

    database = opened(path)
    ended = "SELECT ended_by, duration_seconds FROM sessions ORDER BY connected_at"
    assert rows(path, ended) == [("auto", None), ("client", 3600.0)]
    finish(Rotation(rules(NOW_S, NOW_S - 3600, 24.0), None), database.connection)
    database.close()

    assert rows(path, "SELECT count(*) FROM events_today") == [(0,)]
    assert rows(path, ended) == [("auto", None), ("client", 3600.0)]


def statements_of(path: Path) -> list[str]:
    """Return the statements of an upgrade, in their order."""
    with closing(apsw.Connection(str(path))) as connection, noted(connection) as statements:
        prepare(connection)
    return statements


@MAKERS
def test_an_upgrade_that_fails_at_any_statement_leaves_the_file_as_it_was(tmp_path: Path, made: Any) -> None:  # noqa: ANN401
    path = made(tmp_path / "winlog.db")
    before = path.read_bytes()
    statements = statements_of(made(tmp_path / "other.db"))
    assert len(statements) > 40

    for number in range(len(statements)):
        seen: list[str] = []

        def goes_on(cursor: object, sql: str, bindings: object, seen: list[str] = seen, number: int = number) -> bool:
            seen.append(sql)
            return len(seen) != number + 1  # the ROLLBACK after that is let through

        with closing(apsw.Connection(str(path))) as connection:
            connection.exec_trace = goes_on
            with pytest.raises(apsw.ExecTraceAbort):
                prepare(connection)
            assert not connection.in_transaction
        assert path.read_bytes() == before, f"failed at {seen[number]}"

    opened(path).close()


@MAKERS
def test_an_upgrade_whose_process_dies_at_any_statement_leaves_the_database_as_it_was(
    tmp_path: Path, made: Any  # noqa: ANN401
) -> None:  # fmt: skip
    """A crash leaves the files as they are in the middle: here they are copied, and opened elsewhere."""
    path, crashed = made(tmp_path / "winlog.db"), tmp_path / "crashed.db"
    rows(path, "PRAGMA journal_mode = WAL")
    dump = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    before = [rows(path, sql) for sql in (dump, *(f"SELECT * FROM {table} ORDER BY id" for table in EVENTS))]
    found = []

    def crashes(cursor: object, sql: str, bindings: object) -> bool:
        for ending in ("", "-wal"):
            if path.with_name(f"winlog.db{ending}").exists():
                shutil.copy(f"{path}{ending}", f"{crashed}{ending}")
        with closing(apsw.Connection(str(crashed))) as other:
            found.append(
                [
                    list(other.execute(sql))
                    for sql in (dump, *(f"SELECT * FROM {table} ORDER BY id" for table in EVENTS))
                ]
            )
        return True

    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA cache_size = 2")  # pages go to the WAL before the COMMIT
        connection.exec_trace = crashes
        prepare(connection)

    assert len(found) > 40
    assert all(each == before for each in found)


@MAKERS
def test_an_older_servers_statements_work_after_the_upgrade_and_what_they_archive_is_built(
    tmp_path: Path, made: Any  # noqa: ANN401
) -> None:  # fmt: skip
    path = made(tmp_path / "winlog.db")
    opened(path).close()
    build_file(path)
    columns = (
        "username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version,"
        " hardware_info, session_uuid"
    )
    event = ("PC-09", "192.0.2.9", "2026-01-14T08:00:00.123456789Z", "Linux", "6", "6.1", None, "zoe@PC-09@abcdef")
    insert = f"INSERT INTO events_today ({columns}) VALUES ('zoe', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    rows(path, insert, "C", "2026-01-14T08:00:00Z", *event)
    rows(path, insert, "D", "2026-01-14T09:00:00Z", *event)
    logons = sorted(rows(path, "SELECT username, session_uuid FROM events_all WHERE action = 'C'"))

    rows(path, f"INSERT INTO events_history ({columns}, created_at) SELECT {columns}, created_at FROM events_today")
    rows(path, "DELETE FROM events_today")
    rows(path, "VACUUM")
    opened(path).close()
    build_file(path)

    assert sorted(rows(path, "SELECT username, session_uuid FROM sessions")) == logons
    ended = "SELECT connected_at, duration_seconds FROM sessions WHERE username = 'zoe'"
    assert rows(path, ended) == [("2026-01-14T08:00:00.000000+00:00", 3600.0)]


def test_a_file_of_a_newer_winlogd_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    opened(path).close()
    rows(path, "PRAGMA user_version = 3")
    before = path.read_bytes()

    with pytest.raises(UnusableError, match="its schema is version 3, this program knows 2"):
        opened(path)

    assert path.read_bytes() == before


@MAKERS
def test_secure_delete_is_on_after_an_upgrade(tmp_path: Path, made: Any) -> None:  # noqa: ANN401
    database = opened(made(tmp_path / "winlog.db"))

    assert database.connection.pragma("secure_delete") == 1
    database.close()


def test_an_index_on_the_archives_times_that_an_older_server_makes_again_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    opened(path).close()
    rows(path, "CREATE INDEX idx_history_date ON events_history(DATE(timestamp))")

    opened(path).close()

    assert rows(path, "SELECT name FROM sqlite_master WHERE name = 'idx_history_date'") == []


@MAKERS
def test_an_archive_that_is_older_than_the_retention_is_marked_once(tmp_path: Path, made: Any) -> None:  # noqa: ANN401
    path = made(tmp_path / "winlog.db")
    for _ in range(2):
        opened(path).close()
        assert rows(path, "SELECT value FROM winlogd_meta WHERE key = 'taken_over'") == [("1",)]
    rows(path, "DELETE FROM winlogd_meta WHERE key = 'taken_over'")
    opened(path).close()
    assert rows(path, "SELECT value FROM winlogd_meta WHERE key = 'taken_over'") == []


def test_a_new_database_is_not_marked(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    for _ in range(2):
        opened(path).close()
        assert rows(path, "SELECT value FROM winlogd_meta WHERE key = 'taken_over'") == []
