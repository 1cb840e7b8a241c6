"""How much of the archive is in the past, and what waits."""

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest

from winlogd.store.file.marks import read_marks, set_mark
from winlogd.store.file.schema import prepare
from winlogd.store.past.progress import (
    DELETIONS,
    TAKEN_IN,
    Progress,
    is_due,
    last_history_id,
    leave_for_later,
    number,
    progress,
)


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


def archive(database: apsw.Connection, rows: int) -> None:
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO events_history"
        " (username, action, timestamp) SELECT 'alice', 'M', '2026-01-13T08:00:00Z' FROM n",
        (rows,),
    )


def waiting(database: apsw.Connection) -> set[int]:
    return {
        event_id
        for first, last in database.execute("SELECT first, last FROM winlogd_ranges")
        for event_id in range(int(str(first)), int(str(last)) + 1)
    }


def test_a_new_database_is_complete(database: apsw.Connection) -> None:
    assert (progress(database), progress(database).text, is_due(database)) == (Progress(0, 0), "complete", False)
    assert {TAKEN_IN, DELETIONS, "history_deletions_seen", "past_epoch"} <= read_marks(database).keys()


def test_rows_of_others_are_due(database: apsw.Connection) -> None:
    archive(database, 10)

    assert (progress(database), progress(database).text, is_due(database)) == (Progress(10, 10), "building, 0 %", True)


def test_rows_that_wait_are_ranges_and_are_counted_once(database: apsw.Connection) -> None:
    archive(database, 10)
    leave_for_later(database, 4)
    leave_for_later(database, 4)
    leave_for_later(database, 6)
    set_mark(database, TAKEN_IN, "9")

    assert waiting(database) == {1, 2, 3, 4, 5, 6}
    assert (progress(database), progress(database).text, is_due(database)) == (Progress(10, 7), "building, 30 %", True)


def test_what_was_taken_in_is_not_due(database: apsw.Connection) -> None:
    archive(database, 10)
    set_mark(database, TAKEN_IN, "10")

    assert (progress(database), is_due(database)) == (Progress(10, 0), False)


def test_the_last_percent_is_shown_when_all_is_taken_in_only() -> None:
    assert Progress(1_000_000, 1).text == "building, 99 %"


@pytest.mark.parametrize("sql", ["DELETE FROM events_history WHERE id = 5", "DELETE FROM events_history"])
def test_rows_that_others_delete_are_counted_and_start_a_rebuild(database: apsw.Connection, sql: str) -> None:
    archive(database, 10)
    set_mark(database, TAKEN_IN, "10")

    database.execute(sql)

    assert number(database, DELETIONS) == (1 if "id" in sql else 10)
    assert is_due(database)


def test_the_highest_id_counts_though_its_row_was_deleted(database: apsw.Connection) -> None:
    archive(database, 10)
    database.execute("DELETE FROM events_history WHERE id > 7")

    assert last_history_id(database) == 10
