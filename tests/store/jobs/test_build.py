"""The past of an older archive is built in steps. However they are cut, it is the same as one that is built at once."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from tests.store.test_load_book import load
from tests.support.builds import (
    CLEARING_STEPS,
    COUNTING_STEPS,
    ROWS,
    STEPS,
    ask_for_rebuild,
    build_with,
    killed_at_each,
    rotate,
)
from tests.support.pasts import (
    DAY,
    EIGHT,
    NOW_S,
    built,
    built_afresh,
    contents,
    fill,
    finish,
    insert,
    marks,
    microseconds,
    nanoseconds,
    opened,
    step,
)
from tests.support.paths import DATA
from winlogd.store.jobs.build import Build, Built
from winlogd.store.past.progress import is_due, progress


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def archive(path: Path) -> Iterator[apsw.Connection]:
    """Return a database with an older archive."""
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        yield connection


# ── in steps ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_build_in_steps_gives_the_same_as_one_at_once(archive: apsw.Connection, tmp_path: Path) -> None:
    expected = built_afresh(archive, tmp_path / "afresh.db")

    assert finish(Build(EIGHT), archive) == STEPS + 1
    assert built(archive) == expected
    assert len(expected.sessions) > ROWS // 4
    assert expected.changes
    assert expected.history == "complete"


def test_a_build_says_what_it_has_done_and_how_far_it_is(archive: apsw.Connection) -> None:
    rows = archive.execute("SELECT count(*) FROM events_history").fetchone()
    assert rows is not None
    build, book = Build(EIGHT), load(archive)
    assert is_due(archive)

    step(build, archive, book)
    assert build.progress == {"rows_taken_in": 8, "rows": rows[0]}
    assert progress(archive).text == f"building, {100 * 8 // int(str(rows[0]))} %"
    finish(build, archive, book)

    found = contents(archive).sessions
    orphans = sum(connected_us is None for *_, connected_us, _, _, _, _, _, _ in found)
    assert build.outcome._replace(seconds=0.0) == Built(int(str(rows[0])), len(found) - orphans, orphans, 0.0)
    assert build.outcome.sentence.startswith(f"{rows[0]} rows of events_history read in ")
    assert progress(archive).text == "complete"


def test_with_nothing_to_do_a_build_ends_in_one_step_that_writes_nothing(archive: apsw.Connection) -> None:
    before = built(archive)
    changes, known = archive.total_changes(), marks(archive)

    build = Build(EIGHT)
    assert not step(build, archive, load(archive)).wrote

    assert build.outcome.rows == 0
    assert archive.total_changes() == changes
    assert (contents(archive), marks(archive)) == (before, known)
    assert not is_due(archive)


def test_the_epoch_changes_when_a_build_ends_and_not_before(archive: apsw.Connection) -> None:
    build, book = Build(EIGHT), load(archive)
    epochs = [marks(archive)["past_epoch"]]
    while not step(build, archive, book).is_last:
        epochs.append(marks(archive)["past_epoch"])

    assert set(epochs) == {"1"}
    assert marks(archive)["past_epoch"] == "2"


def test_rows_that_come_during_a_build_are_taken_in(archive: apsw.Connection, tmp_path: Path) -> None:
    def append(connection: apsw.Connection) -> None:
        fill(connection, "events_history", 10, DAY + timedelta(hours=12), seed=2)

    build_with(archive, append, at=2)

    assert built(archive) == built_afresh(archive, tmp_path / "afresh.db")


def test_a_table_without_autoincrement_is_built_too(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as made:
        made.execute(
            "CREATE TABLE events_history (id INTEGER PRIMARY KEY, username VARCHAR(50) NOT NULL,"
            " action CHAR(1) NOT NULL, timestamp DATETIME NOT NULL)"
        )
        made.execute("INSERT INTO events_history VALUES (7, 'alice', 'C', '2026-01-12T08:00:00Z')")
    with opened(path) as connection:
        assert [session[1] for session in built(connection).sessions] == ["alice"]


# ── killed ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.long
@pytest.mark.parametrize(("runner", "moment"), [("running", "inside"), ("alone", "committed")])
def test_killed_at_any_step_a_build_goes_on_where_it_was(path: Path, tmp_path: Path, runner: str, moment: str) -> None:
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)

    killed_at_each(path, tmp_path, runner, moment, STEPS + 1 + COUNTING_STEPS)


@pytest.mark.long
@pytest.mark.parametrize(("runner", "moment"), [("running", "committed"), ("alone", "inside")])
def test_killed_at_any_step_a_rebuild_goes_on_where_it_was(
    path: Path, tmp_path: Path, runner: str, moment: str
) -> None:
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        built(connection)
        ask_for_rebuild(connection)

    killed_at_each(path, tmp_path, runner, moment, CLEARING_STEPS + STEPS + 1 + COUNTING_STEPS)


# ── the older servers' rows ───────────────────────────────────────────────────────────────────────────────


def test_the_golden_database_is_built(tmp_path: Path) -> None:
    path = Path(shutil.copy(DATA / "older.db", tmp_path / "older.db"))
    with opened(path) as connection:
        found = built(connection)
        assert [(each[1], each[4], each[7]) for each in found.sessions] == [
            ("g02", "g02@PC-01@9e7ea2", "client"),
            ("g03", "g03@PC-01@abea46", "client"),
            ("g03", "orphan_g03@PC-01@b3c0ce", "client"),
            ("g06", "g06@PC-01@736cf0", "client"),
            ("g06", "g06@PC-01@16ceb8", "client"),
        ]
        assert found.hours == [(498_672, 4, 3, 1)]
        in_view = connection.execute("SELECT session_uuid, ended_by FROM sessions WHERE username = 'g06'").fetchall()
        assert in_view == [("g06@PC-01@736cf0", "client"), ("g06@PC-01@16ceb8", "client")]


def two_logons(connection: apsw.Connection, table: str, receipt: Callable[..., str], origin: str = "client") -> None:
    """Store a logon, a logoff one second before the pair's next logon, and that."""
    for number, (action, session, second) in enumerate((("C", "s1", 0), ("D", "s1", 59), ("C", "s2", 60))):
        insert(
            connection, table, action=action, session_uuid=session, origin=origin if action == "D" else "client",
            username="Alice" if session == "s2" else "alice",
            timestamp=f"{DAY + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}Z",
            server_timestamp=receipt(DAY + timedelta(seconds=second, milliseconds=number)),
        )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 8])
def test_an_automatic_logoff_of_an_older_server_carries_no_mark_and_is_told_as_one(path: Path, steps: int) -> None:
    with opened(path) as connection:
        two_logons(connection, "events_history", nanoseconds)
        finish(Build(EIGHT._replace(fewest=steps)), connection)

        assert [each[7] for each in contents(connection).sessions] == ["auto", "expired"]


@pytest.mark.parametrize("origin", ["client", "auto", "expired"])
def test_a_logoff_that_winlogd_has_received_is_the_same_after_a_rebuild(path: Path, origin: str) -> None:
    """The client tells whole seconds: it looks like an automatic logoff."""
    with opened(path) as connection:
        two_logons(connection, "events_today", microseconds, origin)
        insert(connection, "events_history", action="M", timestamp=f"{DAY:%Y-%m-%dT%H:%M:%S}Z",
               server_timestamp=microseconds(DAY), hardware_info="{}")  # fmt: skip
        rotate(connection)
        insert(connection, "events_history", action="C", session_uuid="s3", timestamp=f"{DAY:%Y-%m-%dT%H:%M:%S}Z",
               server_timestamp=microseconds(DAY + timedelta(seconds=61)))  # fmt: skip
        connection.execute("UPDATE events_history SET timestamp = '2026-01-12T08:01:00Z' WHERE session_uuid = 's3'")
        moved = [each[7] for each in built(connection).sessions]
        connection.execute("DELETE FROM events_history WHERE action = 'M'")

        assert [each[7] for each in built(connection).sessions] == moved == [origin, "expired"]


def test_the_order_of_ids_of_another_program_makes_no_orphan(path: Path) -> None:
    with opened(path) as connection:
        for action, minute in (("D", 9), ("C", 0)):
            insert(connection, "events_history", action=action, session_uuid="alice@A102-07@000001",
                   timestamp=f"{DAY + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}Z",
                   server_timestamp=nanoseconds(DAY + timedelta(minutes=minute)))  # fmt: skip
        finish(Build(EIGHT._replace(fewest=1, most=1)), connection)

        [session] = contents(connection).sessions
        assert (session[7], session[8] - session[5]) == ("client", 9 * 60 * 1_000_000)


def test_a_step_whose_commit_fails_is_done_again(archive: apsw.Connection, tmp_path: Path) -> None:
    expected = built_afresh(archive, tmp_path / "afresh.db")
    build, book = Build(EIGHT), load(archive)
    while True:
        archive.execute("BEGIN IMMEDIATE")
        build.step(archive, book, NOW_S)
        archive.execute("ROLLBACK")
        if step(build, archive, book).is_last:
            break

    assert built(archive) == expected
    assert build.outcome.rows == archive.execute("SELECT count(*) FROM events_history").fetchall()[0][0]


def test_progress_is_told_in_figures() -> None:
    figures: Mapping[str, int] = Build().progress
    assert figures == {"rows_taken_in": 0, "rows": 0}
