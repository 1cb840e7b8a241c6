"""What questions to the views cost: they search by indexes, and read no more than they have to."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.viewed import build, opened, store

pytestmark = pytest.mark.long

NOT_EXISTS = """SELECT c.username FROM events_today c WHERE action = 'C' AND NOT EXISTS
    (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with opened(tmp_path / "winlog.db") as connection:
        yield connection


LOGONS = 3000


@pytest.fixture
def full(database: sqlite3.Connection) -> sqlite3.Connection:
    """Add `LOGONS` sessions of 300 users on 100 hosts to history, and as many to today's table. A tenth are open."""
    for number in range(2 * LOGONS):
        table = "history" if number < LOGONS else "today"
        user, session = f"user{number % 300}", f"user@A@{number:06x}"
        time = f"2026-01-{number % 28 + 1:02d}T08:00:00.{number:06d}Z"
        host = f"host{number % 100}"
        store(database, "C", time, session, table, username=user, hostname=host)
        if number % 10:
            store(database, "D", time.replace("T08", "T09"), session, table, username=user, hostname=host)
    build(database)
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


@pytest.mark.parametrize("order", ["", " ORDER BY connected_at DESC", " ORDER BY duration_seconds DESC LIMIT 10"])
@pytest.mark.parametrize(
    ("column", "name", "index", "found"),
    [("username", "user7", "user", 20), ("hostname", "host7", "host", 60), ("source_ip", "192.0.2.1", "ip", 6000)],
)
def test_sessions_of_a_user_a_host_or_an_address_are_found_by_indexes(
    full: sqlite3.Connection, column: str, name: str, index: str, found: int, order: str
) -> None:
    query = f"SELECT * FROM sessions WHERE {column} = '{name}'{order}"

    lines = plan(full, query)
    assert "USING COVERING INDEX winlogd_names_name (name=?)" in lines
    assert f"SEARCH p USING INDEX winlogd_past_{index} ({index}=?)" in lines
    assert "AUTOMATIC" not in lines  # SQLite would build an index of the whole table, only for this query
    assert "SCAN p" not in lines
    assert "SEARCH d USING INDEX idx_today_logoff (session_uuid=?)" in lines
    assert len(full.execute(query).fetchall()) == (10 if "LIMIT" in order else found)
    if found < 100:
        assert instructions(full, query) < 110  # one pass over today's rows, and the few sessions


def test_a_query_without_a_name_reads_the_past_once_in_its_order(full: sqlite3.Connection) -> None:
    """The ten longest took five times as long when SQLite read each user's sessions by an index."""
    for query in (
        "SELECT * FROM sessions ORDER BY duration_seconds DESC LIMIT 10",
        "SELECT username, duration_seconds FROM sessions WHERE ended_by = 'client' ORDER BY duration_seconds LIMIT 10",
        "SELECT * FROM sessions WHERE connected_at BETWEEN '2026-01-13' AND '2026-01-14'",
        "SELECT * FROM sessions WHERE received_at LIKE '2026-01-13%'",
    ):
        lines = plan(full, query)
        assert "SCAN p" in lines
        assert "SCAN sessions" not in lines  # SQLite would compute every column of every session first
        for name in "uhanv":
            assert f"SEARCH {name} USING INTEGER PRIMARY KEY (rowid=?)" in lines


def test_the_first_sessions_do_not_cost_the_whole_table(full: sqlite3.Connection) -> None:
    assert instructions(full, "SELECT * FROM sessions LIMIT 10") < 10


def test_all_sessions_cost_the_same_each(full: sqlite3.Connection) -> None:
    assert instructions(full, "SELECT count(*), sum(duration_seconds) FROM sessions") < 2 * LOGONS
