"""The views, read by Python's own SQLite: an administrator's SQLite is not the newest either."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from winlogd.store.file.schema import prepare

SESSION = "SELECT connected_at, disconnected_at, duration_seconds, ended_by FROM sessions"
NOT_EXISTS = """SELECT c.username FROM events_today c WHERE action = 'C' AND NOT EXISTS
    (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an empty database of winlogd's."""
    with closing(apsw.Connection(str(tmp_path / "winlog.db"))) as connection:
        prepare(connection)
    with closing(sqlite3.connect(tmp_path / "winlog.db")) as connection:
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


def test_a_session_is_a_logon_and_its_logoff(database: sqlite3.Connection) -> None:
    store(database, "C", "2026-01-13T08:00:00.123456789+00:00", os_version="11", hostname=None)
    store(database, "D", "2026-01-13T09:30:00.623456789+00:00", source_ip="192.0.2.2", os_name="Linux")

    cursor = database.execute("SELECT * FROM sessions")

    assert dict(zip([name for name, *_ in cursor.description], cursor.fetchone(), strict=True)) == {
        "username": "alice",
        "hostname": None,
        "connected_at": "2026-01-13T08:00:00.123456789+00:00",
        "disconnected_at": "2026-01-13T09:30:00.623456789+00:00",
        "duration_seconds": 5400.5,
        "ended_by": "client",
        "session_uuid": "alice@A@000001",
        "source_ip": "192.0.2.1",
        "os_name": "Windows",
        "os_version": "11",
    }
    assert cursor.fetchone() is None
    assert database.execute("SELECT * FROM open_sessions").fetchall() == []


def test_an_open_session_is_in_both_views(database: sqlite3.Connection) -> None:
    store(database, "C", "2026-01-13T08:00:00Z", os_version="11")
    store(database, "M", "2026-01-13T08:00:01Z", "hardware_alice@A@000002")
    store(database, "D", "2026-01-13T08:00:02Z", "orphan_alice@A@000003")

    assert database.execute(SESSION).fetchall() == [("2026-01-13T08:00:00Z", None, None, None)]
    cursor = database.execute("SELECT * FROM open_sessions")
    assert [name for name, *_ in cursor.description] == [
        "username", "hostname", "connected_at", "session_uuid", "source_ip", "os_name", "os_version"
    ]  # fmt: skip
    assert cursor.fetchall() == [("alice", "A", "2026-01-13T08:00:00Z", "alice@A@000001", "192.0.2.1", "Windows", "11")]


@pytest.mark.parametrize(("logon", "logoff"), [("history", "history"), ("history", "today"), ("today", "today")])
def test_a_session_is_found_whichever_tables_hold_it(database: sqlite3.Connection, logon: str, logoff: str) -> None:
    store(database, "C", "2026-01-12T08:00:00Z", table=logon)
    store(database, "D", "2026-01-13T08:00:00Z", table=logoff)

    assert database.execute(SESSION).fetchall() == [("2026-01-12T08:00:00Z", "2026-01-13T08:00:00Z", 86400.0, "client")]


@pytest.mark.parametrize(
    ("connected_at", "disconnected_at", "seconds"),
    [
        ("2026-01-13T08:00:00Z", "2026-01-13T08:00:00Z", 0.0),
        ("2026-01-13T08:00:00Z", "2026-01-13T07:00:00Z", 0.0),
        ("2026-01-13T08:00:00.25Z", "2026-01-13T08:00:01.5+00:00", 1.25),
        ("2026-01-13T08:00:00.123456789Z", f"2026-01-13T08:00:01.{'123' * 13}Z", 1.0),
        ("2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", 1.0),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:10.5Z", 10.0),
        ("2016-12-31T23:00:00Z", "2016-12-31T23:59:60.5Z", 3600.5),
        ("2026-01-13T10:00:00+02:00", "2026-01-13T09:00:00Z", 3600.0),
        ("2026-01-13 08:00:00", "2026-01-13T09:00:00Z", 3600.0),
        ("1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z", 253370764799.0),
        ("yesterday", "2026-01-13T09:00:00Z", None),
    ],
)
def test_the_duration_is_in_seconds_and_never_negative(
    database: sqlite3.Connection, connected_at: str, disconnected_at: str, seconds: float | None
) -> None:
    store(database, "C", connected_at, server_timestamp="2026-01-13T08:00:00.000000+00:00")
    store(database, "D", disconnected_at, server_timestamp="2026-01-13T09:00:00.000000+00:00")

    assert database.execute(SESSION).fetchall() == [(connected_at, disconnected_at, seconds, "client")]


@pytest.mark.parametrize("origin", ["client", "auto", "expired"])
def test_a_session_tells_who_ended_it(database: sqlite3.Connection, origin: str) -> None:
    store(database, "C", "2026-01-13T08:00:00Z")
    store(database, "D", "2026-01-13T09:00:00Z", origin=origin)

    assert database.execute("SELECT ended_by FROM sessions").fetchall() == [(origin,)]


@pytest.mark.parametrize("tables", [("today", "today"), ("history", "today"), ("history", "history")])
def test_a_logoff_ends_its_session_though_the_clock_was_set_back_between_them(
    tables: tuple[str, str], database: sqlite3.Connection
) -> None:
    first, second = tables
    store(database, "C", "2026-01-13T08:00:00Z", table=first, server_timestamp="2026-01-14T08:00:00.0+00:00")
    store(database, "D", "2026-01-13T09:00:00Z", table=second, server_timestamp="2026-01-13T09:00:00.0+00:00")

    assert database.execute(SESSION).fetchall() == [("2026-01-13T08:00:00Z", "2026-01-13T09:00:00Z", 3600.0, "client")]


def test_of_what_was_archived_in_another_order_the_time_of_receipt_counts(database: sqlite3.Connection) -> None:
    store(database, "D", "2026-01-13T09:00:00Z", table="history")
    store(database, "C", "2026-01-13T08:00:00Z", table="history")

    assert database.execute(SESSION).fetchall() == [("2026-01-13T08:00:00Z", "2026-01-13T09:00:00Z", 3600.0, "client")]


def test_of_several_logoffs_the_first_received_counts(database: sqlite3.Connection) -> None:
    store(database, "C", "2026-01-12T08:00:00Z", table="history")
    store(database, "D", "2026-01-12T12:00:00Z", server_timestamp="2026-01-12T11:00:00.000000+00:00", table="history")
    store(database, "D", "2026-01-12T10:00:00Z", server_timestamp="2026-01-12T12:00:00.000000+00:00", table="history")
    store(database, "D", "2026-01-12T09:00:00Z", server_timestamp="2026-01-13T08:00:00.000000+00:00")

    assert database.execute("SELECT disconnected_at FROM sessions").fetchall() == [("2026-01-12T12:00:00Z",)]


def test_a_logoff_of_an_identifier_that_was_used_before_does_not_count(database: sqlite3.Connection) -> None:
    store(database, "C", "2025-01-13T08:00:00Z", table="history")
    store(database, "D", "2025-01-13T09:00:00Z", table="history")
    store(database, "C", "2026-01-13T08:00:00Z")

    assert database.execute(f"{SESSION} ORDER BY connected_at").fetchall() == [
        ("2025-01-13T08:00:00Z", "2025-01-13T09:00:00Z", 3600.0, "client"),
        ("2026-01-13T08:00:00Z", None, None, None),
    ]


@pytest.mark.parametrize("tables", [("today", "today"), ("history", "today"), ("history", "history")])
def test_a_logoff_ends_every_logon_of_its_identifier_that_came_before_it(
    database: sqlite3.Connection, tables: tuple[str, str]
) -> None:
    """An administrator has copied one logon; another came after the logoff."""
    first, later = tables
    store(database, "C", "2026-01-13T08:00:00Z", table=first)
    store(database, "C", "2026-01-13T08:30:00Z", table=later, username="bob")
    store(database, "D", "2026-01-13T09:00:00Z", table=later)
    store(database, "C", "2026-01-13T10:00:00Z", table=later)

    assert database.execute(f"{SESSION} ORDER BY connected_at").fetchall() == [
        ("2026-01-13T08:00:00Z", "2026-01-13T09:00:00Z", 3600.0, "client"),
        ("2026-01-13T08:30:00Z", "2026-01-13T09:00:00Z", 1800.0, "client"),
        ("2026-01-13T10:00:00Z", None, None, None),
    ]
    assert database.execute("SELECT * FROM open_sessions").fetchall() == []


@pytest.mark.parametrize("received", ["2026-01-13 08:00:00", "2026-01-13 09:00:00"])
def test_a_logoff_that_an_administrator_wrote_ends_the_session(database: sqlite3.Connection, received: str) -> None:
    """CURRENT_TIMESTAMP has a space instead of T, and whole seconds."""
    store(database, "C", "2026-01-13T08:00:00Z", server_timestamp="2026-01-13T08:00:00.999999+00:00")
    store(database, "D", "2026-01-13T09:00:00Z", server_timestamp=received)

    assert database.execute(SESSION).fetchall() == [("2026-01-13T08:00:00Z", "2026-01-13T09:00:00Z", 3600.0, "client")]


def test_events_all_shows_both_tables(database: sqlite3.Connection) -> None:
    store(database, "C", "2026-01-12T08:00:00Z", table="history")
    store(database, "D", "2026-01-13T08:00:00Z")

    found = database.execute("SELECT action, source FROM events_all ORDER BY source").fetchall()

    assert found == [("C", "history"), ("D", "today")]


# ── cost ──────────────────────────────────────────────────────────────────────────────────────────────────

LOGONS = 3000


@pytest.fixture
def full(database: sqlite3.Connection) -> sqlite3.Connection:
    """Add `LOGONS` sessions of 300 users to history, and as many to today's table, a tenth of them open."""
    for number in range(2 * LOGONS):
        table = "history" if number < LOGONS else "today"
        user, session = f"user{number % 300}", f"user@A@{number:06x}"
        time = f"2026-01-{number % 28 + 1:02d}T08:00:00.{number:06d}Z"
        store(database, "C", time, session, table, username=user)
        if number % 10:
            store(database, "D", time.replace("T08", "T09"), session, table, username=user)
    database.commit()
    return database


def instructions(database: sqlite3.Connection, sql: str) -> int:
    """Return how many thousands of SQLite's instructions a query takes: a measure without a clock."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    database.set_progress_handler(tick, 1000)
    assert database.execute(sql).fetchall()
    database.set_progress_handler(None, 0)
    return count


def plan(database: sqlite3.Connection, sql: str) -> str:
    return "\n".join(str(row[3]) for row in database.execute(f"EXPLAIN QUERY PLAN {sql}"))


def test_the_query_for_sessions_without_a_logoff_searches_by_an_index(full: sqlite3.Connection) -> None:
    assert "SEARCH d USING INDEX idx_today_logoff (session_uuid=?)" in plan(full, NOT_EXISTS)
    assert len(full.execute(NOT_EXISTS).fetchall()) == LOGONS // 10
    # Some hundred instructions a logon; a scan for each would be 3 000 times 5 700.
    assert instructions(full, NOT_EXISTS) < LOGONS
    assert instructions(full, "SELECT * FROM open_sessions") < LOGONS


def test_one_users_sessions_are_found_by_indexes(full: sqlite3.Connection) -> None:
    query = "SELECT * FROM sessions WHERE username = 'user7'"

    lines = plan(full, query)
    assert "SEARCH events_history USING INDEX idx_history_username (username=?)" in lines
    assert "AUTOMATIC" not in lines  # SQLite would build an index of the whole table, only for this query
    assert "SCAN events_history" not in lines
    assert len(full.execute(query).fetchall()) == 2 * LOGONS // 300
    assert instructions(full, query) < 100  # one pass over today's rows, and the twenty sessions


def test_the_first_sessions_do_not_cost_the_whole_table(full: sqlite3.Connection) -> None:
    assert instructions(full, "SELECT * FROM sessions LIMIT 10") < 10


def test_all_sessions_cost_the_same_each(full: sqlite3.Connection) -> None:
    assert instructions(full, "SELECT count(*), sum(duration_seconds) FROM sessions") < 2 * LOGONS
