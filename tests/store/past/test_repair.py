"""Rows that others delete from the archive are taken out of the past, and the rest of it stays as it is."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.test_load_book import load
from tests.support.builds import ROWS, STEPS, ask_for_rebuild, build_with, killed_at_each, rotate
from tests.support.pasts import (
    AT_ONCE,
    DAY,
    EIGHT,
    Contents,
    built,
    built_afresh,
    contents,
    fill,
    finish,
    insert,
    marks,
    nanoseconds,
    opened,
    step,
)
from winlogd.store.jobs.build import Build
from winlogd.store.past.progress import is_due

pytestmark = pytest.mark.long

EPOCH = "past_epoch"
GONE = "SELECT count(*) FROM winlogd_gone"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def archive(path: Path) -> Iterator[apsw.Connection]:
    """Return a database with a past of an older archive and of a rotation."""
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        fill(connection, "events_today", 30, DAY + timedelta(hours=5), seed=3, is_older=False)
        rotate(connection)
        built(connection)
        yield connection


def repaired(connection: apsw.Connection) -> Contents:
    """Build, and check that nothing was built again: the epoch is the same."""
    epoch = marks(connection)[EPOCH]
    found = built(connection)
    assert marks(connection)[EPOCH] == epoch
    assert (is_due(connection), connection.execute(GONE).get) == (False, 0)
    return found


def names_of(connection: apsw.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM winlogd_names WHERE kind IN (1, 2)")}


@pytest.mark.parametrize(
    "which",
    [
        "id = 1",
        "action = 'C'",
        "action = 'D'",
        "action = 'M'",
        "username = 'alice'",
        "hostname = 'B1'",
        "id <= 30",
        "id > 30",
        "id % 2 = 0",
        "origin = 'auto'",
        "1",
    ],
)
def test_after_a_deletion_the_past_is_as_if_it_were_built_afresh(
    archive: apsw.Connection, tmp_path: Path, which: str
) -> None:
    archive.execute(f"DELETE FROM events_history WHERE {which}")

    assert repaired(archive).without_ids == built_afresh(archive, tmp_path / "afresh.db").without_ids


def test_what_is_left_keeps_its_keys(archive: apsw.Connection) -> None:
    before = {session[4]: session[0] for session in contents(archive).sessions if session[6] is not None}
    archive.execute("DELETE FROM events_history WHERE action = 'D'")

    assert {session[4]: session[0] for session in repaired(archive).sessions} == before


def test_a_name_that_nothing_is_left_of_is_gone(archive: apsw.Connection) -> None:
    archive.execute("DELETE FROM events_history WHERE username = 'alice' OR hostname = 'B1'")
    repaired(archive)

    assert not names_of(archive) & {"alice", "B1"}
    assert {"Bob", "A102-07"} <= names_of(archive)


def test_a_build_says_how_many_deleted_rows_it_has_taken_out(archive: apsw.Connection) -> None:
    archive.execute("DELETE FROM events_history WHERE id IN (3, 5, 7)")
    build = Build(EIGHT)
    finish(build, archive)

    assert (build.outcome.rows, build.outcome.repaired) == (0, 3)
    assert build.outcome.sentence.endswith("; deleted rows taken out: 3")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM winlogd_past WHERE key = (SELECT max(key) FROM winlogd_past)",
        "UPDATE winlogd_past SET identifier = 'other'",
        "DELETE FROM winlogd_inventory",
        "UPDATE events_history SET id = 1 WHERE id = 2",
        "UPDATE events_history SET session_uuid = NULL; DELETE FROM events_history WHERE action = 'C'",
        "UPDATE events_history SET session_uuid = x'ff'; DELETE FROM events_history WHERE action = 'C'",
        "UPDATE winlogd_meta SET value = value + 50000 WHERE key = 'history_deletions';"
        "DELETE FROM events_history WHERE id = 9",
    ],
)
def test_what_cannot_be_repaired_is_built_again(archive: apsw.Connection, tmp_path: Path, sql: str) -> None:
    archive.execute("DELETE FROM events_history WHERE id = 1 OR id > 60")
    archive.execute(sql)

    assert built(archive) == built_afresh(archive, tmp_path / "afresh.db")
    assert (is_due(archive), archive.execute(GONE).get) == (False, 0)


def test_a_trigger_notes_so_many_rows_only(archive: apsw.Connection) -> None:
    archive.execute("UPDATE winlogd_meta SET value = 49999 WHERE key = 'history_deletions'")
    archive.execute("DELETE FROM events_history WHERE id < 9")

    assert archive.execute(GONE).get == 1


def test_the_automatic_logoff_before_a_deleted_logon_counts_as_a_clients(path: Path) -> None:
    with opened(path) as connection:
        for action, session, second in (("C", "s1", 0), ("D", "s1", 59), ("C", "s2", 60)):
            moment = DAY + timedelta(seconds=second)
            insert(connection, "events_history", action=action, session_uuid=session,
                   timestamp=f"{moment:%Y-%m-%dT%H:%M:%S}Z", server_timestamp=nanoseconds(moment))  # fmt: skip
        assert [each[7] for each in built(connection).sessions] == ["auto", "expired"]
        connection.execute("DELETE FROM events_history WHERE id = 3")

        assert [each[7] for each in repaired(connection).sessions] == ["client"]


@pytest.mark.parametrize("at", range(STEPS + 2))
def test_rows_that_are_deleted_during_a_build_are_repaired_at_once(path: Path, tmp_path: Path, at: int) -> None:
    def delete(connection: apsw.Connection) -> None:
        connection.execute("DELETE FROM events_history WHERE id % 3 = 1")

    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        build_with(connection, delete, at)

        assert built(connection) == built_afresh(connection, tmp_path / "afresh.db")
        assert marks(connection)[EPOCH] == "2", "no rebuild"


@pytest.mark.parametrize("at", range(6))
def test_a_rotation_between_any_two_steps_of_a_repair_changes_nothing(
    archive: apsw.Connection, tmp_path: Path, at: int
) -> None:
    for name, seed in (("events_today", 5),):
        fill(archive, name, 30, DAY + timedelta(hours=9), seed=seed, is_older=False)
    archive.execute("DELETE FROM events_history WHERE id % 2 = 1")
    build_with(archive, rotate, at)

    assert repaired(archive).without_ids == built_afresh(archive, tmp_path / "afresh.db").without_ids


@pytest.mark.long
@pytest.mark.parametrize(("runner", "moment"), [("running", "committed"), ("alone", "inside")])
def test_killed_at_any_step_a_repair_goes_on_where_it_was(path: Path, tmp_path: Path, runner: str, moment: str) -> None:
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        built(connection)
        connection.execute("DELETE FROM events_history WHERE id % 2 = 1 OR id < 4")

    killed_at_each(path, tmp_path, runner, moment, 7)


@pytest.mark.long
@given(st.integers(0, 10_000))
def test_however_rows_are_deleted_rotated_and_added_the_past_is_right(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance, folder = random.Random(seed), tmp_path_factory.mktemp("random")
    with opened(folder / "winlog.db") as connection:
        moment = DAY
        for number in range(4):
            table = chance.choice(["events_today", "events_history"])
            fill(connection, table, 12, moment, seed=seed + number, is_older=table == "events_history")
            moment += timedelta(hours=3)
            book, job = load(connection), Build(EIGHT)
            for _ in range(chance.randrange(4)):
                if step(job, connection, book).is_last:
                    break
            if chance.random() < 0.5:
                rotate(connection)
            ids = [row[0] for row in connection.execute("SELECT id FROM events_history").fetchall()]
            for event_id in chance.sample(ids, min(len(ids), chance.choice([0, 1, 9]))):
                connection.execute("DELETE FROM events_history WHERE id = ?", (event_id,))
        rotate(connection)
        assert built(connection).without_ids == built_afresh(connection, folder / "afresh.db").without_ids
        assert connection.execute(GONE).get == 0
        ask_for_rebuild(connection)
        finish(Build(AT_ONCE), connection)
        assert (
            contents(connection).without_ids.sessions
            == built_afresh(connection, folder / "again.db").without_ids.sessions
        )
