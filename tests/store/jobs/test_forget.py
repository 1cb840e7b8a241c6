"""Forgotten people leave no row, or their rows stay under a pseudonym; all others stay as they are."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from tests.store.test_load_book import load
from tests.support.builds import ROWS, rotate
from tests.support.forgetting import apply, forget, forgotten, tombstone
from tests.support.pasts import DAY, EIGHT, Contents, built, built_afresh, copy, fill, finish, insert, marks, opened
from winlogd.sessions.changes import Changes
from winlogd.sessions.pair import pair_key
from winlogd.sessions.session import US
from winlogd.store.file.marks import FORGOTTEN, set_mark
from winlogd.store.jobs.reports import Reports
from winlogd.store.jobs.tidy import Tidy
from winlogd.store.past.hiding import REMOVED, Hiding
from winlogd.store.past.holds import Hold, add_hold
from winlogd.store.past.progress import number

EVENTS = """SELECT username, action, timestamp, hostname, session_uuid, hardware_info FROM events_history
    UNION ALL SELECT username, action, timestamp, hostname, session_uuid, hardware_info FROM events_today"""
TABLES = """SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"""
WHO = "forgotten-1a2b3c4d"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def filled(path: Path) -> Iterator[apsw.Connection]:
    """Open a database with an older archive, a rotation, and rows of today; ALICE is alice."""
    with opened(path) as connection:
        fill(connection, "events_history", ROWS)
        fill(connection, "events_today", 30, DAY + timedelta(hours=5), seed=2, is_older=False)
        rotate(connection)
        fill(connection, "events_today", 30, DAY + timedelta(days=2), seed=3, is_older=False)
        connection.execute("UPDATE events_history SET username = 'ALICE' WHERE username = 'alice' AND id % 5 = 0")
        built(connection)
        yield connection


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * US


def row(connection: apsw.Connection, table: str, action: str, moment: datetime, session: str, **columns: object) -> int:
    received = {"server_timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}+00:00", "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}Z"}
    return insert(connection, table, action=action, session_uuid=session, **{**received, **columns})


def tidied(connection: apsw.Connection) -> Contents:
    found = built(connection)
    finish(Tidy(0, 0, EIGHT), connection)
    return found


def places_of(connection: apsw.Connection, name: str) -> list[tuple[str, object]]:
    """Return all rows of all tables that have a name in one of their columns."""
    return [
        (str(table), each)
        for (table,) in connection.execute(TABLES).fetchall()
        for each in connection.execute(f"SELECT * FROM {table}").fetchall()
        if any(name in str(value).lower() for value in each)
    ]


def test_the_name_is_in_no_row_and_all_else_is_as_if_it_had_never_been(filled: apsw.Connection, tmp_path: Path) -> None:
    others = [each for each in filled.execute(EVENTS) if str(each[0]).lower() != "alice"]
    job = apply(filled, tombstone("Alice"))

    assert job.outcome.history > 10
    assert job.outcome.today > 5
    assert filled.execute(EVENTS).fetchall() == others
    found = tidied(filled)
    assert found.without_ids == built_afresh(filled, tmp_path / "afresh.db").without_ids
    assert places_of(filled, "alice") == []
    assert number(filled, FORGOTTEN) == 1


def test_no_rebuild_follows(filled: apsw.Connection) -> None:
    epoch, counted = marks(filled)["past_epoch"], filled.execute("SELECT count(*) FROM events_history").get
    job = forget(tombstone("alice"))
    finish(job, filled)

    assert filled.execute("SELECT count(*) FROM winlogd_gone").get == 0
    found = marks(filled)
    assert found["history_deletions"] == found["history_deletions_seen"]
    built(filled)
    assert marks(filled)["past_epoch"] == epoch
    assert filled.execute("SELECT count(*) FROM events_history").get == counted - job.outcome.history


def test_under_a_pseudonym_all_rows_stay(filled: apsw.Connection, tmp_path: Path) -> None:
    def rows() -> list[tuple[str, ...]]:
        return sorted(
            tuple(str(value).lower().replace(WHO, "alice") for value in each) for each in filled.execute(EVENTS)
        )

    before = rows()
    finish(forget(tombstone("alice", pseudonym=WHO)), filled)

    assert rows() == before
    found = tidied(filled)
    assert found.without_ids == built_afresh(filled, tmp_path / "afresh.db").without_ids
    assert places_of(filled, "alice") == []
    assert {each[1] for each in found.sessions} == {WHO, "Bob", "carol", "DOM\\dave"}


def test_the_domain_belongs_to_the_name(filled: apsw.Connection) -> None:
    finish(forget(tombstone("dave"), tombstone("dom\\bob", 2)), filled)
    assert {name for (name,) in filled.execute("SELECT DISTINCT username FROM events_history")} >= {"DOM\\dave", "Bob"}

    finish(forget(tombstone("Dom\\Dave", 3)), filled)
    tidied(filled)
    assert places_of(filled, "dave") == []


def test_a_new_person_of_the_same_name_keeps_their_rows(path: Path) -> None:
    with opened(path) as connection:
        last_year = DAY - timedelta(days=300)
        row(connection, "events_history", "C", last_year, "alice@A1@000001")
        row(connection, "events_history", "D", last_year + timedelta(hours=1), "alice@A1@000001")
        kept = [
            row(connection, table, "C", DAY + timedelta(hours=hour), f"alice@A1@00000{hour}")
            for hour, table in enumerate(("events_history", "events_today"), 2)
        ]
        finish(forget(tombstone("alice", at_us=us(DAY))), connection)

        assert [event_id for (event_id,) in connection.execute("SELECT id FROM events_history")] == kept[:1]
        assert [event_id for (event_id,) in connection.execute("SELECT id FROM events_today")] == kept[1:]


def test_a_span_means_whole_sessions_by_their_logon(path: Path) -> None:
    with opened(path) as connection:
        for table in ("events_history", "events_today"):
            for at, session in ((0, "before"), (2, "inside"), (4, "after")):
                row(connection, table, "C", DAY + timedelta(hours=at), f"alice@{session}@{table}")
                row(connection, table, "D", DAY + timedelta(hours=at + 1.5), f"alice@{session}@{table}")
        span = {"first_us": us(DAY + timedelta(hours=1)), "last_us": us(DAY + timedelta(hours=3))}
        finish(forget(tombstone("alice", **span)), connection)  # type: ignore[arg-type]

        for table in ("events_history", "events_today"):
            left = connection.execute(f"SELECT action, session_uuid FROM {table} ORDER BY id").fetchall()
            assert [(action, str(session).split("@")[1]) for action, session in left] == [
                ("C", "before"), ("D", "before"), ("C", "after"), ("D", "after"),
            ]  # fmt: skip


@pytest.mark.parametrize("pseudonym", ["", WHO])
def test_a_logoff_of_today_goes_with_its_logon_in_the_archive(path: Path, pseudonym: str) -> None:
    with opened(path) as connection:
        row(connection, "events_history", "C", DAY, "alice@A1@000001")
        row(connection, "events_today", "D", DAY + timedelta(hours=20), "alice@A1@000001")
        kept = row(connection, "events_today", "D", DAY + timedelta(hours=21), "alice@A1@000001")
        built(connection)
        finish(forget(tombstone("alice", last_us=us(DAY + timedelta(hours=1)), pseudonym=pseudonym)), connection)

        assert [each for (each,) in connection.execute("SELECT id FROM events_today")] == [kept]
        left = connection.execute("SELECT action, username, session_uuid FROM events_history ORDER BY id").fetchall()
        assert left == ([(action, WHO, f"{WHO}@A1@000001") for action in "CD"] if pseudonym else [])


@pytest.mark.parametrize("condition", [{"user": "alice"}, {"host": "a102-07"}, {"from_us": us(DAY), "to_us": 1 << 61}])
def test_a_hold_exempts_what_it_means(filled: apsw.Connection, condition: dict[str, object]) -> None:
    values = {"user": None, "host": None, "from_us": None, "to_us": None} | condition
    add_hold(filled, Hold(0, reason="case 4711", held_by="root", held_us=1, **values))  # type: ignore[arg-type]
    held = "1" if "host" not in condition else "lower(hostname) = 'a102-07'"
    sql = f"SELECT id FROM {{}} WHERE lower(username) = 'alice' AND {held} ORDER BY id"
    kept = [filled.execute(sql.format(table)).fetchall() for table in ("events_history", "events_today")]
    finish(forget(tombstone("alice")), filled)

    assert all(kept)
    of_alice = "SELECT id FROM {} WHERE lower(username) = 'alice' ORDER BY id"
    left = [filled.execute(of_alice.format(table)).fetchall() for table in ("events_history", "events_today")]
    assert left == kept


def test_reports_of_others_lose_the_name_and_nothing_else(path: Path, tmp_path: Path) -> None:
    reports = [
        ('{"accounts": ["ALICE", "bob"], "cpu": "Alices Lake"}', '{"accounts": ["*", "bob"], "cpu": "Alices Lake"}'),
        (r'{"home": "C:\\Users\\alice\\Desktop"}', r'{"home": "C:\\Users\\*\\Desktop"}'),
        (r'{"share": "//x/alice/y", "owner": "DOM\\alice"}', r'{"share": "//x/*/y", "owner": "DOM\\*"}'),
        ('{"mail": "alice@dom", "malice": "alices"}', '{"mail": "*@dom", "malice": "alices"}'),
    ]
    with opened(path) as connection:
        for table in ("events_history", "events_today"):
            row(connection, table, "C", DAY, f"alice@A1@{table}")
            for at, (report, _) in enumerate(reports):
                row(connection, table, "M", DAY + timedelta(hours=at), f"hardware_{table}{at}", username="bob",
                    hardware_info=report)  # fmt: skip
        built(connection)
        book = load(connection)
        job = forget(tombstone("alice"))
        finish(job, connection, book)

        assert job.outcome[:3] == (1, 1, 8)
        for table in ("events_history", "events_today"):
            found = connection.execute(f"SELECT hardware_info FROM {table} ORDER BY id").fetchall()
            assert found == [(after.replace("*", REMOVED),) for _, after in reports]
        assert tidied(connection).without_ids == built_afresh(connection, tmp_path / "afresh.db").without_ids
        assert pair_key("bob", "A102-07") in book.pairs, "a report that is sent again is still known"


@pytest.mark.parametrize(
    ("name", "other", "before", "after"),
    [
        ("ADMIN\\alice", "alice", ["alice", "ADMIN\\Alice", "C:\\alice"], ["alice", "*", "C:\\alice"]),
        ("alice", "DOM\\alice", ["alice", "dom\\Alice", "X\\alice"], ["*", "dom\\Alice", "X\\*"]),
        ("alice", "alice.jones", ["alice.jones", "alice.admin"], ["alice.jones", "*.admin"]),
        ("alice@dom", "carol", ["alice", "alice@dom", "DOM\\alice"], ["*", "*", "DOM\\*"]),
    ],
)
@pytest.mark.parametrize("table", ["events_history", "events_today"])
def test_others_whose_name_has_the_same_part_keep_theirs(
    path: Path, table: str, name: str, other: str, before: list[str], after: list[str]
) -> None:
    with opened(path) as connection:
        row(connection, table, "C", DAY, "x@A1@000001", username=name)
        row(connection, table, "C", DAY, "y@A2@000002", username=other)
        row(connection, table, "M", DAY, "hardware_x", username="bob", hardware_info=json.dumps(before))
        finish(forget(tombstone(name)), connection)

        [report] = [text for (text,) in connection.execute(f"SELECT hardware_info FROM {table} WHERE action = 'M'")]
        assert json.loads(report) == [each.replace("*", REMOVED) for each in after]


def test_a_step_looks_at_one_large_report_or_at_some_small_ones(path: Path) -> None:
    with opened(path) as connection:
        large = [json.dumps({"n": at, "disks": ["x" * 100] * 200}) for at in range(3)]
        small = [json.dumps({"n": at}) for at in range(30)]
        named = [json.dumps({"n": at, "user": "alice"}) for at in range(9)]
        ids = [
            row(connection, "events_today", "M", DAY, f"hardware_{at}", username="bob", hardware_info=report)
            for at, report in enumerate([*large, *small, *named])
        ]
        hiding = Hiding({tombstone("alice"): ["alice"]})
        reports = Reports("events_today", forgotten(tombstone("alice")), hiding)
        ends, found = [0], []
        while ends[-1] < ids[-1]:
            more, end_id = reports.next(connection, ends[-1], ids[-1], most=4)
            ends.append(end_id)
            found.append(len(more))

        assert [ids.index(each) for each in ends[1:]] == [0, 1, 2, 36, 40, 41]
        assert found == [0, 0, 0, 4, 4, 1]


def test_memory_keeps_nothing_of_the_person_and_all_of_the_others(filled: apsw.Connection) -> None:
    announced: list[int] = []
    book = load(filled)
    book.changes = Changes(lambda: announced.append(1))
    finish(forget(tombstone("alice")), filled, book)
    afresh = load(filled)

    assert not [key for key in book.pairs if key.startswith("alice\0")]
    assert {key: pair.event_ids() for key, pair in book.pairs.items()} == {
        key: pair.event_ids() for key, pair in afresh.pairs.items()
    }
    assert announced
    assert book.changes.take() is None, "any machine may have changed"


def test_what_is_applied_is_not_applied_again(filled: apsw.Connection) -> None:
    first, second = tombstone("alice"), tombstone("bob", 2)
    apply(filled, first)
    row(filled, "events_history", "C", DAY, "alice@A1@000001")
    assert finish(forget(first), filled) == 1
    apply(filled, first, second)
    names = "SELECT DISTINCT lower(username) FROM events_history ORDER BY 1"
    assert [name for (name,) in filled.execute(names)] == ["alice", "carol", "dom\\dave"]

    set_mark(filled, FORGOTTEN, "0")  # as after an import
    apply(filled, first, second)
    assert [name for (name,) in filled.execute(names)] == ["carol", "dom\\dave"]


@pytest.mark.parametrize("pseudonym", ["", WHO])
def test_rows_that_come_back_are_there_once(filled: apsw.Connection, tmp_path: Path, pseudonym: str) -> None:
    """An import brings all rows of the archive once more, as far as it does not know them."""
    columns = "username, action, timestamp, hostname, server_timestamp, session_uuid, hardware_info, created_at, origin"
    row(filled, "events_history", "M", DAY, "hardware_x", username="bob", hardware_info='{"accounts": ["alice"]}')
    filled.execute(f"CREATE TABLE back AS SELECT {columns} FROM events_history WHERE lower(username) = 'alice'"
                   " OR hardware_info LIKE '%alice%'")  # fmt: skip
    apply(filled, tombstone("alice", pseudonym=pseudonym))
    expected = built(filled).without_ids
    rows = sorted(map(repr, filled.execute(EVENTS)))
    filled.execute(f"INSERT INTO events_history ({columns}) SELECT {columns} FROM back")
    filled.execute("DROP TABLE back")
    set_mark(filled, FORGOTTEN, "0")
    apply(filled, tombstone("alice", pseudonym=pseudonym))

    assert sorted(map(repr, filled.execute(EVENTS))) == rows
    assert built(filled).without_ids == expected == built_afresh(filled, tmp_path / "afresh.db").without_ids


def test_a_name_that_is_no_text_is_found(path: Path) -> None:
    """Another program may write any bytes."""
    with opened(path) as connection:
        for value in ("CAST(x'c9726963' AS TEXT)", "x'6572696e'", "'É'"):
            for table in ("events_history", "events_today"):
                row(connection, table, "C", DAY, "erin@A1@000001", username="x")
                connection.execute(f"UPDATE {table} SET username = {value} WHERE username = 'x'")
        finish(
            forget(tombstone("\N{REPLACEMENT CHARACTER}ric"), tombstone("erin", 2), tombstone("e\u0301", 3)), connection
        )

        assert connection.execute("SELECT count(*) FROM events_all").get == 0


@pytest.mark.long
@pytest.mark.parametrize("pseudonym", ["", WHO])
@pytest.mark.parametrize("runner", ["running", "alone"])
@pytest.mark.parametrize("moment", ["inside", "committed"])
def test_killed_at_any_step_and_repeated_it_loses_and_doubles_nothing(
    filled: apsw.Connection, path: Path, runner: str, moment: str, pseudonym: str
) -> None:
    filled.close()
    whole = copy(path, "whole.db")
    count = int(_run(whole, runner, -1, "", pseudonym).stdout)
    assert count > 10
    with opened(whole) as connection:
        assert places_of(connection, "alice") == []
        expected, rows = built(connection).without_ids, sorted(map(repr, connection.execute(EVENTS)))
    for at in range(count):
        killed = copy(path, f"killed{at}.db")
        assert _run(killed, runner, at, moment, pseudonym).returncode == -signal.SIGKILL
        again = _run(killed, runner, -1, "", pseudonym)
        assert again.returncode == 0, again.stderr
        with opened(killed) as connection:
            assert connection.pragma("integrity_check") == "ok"
            assert places_of(connection, "alice") == [], f"killed at step {at}"
            assert sorted(map(repr, connection.execute(EVENTS))) == rows, f"killed at step {at}"
            assert built(connection).without_ids == expected, f"killed at step {at}"


def _run(path: Path, runner: str, at: int, moment: str, pseudonym: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.support.forgetting", str(path), runner, str(at), moment, pseudonym]
    return subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
