"""The views, read by Python's own SQLite: an administrator's SQLite is not the newest either."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.viewed import build, opened, store

SESSION = "SELECT connected_at, disconnected_at, duration_seconds, ended_by FROM sessions"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with opened(tmp_path / "winlog.db") as connection:
        yield connection


def shown(time: str, table: str) -> str:
    """Return a time in whole seconds, ``…Z``, as the view shows it for a session whose logon is in `table`."""
    return f"{time[:-1]}.000000+00:00" if table == "history" else time


@pytest.mark.parametrize("table", ["today", "history"])
def test_a_session_is_a_logon_and_its_logoff(database: sqlite3.Connection, table: str) -> None:
    store(database, "C", "2026-01-13T08:00:00.123456789+00:00", os_version="11", hostname=None, table=table,
          server_timestamp="2026-01-13T08:00:01.000002+00:00")  # fmt: skip
    store(database, "D", "2026-01-13T09:30:00.623456789+00:00", source_ip="192.0.2.2", os_name="Linux", table=table)
    build(database)

    cursor = database.execute("SELECT * FROM sessions")

    to = -6 if table == "today" else -9  # the archive's sessions have microseconds
    assert dict(zip([name for name, *_ in cursor.description], cursor.fetchone(), strict=True)) == {
        "username": "alice",
        "hostname": None,
        "connected_at": f"{'2026-01-13T08:00:00.123456789+00:00'[:to]}+00:00",
        "disconnected_at": f"{'2026-01-13T09:30:00.623456789+00:00'[:to]}+00:00",
        "duration_seconds": 5400.5,
        "ended_by": "client",
        "session_uuid": "alice@A@000001",
        "source_ip": "192.0.2.1",
        "os_name": "Windows",
        "os_version": "11",
        "received_at": "2026-01-13T08:00:01.000002+00:00",
    }
    assert cursor.fetchone() is None
    assert database.execute("SELECT * FROM open_sessions").fetchall() == []


def test_the_columns_of_both_halves_have_the_same_types(database: sqlite3.Connection) -> None:
    for table, session in (("today", "alice@A@000001"), ("history", "alice@A@000002")):
        store(database, "C", "2026-01-13T08:00:00Z", session, table=table, os_version="11")
        store(database, "D", "2026-01-13T09:00:00Z", session, table=table)
    build(database)
    names = [name for name, *_ in database.execute("SELECT * FROM sessions").description]

    types = database.execute(f"SELECT {', '.join(f'typeof({name})' for name in names)} FROM sessions").fetchall()

    assert len(types) == 2
    assert set(types) == {tuple("real" if name == "duration_seconds" else "text" for name in names)}


def test_an_orphan_is_no_session(database: sqlite3.Connection) -> None:
    store(database, "D", "2026-01-13T09:00:00Z", "orphan_alice@A@000001", table="history")
    build(database)

    assert database.execute("SELECT * FROM sessions").fetchall() == []
    assert database.execute("SELECT ended_by FROM winlogd_past").fetchall() == [(4,)]


@pytest.mark.parametrize(
    ("session", "columns"),
    [
        ("alice@A@00000a", {}),
        ("alice@A@00000A", {}),
        ("alice@A@-00001", {}),
        ("alice@unknown@000001", {"hostname": ""}),
        ("alice@unknown@000001", {"hostname": None}),
        ("alice@@000001", {"hostname": ""}),
        ("000001", {}),
        ("1", {}),
        (None, {}),
        ("", {}),
    ],
)
def test_an_identifier_in_the_archive_is_shown_as_it_was_stored(
    database: sqlite3.Connection, session: Any, columns: dict[str, Any]  # noqa: ANN401  # a text or None
) -> None:  # fmt: skip
    store(database, "C", "2026-01-13T08:00:00Z", session, table="history", **columns)
    build(database)

    found = database.execute("SELECT session_uuid, hostname FROM sessions").fetchall()

    assert found == [(session, columns.get("hostname", "A"))]


@pytest.mark.parametrize(
    "time", ["1969-12-31T23:59:59.999999", "1968-02-29T00:00:00.000001", "0001-01-01T00:00:00.000000",
             "9999-12-31T23:59:59.999999"],
)  # fmt: skip
def test_a_clients_time_in_the_archive_may_be_far_from_its_receipt(database: sqlite3.Connection, time: str) -> None:
    received = "2026-01-13T08:00:00.500000+00:00"
    store(database, "C", f"{time}+00:00", server_timestamp=received, table="history")
    build(database)

    assert database.execute("SELECT connected_at, received_at FROM sessions").fetchall() == [
        (f"{time}+00:00", received)
    ]


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
    build(database)

    times = shown("2026-01-12T08:00:00Z", logon), shown("2026-01-13T08:00:00Z", logon)
    assert database.execute(SESSION).fetchall() == [(*times, 86400.0, "client")]


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


@pytest.mark.parametrize(
    ("connected_at", "disconnected_at", "seconds", "connected", "disconnected"),
    [
        ("08:00:00Z", "08:00:00Z", 0.0, "08:00:00.000000", "08:00:00.000000"),
        ("08:00:00Z", "07:00:00Z", 0.0, "08:00:00.000000", "07:00:00.000000"),
        ("08:00:00.25Z", "08:00:01.5+00:00", 1.25, "08:00:00.250000", "08:00:01.500000"),
        ("08:00:00.123456789Z", f"08:00:01.{'123' * 13}Z", 1.0, "08:00:00.123456", "08:00:01.123123"),
        ("08:59:59Z", "08:59:60Z", 1.0, "08:59:59.000000", "09:00:00.000000"),
        ("08:59:60.5Z", "09:00:10.5Z", 10.0, "09:00:00.500000", "09:00:10.500000"),
        ("10:00:00+02:00", "09:00:00Z", 3600.0, "08:00:00.000000", "09:00:00.000000"),
    ],
)
def test_a_session_of_the_archive_has_its_duration_too(
    database: sqlite3.Connection,
    connected_at: str,
    disconnected_at: str,
    seconds: float,
    connected: str,
    disconnected: str,
) -> None:
    day = "2026-01-13T"
    store(database, "C", day + connected_at, server_timestamp=f"{day}08:00:00.7+00:00", table="history")
    store(database, "D", day + disconnected_at, server_timestamp=f"{day}09:00:00.2+00:00", table="history")
    build(database)

    assert database.execute(SESSION).fetchall() == [
        (f"{day}{connected}+00:00", f"{day}{disconnected}+00:00", seconds, "client")
    ]


def test_in_the_archive_a_clients_time_that_is_no_time_is_the_receipt(database: sqlite3.Connection) -> None:
    store(database, "C", "yesterday", server_timestamp="2026-01-13T08:00:00.7+00:00", table="history")
    store(database, "D", "2026-01-13T09:00:00Z", table="history")
    build(database)

    assert database.execute(SESSION).fetchall() == [
        ("2026-01-13T08:00:00.700000+00:00", "2026-01-13T09:00:00.000000+00:00", 3599.3, "client")
    ]


@pytest.mark.parametrize("table", ["today", "history"])
@pytest.mark.parametrize(("origin", "seconds"), [("client", 3600.0), ("auto", None), ("expired", None)])
def test_a_session_tells_who_ended_it_and_how_long_it_was_if_the_client_did(
    database: sqlite3.Connection, origin: str, seconds: float | None, table: str
) -> None:
    store(database, "C", "2026-01-13T08:00:00Z", table=table)
    store(database, "D", "2026-01-13T09:00:00Z", origin=origin, table=table)
    build(database)

    assert database.execute("SELECT ended_by, duration_seconds FROM sessions").fetchall() == [(origin, seconds)]


@pytest.mark.parametrize("tables", [("today", "today"), ("history", "today"), ("history", "history")])
def test_a_logoff_ends_its_session_though_the_clock_was_set_back_between_them(
    tables: tuple[str, str], database: sqlite3.Connection
) -> None:
    first, second = tables
    store(database, "C", "2026-01-13T08:00:00Z", table=first, server_timestamp="2026-01-14T08:00:00.0+00:00")
    store(database, "D", "2026-01-13T09:00:00Z", table=second, server_timestamp="2026-01-13T09:00:00.0+00:00")
    build(database)

    times = shown("2026-01-13T08:00:00Z", first), shown("2026-01-13T09:00:00Z", first)
    assert database.execute(SESSION).fetchall() == [(*times, 3600.0, "client")]


def test_of_what_was_archived_in_another_order_the_time_of_receipt_counts(database: sqlite3.Connection) -> None:
    store(database, "D", "2026-01-13T09:00:00Z", table="history")
    store(database, "C", "2026-01-13T08:00:00Z", table="history")
    build(database)

    times = shown("2026-01-13T08:00:00Z", "history"), shown("2026-01-13T09:00:00Z", "history")
    assert database.execute(SESSION).fetchall() == [(*times, 3600.0, "client")]


def test_of_several_logoffs_the_first_received_counts(database: sqlite3.Connection) -> None:
    store(database, "C", "2026-01-12T08:00:00Z", table="history")
    store(database, "D", "2026-01-12T12:00:00Z", server_timestamp="2026-01-12T11:00:00.000000+00:00", table="history")
    store(database, "D", "2026-01-12T10:00:00Z", server_timestamp="2026-01-12T12:00:00.000000+00:00", table="history")
    store(database, "D", "2026-01-12T09:00:00Z", server_timestamp="2026-01-13T08:00:00.000000+00:00")

    build(database)

    assert database.execute("SELECT disconnected_at FROM sessions").fetchall() == [
        ("2026-01-12T12:00:00.000000+00:00",)
    ]


def test_a_logoff_of_an_identifier_that_was_used_before_does_not_count(database: sqlite3.Connection) -> None:
    store(database, "C", "2025-01-13T08:00:00Z", table="history")
    store(database, "D", "2025-01-13T09:00:00Z", table="history")
    store(database, "C", "2026-01-13T08:00:00Z")
    build(database)

    assert database.execute(f"{SESSION} ORDER BY connected_at").fetchall() == [
        (shown("2025-01-13T08:00:00Z", "history"), shown("2025-01-13T09:00:00Z", "history"), 3600.0, "client"),
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
    build(database)

    nine = "2026-01-13T09:00:00Z"
    assert database.execute(f"{SESSION} ORDER BY connected_at").fetchall() == [
        (shown("2026-01-13T08:00:00Z", first), shown(nine, first), 3600.0, "client"),
        (shown("2026-01-13T08:30:00Z", later), shown(nine, later), 1800.0, "client"),
        (shown("2026-01-13T10:00:00Z", later), None, None, "expired" if later == "history" else None),
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
