"""A row of events gives the key, the times and the texts of its session."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.statements import noted
from winlogd.events.timestamps import microseconds
from winlogd.sessions.session import FROM_ARCHIVE, US, session_key
from winlogd.store.file.schema import prepare
from winlogd.store.past.events import PastEvent, begun_before, event_of_today, logoffs_of, of_archive, rows_of_today

SENT = "2026-01-13T08:00:00.123456789Z"
SENT_US = 1_768_291_200_123_456
RECEIVED = "2026-01-13T08:00:02.000250+00:00"
RECEIVED_US = 1_768_291_202_000_250
CREATED_US = 1_768_291_203 * US


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


def store(database: apsw.Connection, table: str = "events_today", **columns: object) -> int:
    row: dict[str, object] = {"username": "alice", "hostname": "A", "action": "C", "timestamp": SENT}
    row |= {"server_timestamp": RECEIVED, "created_at": "2026-01-13 08:00:03", "session_uuid": "s1"} | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    return database.last_insert_rowid()


def of_today(connection: apsw.Connection, ids: Sequence[int]) -> list[PastEvent]:
    rows = rows_of_today(connection, min(ids) - 1, max(ids), 100, with_hardware=True)
    return [event_of_today(row) for row in rows]


def test_a_key_is_the_second_of_receipt_then_the_table_then_the_id(database: apsw.Connection) -> None:
    event_id, history_id = store(database), store(database, "events_history")

    [today] = of_today(database, [event_id])
    [archived] = of_archive(database, 1, history_id, 10, FROM_ARCHIVE)

    second = RECEIVED_US // US
    assert today.key == second * 2**30 + event_id
    assert archived.key == second * 2**30 + 2**29 + history_id
    assert (today.received_us, today.sent_us) == (RECEIVED_US, SENT_US)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 7_258_118_400 * US - 1), st.integers(1, 2**29 - 1), st.sampled_from([0, FROM_ARCHIVE])
        ),
        unique=True,
    )
)
def test_keys_sort_by_receipt_and_are_different_for_different_rows(rows: list[tuple[int, int, int]]) -> None:
    keys = {(received_us // US, source, event_id): session_key(received_us, event_id, source)
            for received_us, event_id, source in rows}  # fmt: skip

    assert sorted(keys, key=keys.__getitem__) == sorted(keys)
    assert len(set(keys.values())) == len(keys)
    assert all(0 <= key < 2**63 for key in keys.values())


@pytest.mark.parametrize(
    ("columns", "received_us"),
    [
        ({}, RECEIVED_US),
        ({"server_timestamp": "2026-01-13 08:00:02"}, RECEIVED_US // US * US),
        ({"server_timestamp": None}, CREATED_US),
        ({"server_timestamp": "soon"}, CREATED_US),
        ({"server_timestamp": "1969-12-31T23:59:59+00:00"}, CREATED_US),
        ({"server_timestamp": "2200-01-01T00:00:00+00:00"}, CREATED_US),
        ({"server_timestamp": "2199-12-31T23:59:59+00:00"}, 7_258_118_399 * US),
        ({"server_timestamp": None, "created_at": None}, SENT_US),
        ({"server_timestamp": None, "created_at": None, "timestamp": "9000-01-01T00:00:00Z"}, 0),
        ({"server_timestamp": None, "created_at": None, "timestamp": "yesterday"}, 0),
    ],
)
def test_a_senseless_receipt_is_replaced_by_the_next_best_time(
    database: apsw.Connection, columns: dict[str, object], received_us: int
) -> None:
    [event] = of_today(database, [store(database, "events_today", **columns)])

    assert event.received_us == received_us
    assert event.key >> 30 == received_us // US


def test_a_clients_time_that_is_no_time_is_the_receipt(database: apsw.Connection) -> None:
    [event] = of_today(database, [store(database, timestamp="yesterday")])

    assert event.sent_us == RECEIVED_US


def test_the_last_second_60_that_there_is_is_no_time() -> None:
    assert microseconds("9999-12-31T23:59:60Z") is None
    assert microseconds("9998-12-31T23:59:60Z") == 253_370_764_800 * US
    assert microseconds("9999-12-31T23:59:59.999999Z") == 253_402_300_799_999_999


def test_bytes_that_are_no_utf_8_are_read_with_a_mark(database: apsw.Connection) -> None:
    event_id = store(database)
    database.execute("UPDATE events_today SET username = CAST(x'e96c' AS TEXT), hostname = CAST(x'ff' AS TEXT)")

    [event] = of_today(database, [event_id])

    assert (event.username, event.hostname) == ("\ufffdl", "\ufffd")


def test_only_an_inventory_has_its_hardware_read(database: apsw.Connection) -> None:
    ids = [store(database, action=action, hardware_info="{}") for action in "CDM"]

    assert [event.hardware_info for event in of_today(database, ids)] == [None, None, "{}"]


def test_an_origin_that_nobody_knows_is_the_clients(database: apsw.Connection) -> None:
    ids = [store(database, action="D", origin=origin) for origin in ("client", "auto", "expired", "mine")]

    assert [event.ending for event in of_today(database, ids)] == ["client", "auto", "expired", "client"]


ODD = [
    "'a\"b\\c@\u00e9@1'",
    "CAST(x'416e6472e9' AS TEXT)",
    "x'416e6472e9'",
    "'416e6472e9'",
    "''",
    "'a' || char(0)",
    "7",
]
"""Identifiers as SQL: no two are equal."""


def test_logoffs_and_logons_are_joined_by_identifiers_as_they_are_stored(database: apsw.Connection) -> None:
    ids: dict[tuple[str, str], list[int]] = {}
    for sql in [*ODD, "NULL"]:
        for table in ("events_today", "events_history"):
            for action in "CD":
                event_id = store(database, table, action=action)
                database.execute(f"UPDATE {table} SET session_uuid = {sql} WHERE id = {event_id}")
                ids.setdefault((table, action), []).append(event_id)

    logoffs = list(zip(ids["events_today", "D"], ids["events_history", "D"], strict=True))
    for table in ("events_today", "events_history"):
        found = logoffs_of(database, ids[table, "C"], table == "events_today")
        assert [[each.event_id for each in found[logon]] for logon in ids[table, "C"][:-1]] == [
            [*each] for each in logoffs[:-1]
        ]
        assert len(found) == len(ODD)
        assert begun_before(database, ids[table, "D"], table == "events_today") == {*ids[table, "D"][:-1]}


@pytest.mark.parametrize("table", ["events_today", "events_history"])
def test_of_an_identifier_with_many_rows_the_nearest_are_found(database: apsw.Connection, table: str) -> None:
    ids = [store(database, table, action="DC"[number % 2], session_uuid="") for number in range(1001)]

    [near] = logoffs_of(database, [ids[501]], table == "events_today").values()

    assert len(near) <= 32
    assert {ids[500], ids[502]} < {each.event_id for each in near}
    assert len(logoffs_of(database, ids[1::2], table == "events_today")) == 500


def test_logoffs_and_logons_are_found_by_indexes(database: apsw.Connection) -> None:
    with noted(database) as statements:
        for is_of_today in (True, False):
            logoffs_of(database, [1], is_of_today)
            begun_before(database, [1], is_of_today)

    assert len(statements) == 4
    plans = [str(row[3]) for sql in statements for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", ("[]",))]
    assert not any(re.search("SCAN (?!j |.subquery)|AUTOMATIC|B-TREE", line) for line in plans), plans
