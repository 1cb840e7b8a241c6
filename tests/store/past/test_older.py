"""The older servers' automatic logoffs are found by their form."""

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest

from winlogd.store.file.schema import prepare
from winlogd.store.past.older import automatic_among, mark_automatic_logoffs

NOT_WINLOGDS = "2026-01-13T08:00:00.123456789Z"
"""A time of receipt in the form of an older server."""


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


def store(database: apsw.Connection, table: str, action: str, time: str, event_id: int | None = None,
          **columns: object) -> None:  # fmt: skip
    row: dict[str, object] = {"id": event_id, "username": "alice", "hostname": "PC-05", "action": action}
    row |= {"timestamp": f"2026-01-13T{time}", "server_timestamp": NOT_WINLOGDS} | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def automatic(database: apsw.Connection, table: str) -> list[int]:
    """Return the ids of the automatic logoffs in a table."""
    if table == "events_history":
        return sorted(automatic_among(database, range(1, 100)))
    mark_automatic_logoffs(database)
    return [int(str(row[0])) for row in database.execute("SELECT id FROM events_today WHERE origin = 'auto'")]


TABLES = pytest.mark.parametrize("table", ["events_today", "events_history"])


@TABLES
@pytest.mark.parametrize(
    ("left", "began"),
    [
        ("07:59:59Z", "08:00:00Z"),
        ("07:59:59+00:00", "08:00:00Z"),
        ("07:59:59.123456+00:00", "08:00:00.123456789Z"),
        ("07:59:59.5Z", "10:00:00.5+02:00"),
    ],
)
def test_a_logoff_one_second_before_the_pairs_next_logon_is_automatic(
    database: apsw.Connection, table: str, left: str, began: str
) -> None:
    store(database, table, "D", left)
    store(database, table, "C", began, username="ALICE", hostname="pc-05.")
    store(database, table, "D", left, username="\u00c9ve")
    store(database, table, "C", began, username="\u00e9VE", hostname="pc-05.")

    assert automatic(database, table) == [1, 3]


@TABLES
@pytest.mark.parametrize(
    ("left", "columns"),
    [
        ("07:59:58Z", {}),
        ("08:00:00Z", {}),
        ("07:59:59.000001Z", {}),
        ("soon", {}),
        ("07:59:59Z", {"username": "bob"}),
        ("07:59:59Z", {"hostname": "PC-06"}),
        ("07:59:59Z", {"hostname": None}),
        ("07:59:59Z", {"event_id": 3}),
        ("07:59:59Z", {"action": "M"}),
    ],
)
def test_any_other_logoff_is_the_clients(
    database: apsw.Connection, table: str, left: str, columns: dict[str, object]
) -> None:
    following: dict[str, object] = {"action": "C"} | columns
    store(database, table, "D", left)
    store(database, table, str(following.pop("action")), "08:00:00Z", **following)  # type: ignore[arg-type]

    assert automatic(database, table) == []


def test_winlogds_own_automatic_logoffs_are_marked_already(database: apsw.Connection) -> None:
    store(database, "events_history", "D", "07:59:59Z", origin="auto")
    store(database, "events_history", "C", "08:00:00Z")

    assert automatic(database, "events_history") == []


def test_only_the_rows_that_are_asked_for_are_looked_at(database: apsw.Connection) -> None:
    for _ in range(2):
        store(database, "events_history", "D", "07:59:59Z")
        store(database, "events_history", "C", "08:00:00Z")

    assert automatic_among(database, [3, 4]) == {3}


def test_a_start_looks_only_at_what_others_have_received_last(database: apsw.Connection) -> None:
    store(database, "events_today", "D", "07:59:59Z")
    store(database, "events_today", "C", "08:00:00Z")
    for _ in range(1000):
        store(database, "events_today", "D", "07:59:59Z", server_timestamp="2026-01-13T08:00:00.123456+00:00")
        store(database, "events_today", "C", "08:00:00Z", server_timestamp="2026-01-13T08:00:00.123456+00:00")

    assert automatic(database, "events_today") == []


def test_all_that_an_older_server_has_received_is_looked_at(database: apsw.Connection) -> None:
    for number in range(1500):
        by_chance = "2026-01-13T08:00:00.123456+00:00" if number % 900 == 7 else NOT_WINLOGDS
        store(database, "events_today", "D", "07:59:59Z", server_timestamp=by_chance)
        store(database, "events_today", "C", "08:00:00Z")

    assert len(automatic(database, "events_today")) == 1500


@pytest.mark.parametrize(
    ("left", "began"), [("23:59:60Z", "00:00:01Z"), ("23:59:59.5Z", "23:59:60.5Z"), ("08:29:59+00:30", "08:00:00Z")]
)
def test_sql_passes_all_times_that_are_a_second_apart(database: apsw.Connection, left: str, began: str) -> None:
    day = "2026-01-14T" if began < left and began.startswith("00") else "2026-01-13T"
    store(database, "events_history", "D", left)
    store(database, "events_history", "C", began, timestamp=f"{day}{began}")

    assert automatic(database, "events_history") == [1]
