"""The rotation writes the past in the transaction that moves the rows: each session is in one place at any moment."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.store.jobs.test_rotate import EIGHT_ROWS, NOW_S, RULES, rotate, step, store, yesterday
from tests.store.test_load_book import load
from tests.support.past import build
from winlogd.sessions.session import US, Session, session_key
from winlogd.store.file import schema
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import Rules
from winlogd.store.past import runs
from winlogd.store.past.progress import last_history_id, progress
from winlogd.store.past.rows import SELECTED, session_of

MIDNIGHT_S: Final = 1_768_262_400  # 2026-01-13T00:00:00Z
NEXT_DAY: Final = Rules("2026-01-14T00:00:00", "2026-01-13T01:00:00", 24.0)
DAY_S: Final = 86_400
READ: Final = f"""SELECT {SELECTED} FROM winlogd_past p
    JOIN winlogd_names u ON u.id = p.user JOIN winlogd_names h ON h.id = p.host JOIN winlogd_names a ON a.id = p.ip
    JOIN winlogd_names n ON n.id = p.os_name JOIN winlogd_names v ON v.id = p.os_version ORDER BY p.key"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def database(path: Path) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(str(path))) as connection:
        schema.prepare(connection)
        yield connection


def past(database: apsw.Connection) -> list[Session]:
    return [session_of(row) for row in database.execute(READ)]


def places(database: apsw.Connection) -> Counter[object]:
    """Return how often each identifier is a logon of today or a session of the past."""
    found = Counter(row[0] for row in database.execute("SELECT session_uuid FROM events_today WHERE action = 'C'"))
    found.update(session.session_uuid for session in past(database) if not session.is_orphan)
    return found


def rotate_next_day(database: apsw.Connection) -> None:
    rotation, book = Rotation(NEXT_DAY, None), load(database)
    while True:
        with database:
            done = rotation.step(database, book, NOW_S + DAY_S)
        rotation.took(done, book, 0.0001)
        if done.is_last:
            return


def ranges(database: apsw.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in database.execute("SELECT first, last FROM winlogd_ranges ORDER BY first")]


def a_day(database: apsw.Connection) -> None:
    """Store yesterday's sessions: ended, open, too long, ended after midnight; an orphan and two inventories."""
    store(database, "M", "2026-01-12T07:00:00", "hardware_1", hardware_info='{"ram":8}')
    store(database, "C", "2026-01-10T08:00:00", "long", username="long")
    yesterday(database, 12)
    store(database, "C", "2026-01-12T09:00:00", "kept", username="kept")
    store(database, "D", "2026-01-12T09:30:00", "orphan_1")
    store(database, "C", "2026-01-12T10:00:00", "late", username="late")
    store(database, "M", "2026-01-12T11:00:00", "hardware_2", hardware_info='{"ram":16}')
    store(database, "D", "2026-01-13T00:30:00", "late", username="late")
    store(database, "C", "2026-01-13T00:31:00", "today", username="today")


def test_a_session_that_moves_is_a_row_of_the_past_with_the_key_of_its_row_of_today(database: apsw.Connection) -> None:
    for _ in range(5):
        store(database, "M", "2026-01-12T07:00:00", "hardware_1")
    event_id = store(database, "C", "2026-01-12T08:00:00", "alice@A@000001", os_version="11")
    store(database, "D", "2026-01-12T09:00:00", "alice@A@000001")

    rotate(database)

    received_us = (MIDNIGHT_S - DAY_S + 8 * 3600) * US
    assert past(database) == [
        Session(
            key=session_key(received_us, event_id), username="alice", hostname="A", source_ip="192.0.2.7",
            os_name="Windows", os_version="11", session_uuid="alice@A@000001", received_us=received_us,
            connected_us=received_us + 500_000, ended_by="client", logoff_received_us=received_us + 3600 * US,
            disconnected_us=received_us + 3600 * US + 500_000,
        )
    ]  # fmt: skip
    assert progress(database).left == 0


def test_a_logoff_that_was_received_after_midnight_stays_in_today_and_ends_its_session(
    database: apsw.Connection,
) -> None:
    store(database, "C", "2026-01-12T08:00:00", "s1")
    store(database, "D", "2026-01-13T00:30:00", "s1")

    rotate(database)

    [session] = past(database)
    assert (session.ended_by, session.logoff_received_us) == ("client", (MIDNIGHT_S + 1800) * US)
    assert list(database.execute("SELECT action FROM events_today")) == [("D",)]

    rotate_next_day(database)

    assert past(database) == [session]  # its logoff is no orphan when it moves, too


def test_a_session_that_is_open_over_two_rotations_is_in_today_until_it_ends(database: apsw.Connection) -> None:
    event_id = store(database, "C", "2026-01-12T23:59:00", "s1")
    rotate(database)
    assert past(database) == []
    store(database, "M", "2026-01-13T12:00:00", "hardware_1")
    days = Rules("2026-01-14T00:00:00", "2026-01-12T01:00:00", 48.0)
    rotation, book = Rotation(days, None), load(database)
    while not step(rotation, database, book).is_last:
        pass
    assert (past(database), places(database)) == ([], {"s1": 1})
    store(database, "D", "2026-01-14T08:00:00", "s1")

    rotate_next_day(database)

    [session] = past(database)
    assert (session.key & 2**29 - 1, session.ended_by) == (event_id, "client")
    assert session.logoff_received_us == (MIDNIGHT_S + DAY_S + 8 * 3600) * US
    assert places(database) == {"s1": 1}


def test_a_session_that_was_open_for_too_long_is_expired(database: apsw.Connection) -> None:
    store(database, "C", "2026-01-10T08:00:00", "s1")

    rotate(database)

    [session] = past(database)
    begin_us = (MIDNIGHT_S - 3 * DAY_S + 8 * 3600) * US
    assert (session.ended_by, session.received_us) == ("expired", begin_us)
    assert (session.logoff_received_us, session.disconnected_us) == (int(NOW_S) * US, begin_us + DAY_S * US + 500_000)


def test_a_logoff_without_a_logon_is_an_orphan_of_the_past(database: apsw.Connection) -> None:
    event_id = store(database, "D", "2026-01-12T08:00:00", "orphan_alice@A@000001")

    rotate(database)

    [orphan] = past(database)
    assert (orphan.is_orphan, orphan.key & 2**29 - 1) == (True, event_id)
    assert list(database.execute("SELECT * FROM sessions")) == []


@pytest.mark.parametrize("received", ["2026-01-12T07:00:00", "2026-01-12T08:00:00"])
def test_a_logoff_that_moved_with_its_logon_ends_it_though_the_clock_was_set_back(
    database: apsw.Connection, received: str
) -> None:
    """The ids of both tables are unrelated: the archive's are compared with the archive's."""
    for _ in range(9):
        store(database, "M", "2026-01-12T07:00:00", "hardware_1")
    store(database, "C", "2026-01-12T08:00:00", "s1")
    store(database, "D", received, "s1")

    rotate(database)

    [session] = past(database)
    assert session.ended_by == "client"


def test_an_inventory_is_noted_with_what_changed(database: apsw.Connection) -> None:
    a_day(database)

    rotate(database)

    assert list(database.execute("SELECT path, old, new FROM winlogd_hardware")) == [("ram", "8", "16")]
    actions = "SELECT action FROM winlogd_inventory JOIN events_history ON id = history_id ORDER BY key"
    assert list(database.execute(actions)) == [("M",), ("M",)]


@pytest.mark.parametrize("ends", ["commits", "is cut short"])
@pytest.mark.parametrize("steps", range(5))
def test_a_rotation_that_is_killed_after_any_step_leaves_each_session_in_one_place(
    path: Path, database: apsw.Connection, steps: int, ends: str
) -> None:
    a_day(database)
    every = places(database)
    assert set(every.values()) == {1}
    rotation, book = Rotation(RULES, "2026-01-13", EIGHT_ROWS), load(database)
    for _ in range(steps):
        assert not step(rotation, database, book).is_last
    if ends == "is cut short":  # in the middle of a transaction
        database.execute("BEGIN IMMEDIATE")
        rotation.step(database, book, NOW_S)
    database.close()

    with closing(apsw.Connection(str(path))) as afresh:
        assert places(afresh) == every
        assert progress(afresh).left == 0

        rotate(afresh)

        assert places(afresh) == every
        assert [session.session_uuid for session in past(afresh) if session.is_orphan] == ["orphan_1"]
        endings = Counter(session.ended_by for session in past(afresh))
        assert endings == {"client": 12 + 2, "expired": 1}
        assert len(list(afresh.execute("SELECT * FROM winlogd_inventory"))) == 2
        assert ranges(afresh) == []


def test_the_rotation_above_has_five_steps(database: apsw.Connection) -> None:
    a_day(database)
    rotation, book, count = Rotation(RULES, None, EIGHT_ROWS), load(database), 1
    while not step(rotation, database, book).is_last:
        count += 1

    assert count == 5


def test_the_archive_that_is_built_again_holds_the_same_sessions(database: apsw.Connection) -> None:
    """Only keys differ: those of a build have ids of the archive."""
    a_day(database)
    rotate(database)
    rotated = [session.replaced(key=session.key >> 30) for session in past(database)]
    for table in ("winlogd_past", "winlogd_inventory", "winlogd_hardware"):
        database.execute(f"DELETE FROM {table}")
    database.execute("UPDATE winlogd_meta SET value = '0' WHERE key = 'history_taken_in'")

    build(database)

    built = [session.replaced(key=session.key >> 30) for session in past(database)]
    assert sorted(map(repr, built)) == sorted(map(repr, rotated))
    assert list(database.execute("SELECT path, old, new FROM winlogd_hardware")) == [("ram", "8", "16")]


# ── other programs ────────────────────────────────────────────────────────────────────────────────────────


def archive(database: apsw.Connection, action: str, received: str, session: str) -> None:
    """Put a row into the archive as an older server's script does, after winlogd has stored it today."""
    event_id = store(database, action, received, session)
    columns = "username, action, timestamp, hostname, server_timestamp, session_uuid, created_at"
    database.execute(
        f"INSERT INTO events_history ({columns}) SELECT {columns} FROM events_today WHERE id = ?", (event_id,)
    )
    database.execute("DELETE FROM events_today WHERE id = ?", (event_id,))


def test_rows_that_others_archived_between_rotations_wait_for_the_build(database: apsw.Connection) -> None:
    yesterday(database, 1)
    rotate(database)
    archive(database, "C", "2026-01-13T08:00:00", "other")
    archive(database, "D", "2026-01-13T09:00:00", "other")
    store(database, "C", "2026-01-13T10:00:00", "mine")
    store(database, "D", "2026-01-13T11:00:00", "mine")

    rotate_next_day(database)

    assert ranges(database) == [(3, 4)]
    assert progress(database).left == 2
    assert places(database) == {"user0@A@1": 1, "mine": 1}
    build(database)
    assert places(database) == {"user0@A@1": 1, "mine": 1, "other": 1}
    assert progress(database).left == 0


def test_rows_that_a_trigger_adds_to_the_archive_make_what_moves_wait_for_the_build(database: apsw.Connection) -> None:
    yesterday(database, 2)
    database.execute(
        """CREATE TRIGGER twice AFTER INSERT ON events_history WHEN new.username = 'user0' BEGIN
        INSERT INTO events_history (username, action, timestamp, session_uuid)
        VALUES ('copy of ' || new.username, new.action, new.timestamp, 'copy ' || new.session_uuid); END"""
    )

    rotate(database)

    assert ranges(database) == [(1, 6)]
    assert past(database) == []
    assert [runs.history_id_of(database, event_id) for event_id in range(1, 5)] == [None] * 4
    build(database)
    assert places(database) == {"user0@A@1": 1, "copy user0@A@1": 1, "user1@A@1": 1}


def test_a_trigger_that_only_reads_disturbs_nothing(database: apsw.Connection) -> None:
    yesterday(database, 2)
    database.execute("CREATE TABLE seen (id)")
    database.execute("CREATE TRIGGER see AFTER INSERT ON events_history BEGIN INSERT INTO seen VALUES (new.id); END")

    rotate(database)

    assert (ranges(database), len(past(database)), last_history_id(database)) == ([], 2, 4)


def test_while_a_rebuild_removes_the_old_past_nothing_is_added_to_it(database: apsw.Connection) -> None:
    yesterday(database, 2)
    database.execute("INSERT INTO winlogd_meta VALUES ('past_clearing', '1')")

    rotate(database)

    assert (past(database), ranges(database)) == ([], [(1, 4)])
    assert runs.history_id_of(database, 3) == 3  # a retry is recognised all the same


def test_old_runs_are_forgotten_at_the_end_of_a_rotation(database: apsw.Connection) -> None:
    yesterday(database, 2)
    rotate(database)
    assert runs.history_id_of(database, 1) == 1
    database.execute("UPDATE winlogd_runs SET moved_s = moved_s - 3 * 86400")
    rotation, book = Rotation(RULES, None), load(database)

    last = step(rotation, database, book)
    while not last.is_last:
        last = step(rotation, database, book)

    assert last.wrote
    assert runs.history_id_of(database, 1) is None


def test_reports_of_a_thousand_levels_keep_no_row_from_moving(database: apsw.Connection) -> None:
    for number in range(2):
        report = '{"a":' * 1000 + str(number) + "}" * 1000
        store(database, "M", "2026-01-12T07:00:00", f"hardware_{number}", hardware_info=report)
    yesterday(database, 4)

    rotate(database)

    assert list(database.execute("SELECT count(*) FROM events_today")) == [(0,)]
    assert list(database.execute("SELECT old, new FROM winlogd_hardware")) == [("0", "1")]
