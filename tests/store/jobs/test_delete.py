"""Deleted rows leave nothing in the past and in memory, and all others stay as they are."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.jobs.deleting import ALICE, delete
from tests.store.test_load_book import load
from tests.support.builds import ROWS, ask_for_rebuild, build_with, rotate
from tests.support.pasts import (
    DAY,
    Contents,
    built,
    built_afresh,
    contents,
    copy,
    fill,
    finish,
    insert,
    marks,
    nanoseconds,
    opened,
    step,
)
from winlogd.store.errors import RowsLostError
from winlogd.store.file import schema
from winlogd.store.past.progress import NAMES_REMOVED, number

EPOCH = "past_epoch"
NAMES = "SELECT kind, name FROM winlogd_names WHERE kind > 0 ORDER BY kind, name"
MEMORY = Path(":memory:")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


def fill_all(connection: apsw.Connection, seed: int = 1) -> None:
    """Fill a database with an older archive, a rotation, and rows of today."""
    fill(connection, "events_history", ROWS, seed=seed)
    fill(connection, "events_today", 30, DAY + timedelta(hours=5), seed=seed + 1, is_older=False)
    rotate(connection)
    fill(connection, "events_today", 30, DAY + timedelta(days=2), seed=seed + 2, is_older=False)
    built(connection)


@pytest.fixture
def filled(path: Path) -> Iterator[apsw.Connection]:
    with opened(path) as connection:
        fill_all(connection)
        yield connection


def ids(connection: apsw.Connection, table: str, condition: str = "1") -> list[object]:
    return [row[0] for row in connection.execute(f"SELECT id FROM {table} WHERE {condition} ORDER BY id")]


def delete_some(connection: apsw.Connection) -> None:
    finish(delete(ALICE), connection)


def without_rebuild(connection: apsw.Connection, epoch: str) -> Contents:
    """Count the hours, and check that nothing was built again."""
    found = built(connection)
    assert marks(connection)[EPOCH] == epoch
    assert connection.execute("SELECT count(*) FROM winlogd_gone").get == 0
    return found


@pytest.mark.parametrize(
    "condition", ["id = 1", "action = 'C'", "action = 'D'", "action = 'M'", ALICE, "id % 2 = 0", "id > 30", "1"]
)
def test_the_past_is_as_if_the_rows_had_never_been(filled: apsw.Connection, tmp_path: Path, condition: str) -> None:
    epoch = marks(filled)[EPOCH]
    gone = len(ids(filled, "events_history", condition))
    job = delete(history=condition)
    finish(job, filled)

    assert (job.outcome.history, ids(filled, "events_history", condition)) == (gone, [])
    found = without_rebuild(filled, epoch)
    assert found.without_ids == built_afresh(filled, tmp_path / "afresh.db").without_ids


@pytest.mark.long
@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_whatever_is_deleted_the_past_is_right_after_each_step(seed: int) -> None:
    with closing(apsw.Connection("")) as connection:
        schema.prepare(connection)
        fill_all(connection, seed)
        epoch = marks(connection)[EPOCH]
        condition = f"(id * {seed % 1009 + 1}) % 7 < {seed % 6 + 1}"
        job, book = delete(condition), load(connection)
        is_last = False
        while not is_last:
            is_last = step(job, connection, book).is_last
            found = without_rebuild(connection, epoch)
            assert found.without_ids == built_afresh(connection, MEMORY).without_ids


@pytest.mark.parametrize("condition", ["action = 'M'", ALICE, "1", "id <= 20"])
def test_memory_is_as_if_the_rows_had_never_been(filled: apsw.Connection, condition: str) -> None:
    whole = (
        f"({condition}) OR session_uuid IN (SELECT session_uuid FROM events_today WHERE action = 'C' AND {condition})"
    )
    book = load(filled)
    finish(delete(today=whole), filled, book)
    afresh = load(filled)

    assert ids(filled, "events_today", whole) == []
    assert sorted(each.event_id for each in book.open_sessions()) == sorted(
        each.event_id for each in afresh.open_sessions()
    )
    assert {key: pair.event_ids() for key, pair in book.pairs.items() if pair.event_ids()} == {
        key: pair.event_ids() for key, pair in afresh.pairs.items() if pair.event_ids()
    }


def test_rows_that_come_during_a_deletion_stay(filled: apsw.Connection) -> None:
    job, book = delete("1", "1"), load(filled)
    step(job, filled, book)
    late = [
        insert(filled, table, action="M", session_uuid="hardware_late", hardware_info="{}",
               timestamp="2026-01-15T08:00:00Z", server_timestamp=nanoseconds(DAY + timedelta(days=3)))
        for table in ("events_history", "events_today")
    ]  # fmt: skip
    finish(job, filled, book)

    assert [*ids(filled, "events_history"), *ids(filled, "events_today")] == late


def test_a_session_whose_logoff_of_today_is_deleted_ends_at_no_known_time(filled: apsw.Connection) -> None:
    row = {"session_uuid": "erin@B1@00abcd", "username": "erin", "hostname": "B1"}
    insert(filled, "events_today", action="C", timestamp="2026-01-12T20:00:00Z",
           server_timestamp=nanoseconds(DAY + timedelta(hours=12)), **row)  # fmt: skip
    insert(filled, "events_today", action="D", timestamp="2026-01-13T00:10:00Z",
           server_timestamp=nanoseconds(DAY + timedelta(hours=16, minutes=10)), **row)  # fmt: skip
    rotate(filled)
    epoch = marks(filled)[EPOCH]
    before = [each[7] for each in contents(filled).sessions if each[1] == "erin"]
    finish(delete(today="username = 'erin'"), filled)

    assert before == ["client"]
    assert [each[7] for each in without_rebuild(filled, epoch).sessions if each[1] == "erin"] == ["expired"]


def test_what_others_have_deleted_is_repaired_first(filled: apsw.Connection, tmp_path: Path) -> None:
    epoch = marks(filled)[EPOCH]
    filled.execute("DELETE FROM events_history WHERE id % 3 = 0")
    finish(delete("id % 2 = 0"), filled)

    found = without_rebuild(filled, epoch)
    assert found.without_ids == built_afresh(filled, tmp_path / "afresh.db").without_ids


def test_rows_without_an_identifier_need_no_rebuild(path: Path, tmp_path: Path) -> None:
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        connection.execute("UPDATE events_history SET session_uuid = NULL WHERE id % 3 = 0")
        built(connection)
        epoch = marks(connection)[EPOCH]
        finish(delete("id % 2 = 0"), connection)

        found = without_rebuild(connection, epoch)
        assert found.without_ids == built_afresh(connection, tmp_path / "afresh.db").without_ids


def test_rows_go_while_a_build_is_under_way(path: Path, tmp_path: Path) -> None:
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        build_with(connection, delete_some, 2)

        assert ids(connection, "events_history", ALICE) == []
        assert built(connection).without_ids == built_afresh(connection, tmp_path / "afresh.db").without_ids


def test_rows_go_while_the_past_is_emptied(filled: apsw.Connection, tmp_path: Path) -> None:
    ask_for_rebuild(filled)
    build_with(filled, delete_some, 3)

    assert ids(filled, "events_history", ALICE) == []
    assert built(filled) == built_afresh(filled, tmp_path / "afresh.db")


def test_a_trigger_that_keeps_rows_ends_it(filled: apsw.Connection) -> None:
    filled.execute(
        "CREATE TRIGGER keep BEFORE DELETE ON events_history WHEN old.id = 5 BEGIN SELECT RAISE(IGNORE); END"
    )
    with pytest.raises(RowsLostError, match="a trigger on events_history keeps rows from being deleted"):
        finish(delete("1"), filled)


def test_the_name_of_a_row_that_is_left_stays_and_the_others_go(filled: apsw.Connection) -> None:
    """A question about events looks for the names of all rows, also of those that no session has."""
    for user, action in (("erin", "M"), ("erin", "D"), ("frank", "M"), ("frank", "C")):
        insert(filled, "events_history", action=action, username=user, hostname="C1", session_uuid=f"{user}_{action}",
               timestamp="2026-01-12T20:00:00Z", server_timestamp=nanoseconds(DAY), hardware_info="{}")  # fmt: skip
    built(filled)
    removed = number(filled, NAMES_REMOVED)
    finish(delete("username = 'erin' AND action = 'D' OR username = 'frank' AND action = 'C'"), filled)

    names = {name for (name,) in filled.execute("SELECT name FROM winlogd_names")}
    assert {"erin", "frank", "C1"} <= names
    assert number(filled, NAMES_REMOVED) == removed


@pytest.mark.long
@pytest.mark.parametrize("runner", ["running", "alone"])
@pytest.mark.parametrize("moment", ["inside", "committed"])
def test_a_deletion_that_is_killed_at_any_step_can_be_repeated(
    filled: apsw.Connection, path: Path, tmp_path: Path, runner: str, moment: str
) -> None:
    filled.close()
    _killed_at_each(path, tmp_path, runner, moment, range(100))


@pytest.mark.long
def test_a_deletion_that_is_killed_can_be_repeated(filled: apsw.Connection, path: Path, tmp_path: Path) -> None:
    filled.close()
    _killed_at_each(path, tmp_path, "alone", "inside", [1])


def _killed_at_each(path: Path, tmp_path: Path, runner: str, moment: str, steps: "range | list[int]") -> None:
    whole = copy(path, "whole.db")
    count = int(_run(whole, runner, -1, "").stdout)
    with opened(whole) as connection:
        expected, names = built(connection), connection.execute(NAMES).fetchall()
        kept = [ids(connection, "events_history"), ids(connection, "events_today")]
        assert connection.execute("SELECT count(*) FROM winlogd_names WHERE name = 'alice'").get == 0
    for at in steps:
        if at >= count:
            break
        killed = copy(path, f"killed{at}.db")
        assert _run(killed, runner, at, moment).returncode == -signal.SIGKILL
        again = _run(killed, runner, -1, "")
        assert again.returncode == 0, again.stderr
        with opened(killed) as connection:
            assert connection.pragma("integrity_check") == "ok"
            assert [ids(connection, "events_history"), ids(connection, "events_today")] == kept
            assert built(connection) == expected, f"killed at step {at}"
            assert connection.execute(NAMES).fetchall() == names


def _run(path: Path, runner: str, at: int, moment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.store.jobs.deleting", str(path), runner, str(at), moment]
    return subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
