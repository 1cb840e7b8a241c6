"""Rows are chosen by their time of receipt, with the logoffs of their logons, and without what a hold means."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from tests.support.pasts import AT_ONCE, DAY, EIGHT, built, built_afresh, contents, fill, finish, insert, marks, opened
from winlogd.sessions.session import US
from winlogd.store.jobs.delete import Delete
from winlogd.store.jobs.selections import Received
from winlogd.store.jobs.steps import Steps
from winlogd.store.past.holds import Hold, add_hold

NOON = DAY + timedelta(hours=4)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[apsw.Connection]:
    with opened(tmp_path / "winlog.db") as connection:
        yield connection


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * US


def row(connection: apsw.Connection, action: str, moment: datetime, session: str, **columns: object) -> int:
    received = {"server_timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}+00:00", "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}Z"}
    return insert(connection, "events_history", action=action, session_uuid=session, **{**received, **columns})


def delete_before(connection: apsw.Connection, moment: datetime, steps: Steps = EIGHT) -> Delete:
    job = Delete(Received("events_history", us(moment)), None, steps, "kept")
    finish(job, connection)
    return job


def ids(connection: apsw.Connection, table: str = "events_history") -> list[object]:
    return [each for (each,) in connection.execute(f"SELECT id FROM {table} ORDER BY id")]


def hold(connection: apsw.Connection, **conditions: object) -> None:
    values = {"user": None, "host": None, "from_us": None, "to_us": None} | conditions
    add_hold(connection, Hold(0, reason="a test", held_by="root", held_us=1, **values))  # type: ignore[arg-type]


def test_what_was_received_before_goes_wherever_it_is(archive: apsw.Connection) -> None:
    """An import adds old rows behind the new ones."""
    row(archive, "M", NOON - timedelta(seconds=1), "hardware_1")
    kept = [row(archive, "M", NOON, "hardware_2"), row(archive, "M", NOON + timedelta(days=9), "hardware_3")]
    row(archive, "M", NOON - timedelta(days=900), "hardware_4")

    assert delete_before(archive, NOON).outcome.history == 2
    assert ids(archive) == kept


def test_ids_far_apart_take_few_steps(archive: apsw.Connection) -> None:
    for number in range(20):
        row(archive, "M", NOON - timedelta(days=1), f"hardware_{number}")
    archive.execute("UPDATE events_history SET id = id * 1000000000")
    job = Delete(Received("events_history", us(NOON)), None, EIGHT)

    assert finish(job, archive) <= 6
    assert ids(archive) == []


def test_the_logoff_of_a_logon_that_goes_goes_with_it(archive: apsw.Connection) -> None:
    row(archive, "C", NOON - timedelta(hours=1), "alice@A102-07@000001")
    row(archive, "D", NOON + timedelta(hours=1), "alice@A102-07@000001")
    kept = [row(archive, "D", NOON + timedelta(hours=2), "orphan_1")]
    built(archive)
    delete_before(archive, NOON)

    assert ids(archive) == kept
    assert [each[4] for each in contents(archive).sessions] == ["orphan_1"]


@pytest.mark.parametrize(
    "columns",
    [
        {"server_timestamp": None, "created_at": "2026-01-10 08:00:00"},
        {"server_timestamp": "rubbish", "created_at": "2026-01-10 08:00:00"},
        {"server_timestamp": None, "created_at": None, "timestamp": "2026-01-10T08:00:00Z"},
        {"server_timestamp": "2026-01-10 08:00:00"},
        {"server_timestamp": None, "created_at": None, "timestamp": "rubbish"},
    ],
)
def test_a_row_without_a_time_of_receipt_goes_by_another_time(
    archive: apsw.Connection, columns: dict[str, object]
) -> None:
    row(archive, "M", NOON + timedelta(days=1), "hardware_1", **columns)
    delete_before(archive, NOON)

    assert ids(archive) == []


def test_hours_before_stay_for_the_next_job_and_later_ones_as_they_were_counted(archive: apsw.Connection) -> None:
    fill(archive, "events_history", 60)
    before = built(archive).hours
    delete_before(archive, NOON)

    assert "hours_from" not in marks(archive)
    assert contents(archive).hours == before


def test_a_day_that_is_deleted_leaves_what_a_build_would_find(archive: apsw.Connection, tmp_path: Path) -> None:
    for day in range(3):
        fill(archive, "events_history", 40, DAY + timedelta(days=day), seed=day)
    built(archive)
    delete_before(archive, DAY + timedelta(days=1))
    found, afresh = contents(archive), built_afresh(archive, tmp_path / "afresh.db")

    assert found.without_ids._replace(hours=[]) == afresh.without_ids._replace(hours=[])


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ({"user": "alice"}, {"alice", "DOM\\alice"}),
        ({"user": "dom\\alice"}, {"DOM\\alice"}),
        ({"host": "b1"}, {"Bob", "carol"}),
        ({"user": "carol", "host": "b1"}, {"carol"}),
        ({"user": "carol", "host": "a1"}, set()),
    ],
)
def test_who_is_held_stays(archive: apsw.Connection, conditions: dict[str, object], kept: set[str]) -> None:
    for user, host in (
        ("alice", "A1"),
        ("DOM\\alice", "A2"),
        ("Bob", "B1.school.local"),
        ("carol", "B1"),
        ("eve", None),
    ):
        row(archive, "M", NOON - timedelta(days=1), f"hardware_{user}", username=user, hostname=host)
    hold(archive, **conditions)
    selection = Received("events_history", us(NOON))

    assert selection.count(archive) == 5 - len(kept)
    assert delete_before(archive, NOON).outcome.history == 5 - len(kept)
    assert {user for (user,) in archive.execute("SELECT username FROM events_history")} == kept


def test_a_span_that_is_held_keeps_the_sessions_that_were_on_in_it(archive: apsw.Connection) -> None:
    kept = [
        row(archive, "C", NOON - timedelta(hours=3), "before"),
        row(archive, "C", NOON - timedelta(minutes=1), "inside"),
        row(archive, "D", NOON + timedelta(minutes=1), "inside"),
        row(archive, "M", NOON, "hardware_1"),
        row(archive, "D", NOON + timedelta(hours=3), "before"),
    ]
    row(archive, "C", NOON - timedelta(hours=5), "earlier")
    row(archive, "D", NOON - timedelta(hours=4), "earlier")
    row(archive, "C", NOON + timedelta(hours=4), "later")
    row(archive, "M", NOON + timedelta(hours=4), "hardware_2")
    hold(archive, from_us=us(NOON - timedelta(minutes=2)), to_us=us(NOON + timedelta(minutes=2)))
    delete_before(archive, NOON + timedelta(days=2))

    assert ids(archive) == kept


def test_either_clock_decides_what_a_span_means(archive: apsw.Connection) -> None:
    kept = [row(archive, "M", NOON + timedelta(days=1), "hardware_1", timestamp=f"{NOON:%Y-%m-%dT%H:%M:%S}Z")]
    hold(archive, from_us=us(NOON), to_us=us(NOON))
    delete_before(archive, NOON + timedelta(days=2))

    assert ids(archive) == kept


def test_a_purge_of_today_keeps_what_is_held_and_open(archive: apsw.Connection) -> None:
    """A session that is open is on now, whatever hour is held."""
    long_ago = f"{datetime(2026, 1, 12, 8, tzinfo=UTC):%Y-%m-%dT%H:%M:%S}"
    for user in ("alice", "Bob"):
        insert(archive, "events_today", action="C", username=user, session_uuid=f"{user}@A102-07@000001",
               timestamp=f"{long_ago}Z", server_timestamp=f"{long_ago}.000000+00:00")  # fmt: skip
    hold(archive, user="alice", from_us=us(NOON + timedelta(days=1)))
    finish(Delete(None, Received("events_today", None), AT_ONCE), archive)

    assert archive.execute("SELECT username FROM events_today").fetchall() == [("alice",)]


def test_a_purge_of_today_keeps_the_logoff_of_a_held_logon_however_long_the_session_was(
    archive: apsw.Connection,
) -> None:
    """Otherwise the session would be open again."""
    for action, moment in (("C", NOON), ("D", NOON + timedelta(hours=40))):
        text = f"{moment:%Y-%m-%dT%H:%M:%S}"
        insert(archive, "events_today", action=action, session_uuid="alice@A102-07@000001", timestamp=f"{text}Z",
               server_timestamp=f"{text}.000000+00:00")  # fmt: skip
    hold(archive, from_us=us(NOON), to_us=us(NOON + timedelta(hours=1)))
    finish(Delete(None, Received("events_today", None), AT_ONCE), archive)

    assert ids(archive, "events_today") == [1, 2]
