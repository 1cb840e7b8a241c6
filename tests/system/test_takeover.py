"""winlogd opens a database of the older server in place: open sessions go on, and no row is lost."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.paths import DATA
from tests.support.running import Winlogd, an_event, running

pytestmark = pytest.mark.long

OLDER: Final = DATA / "older.db"
SESSIONS: Final = "/api/v1/sessions/current"

OPEN: Final = [
    (None, "g13", "2026-01-13T08:00:00Z", "g13@unknown@1fe1ed"),
    (None, "g14", "2026-01-13T08:00:00Z", "g14@unknown@e13e17"),
    (None, "g19", "2026-01-13T14:00:00Z", "g19@unknown@e98c2e"),
    ("PC-01", "g15", "2026-01-13T08:00:00Z", "g15@PC-01@3fa0e9"),
    ("PC-01", "g16", "2026-01-13T08:00:00Z", "g16@PC-01@6b3b17"),
    ("PC-01", "g18", "2026-01-13T08:00:00Z", "g18@PC-01@e0a87c"),
    ("PC-01", "G25", "2026-01-13T08:00:00Z", "G25@PC-01@f7a58a"),
    ("PC-01", "g27", "2026-01-13 08:00:00Z", "g27@PC-01@91f0bd"),
    ("PC-01", "g34", "2026-01-13T08:00:00.000000001+00:00", "g34@PC-01@9dd6bf"),
    ("PC-01", "g29", "2026-01-13T08:00:00.1Z", "g29@PC-01@af02cb"),
    ("PC-01", "g01", "2026-01-13T08:30:00.123456789+00:00", "g01@PC-01@111bee"),
    ("PC-01", "g28", "2026-01-13T23:59:60Z", "g28@PC-01@d1e8dc"),
    ("PC-01", "g32", "2026-01-14T05:00:00Z", "g32@PC-01@525876"),
    ("vm", "root", "2026-11-21T00:03:21.677630744+00:00", "root@vm@78ea47"),
]
"""The sessions that were open when the older server stopped, by host (None first) and then by logon."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    """Run a server on the older server's database."""
    (tmp_path / "data").mkdir()
    shutil.copy(OLDER, tmp_path / "data" / "winlog.db")
    with running(tmp_path) as started:
        yield started


def older(sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{OLDER}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def sessions(server: Winlogd) -> list[dict[str, Any]]:
    answer = server.request("GET", SESSIONS)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    found: list[dict[str, Any]] = answer.json
    return found


def identifiers(server: Winlogd) -> set[str]:
    return {session["session_uuid"] for session in sessions(server)}


def logoff(server: Winlogd, username: str, hostname: str | None = "PC-01", minute: int = 0) -> str:
    """Log a user off. Return the session identifier of the answer."""
    timestamp = f"2026-11-21T10:{minute:02}:00Z"
    answer = server.post(an_event(username=username, action="D", timestamp=timestamp, hostname=hostname))
    assert answer.status == 200
    return str(answer.json["session_uuid"])


def test_the_open_sessions_are_there_in_order_with_all_their_fields(server: Winlogd) -> None:
    found = sessions(server)
    keys = ["hostname", "username", "connected_at", "session_uuid"]
    assert [tuple(session[key] for key in keys) for session in found] == OPEN
    assert list(found[-1].items()) == [
        ("username", "root"),
        ("hostname", "vm"),
        ("connected_at", "2026-11-21T00:03:21.677630744+00:00"),
        ("session_uuid", "root@vm@78ea47"),
        ("source_ip", "127.0.0.1"),
        ("os_name", "Debian GNU/Linux"),
        ("os_version", "12"),
    ]
    assert (found[3]["os_name"], found[3]["os_version"]) == (None, None)


def test_a_logoff_ends_the_session_that_the_older_server_began(server: Winlogd) -> None:
    for hostname, username, _, session_uuid in OPEN:
        assert logoff(server, username, hostname) == session_uuid
    assert sessions(server) == []


def test_a_logon_closes_the_session_that_the_older_server_began(server: Winlogd) -> None:
    server.post(an_event(username="g01", hostname="PC-01", timestamp="2026-11-21T10:00:00Z"))
    closing_row, logon = server.rows("SELECT * FROM events_today WHERE id > 81 ORDER BY id")
    assert (closing_row["action"], closing_row["origin"]) == ("D", "auto")
    assert closing_row["session_uuid"] == "g01@PC-01@111bee"
    assert logon["session_uuid"] != "g01@PC-01@111bee"


@pytest.mark.parametrize("table", ["events_today", "events_history"])
def test_no_row_of_the_older_server_is_changed(table: str, server: Winlogd) -> None:
    server.wait_until_open()
    columns = ", ".join(name for _, name, *_ in older(f"PRAGMA table_info({table})"))
    now = [tuple(row.values()) for row in server.rows(f"SELECT {columns} FROM {table} ORDER BY id")]
    assert now == older(f"SELECT {columns} FROM {table} ORDER BY id")
    # Only the column that winlogd has added tells today's automatic logoffs from the clients'.
    origins = {row["origin"] for row in server.rows(f"SELECT origin FROM {table}")}
    assert origins == ({"client", "auto"} if table == "events_today" else {"client"})
    automatic = server.rows("SELECT action FROM events_today WHERE origin = 'auto'")
    assert {row["action"] for row in automatic} == {"D"}


def test_new_rows_have_ids_that_no_row_ever_had(server: Winlogd) -> None:
    (highest_ever,) = older("SELECT seq FROM sqlite_sequence WHERE name = 'events_today'")[0]
    assert server.post(an_event(username="new")).json["event_id"] == highest_ever + 1


def test_the_upgrade_is_logged_recorded_and_done_once(server: Winlogd) -> None:
    server.wait_for_log("upgraded in place")
    assert server.rows("PRAGMA user_version") == [{"user_version": 2}]
    assert server.stop() == 0
    server.start()
    server.wait_until_open()
    assert "upgraded" not in server.log


def test_the_older_servers_statements_still_work(server: Winlogd) -> None:
    server.wait_until_open()
    server.execute(
        """INSERT INTO events_today (username, action, timestamp, hostname, source_ip, server_timestamp, os_name,
        os_version, kernel_version, hardware_info, session_uuid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        *("back", "C", "2026-11-21T09:00:00Z", "PC-02", "192.0.2.1", "2026-11-21T09:00:00.1+00:00"),
        *("Windows", "11", "26100", None, "back@PC-02@abcdef"),
    )
    (row,) = server.rows("SELECT * FROM events_all WHERE username = 'back'")
    assert (row["source"], row["session_uuid"]) == ("today", "back@PC-02@abcdef")
    assert len(server.rows("SELECT * FROM events_all WHERE source = 'history'")) == len(
        older("SELECT * FROM events_history")
    )


def test_a_logoff_that_another_program_writes_is_noticed(server: Winlogd) -> None:
    server.wait_until_open()
    server.execute(
        "INSERT INTO events_today (username, action, timestamp, hostname, session_uuid) VALUES (?, 'D', ?, ?, ?)",
        *("g18", "2026-11-21T09:00:00Z", "PC-01", "g18@PC-01@e0a87c"),
    )
    assert logoff(server, "g18").startswith("orphan_g18@PC-01@")
    assert "g18@PC-01@e0a87c" not in identifiers(server)
    assert len(identifiers(server)) == len(OPEN) - 1


def test_a_logon_that_another_program_writes_is_noticed(server: Winlogd) -> None:
    server.wait_until_open()
    server.execute(
        "INSERT INTO events_today (username, action, timestamp, hostname, session_uuid) VALUES (?, 'C', ?, ?, ?)",
        *("guest", "2026-11-21T09:00:00Z", "PC-09", "guest@PC-09@012345"),
    )
    assert logoff(server, "guest", "PC-09") == "guest@PC-09@012345"


def test_a_session_that_another_program_deletes_is_forgotten(server: Winlogd) -> None:
    server.wait_until_open()
    server.execute("DELETE FROM events_today WHERE session_uuid = ?", "g15@PC-01@3fa0e9")
    assert logoff(server, "g15").startswith("orphan_")


@pytest.mark.parametrize("end", [Winlogd.stop, Winlogd.kill])
def test_a_second_start_finds_everything(end: Any, server: Winlogd) -> None:  # noqa: ANN401
    logoff(server, "g01")
    logon = server.post(an_event(username="late", hostname="A1", timestamp="2026-11-21T11:00:00Z")).json
    before, rows = sessions(server), server.rows()
    end(server)
    server.start()
    assert sessions(server) == before
    assert server.rows() == rows
    assert logoff(server, "g27") == "g27@PC-01@91f0bd"
    assert logoff(server, "late", "A1", minute=5) == logon["session_uuid"]


def test_the_administrators_query_for_open_sessions_still_answers(server: Winlogd) -> None:
    server.wait_until_open()
    found = server.rows(
        """SELECT username FROM events_today c WHERE action = 'C' AND NOT EXISTS
        (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')"""
    )
    assert sorted(row["username"] for row in found) == sorted(username for _, username, _, _ in OPEN)
    assert len(server.rows("SELECT * FROM open_sessions")) == len(OPEN)
