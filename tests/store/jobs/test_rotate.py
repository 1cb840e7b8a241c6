"""Finished rows move to the archive, each exactly once. Open sessions go on."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.store.test_load_book import load
from tests.support.books import remembered
from winlogd.events.event import Event
from winlogd.sessions.book import Book
from winlogd.sessions.pair import pair_key
from winlogd.sessions.pairing import Draft
from winlogd.store.errors import RowsLostError
from winlogd.store.file import schema
from winlogd.store.file.marks import ROTATED_DAY, read_marks
from winlogd.store.jobs.rotate import Rotation, RotationStep
from winlogd.store.jobs.rotation_rules import Rules
from winlogd.store.jobs.steps import Steps

RULES = Rules("2026-01-13T00:00:00", "2026-01-12T01:00:00", 24.0)
EIGHT_ROWS = Steps(1.0, 8, 8)
NOW_S = 1_768_266_000.0  # 2026-01-13T01:00:00Z
COLUMNS = (
    "username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version,"
    " hardware_info, session_uuid, created_at, origin"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def database(path: Path) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(str(path))) as connection:
        schema.prepare(connection)
        yield connection


def store(database: apsw.Connection, action: str, received: str, session: str, **columns: object) -> int:
    """Store a row that was received at ``YYYY-MM-DDTHH:MM:SS``, and return its id."""
    row: dict[str, object] = {"username": "alice", "hostname": "A", "action": action, "session_uuid": session}
    row |= {"timestamp": f"{received}.5Z", "server_timestamp": f"{received}.000000+00:00", "source_ip": "192.0.2.7"}
    row |= {"os_name": "Windows", "created_at": received.replace("T", " ")} | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO events_today ({names}) VALUES ({marks})", tuple(row.values()))
    return database.last_insert_rowid()


def yesterday(database: apsw.Connection, sessions: int) -> None:
    """Store a logon and a logoff of yesterday for each of `sessions` users."""
    for number in range(sessions):
        received = f"2026-01-12T08:{number // 60 % 60:02d}:{number % 60:02d}"
        name = f"user{number}"
        store(database, "C", received, f"{name}@A@1", username=name)
        store(database, "D", received, f"{name}@A@1", username=name)


def today(database: apsw.Connection, sessions: int) -> None:
    """Store `sessions` logons of today."""
    with database:
        for number in range(sessions):
            store(database, "C", "2026-01-13T00:30:00", f"new{number}", username=f"new{number}")


def step(rotation: Rotation, database: apsw.Connection, book: Book) -> RotationStep:
    with database:
        done = rotation.step(database, book, NOW_S)
    rotation.took(done, book, 0.0001)
    return done


def rotate(database: apsw.Connection, book: Book | None = None, day: str | None = None) -> Rotation:
    book = load(database) if book is None else book
    rotation = Rotation(RULES, day)
    while not step(rotation, database, book).is_last:
        pass
    return rotation


def rows(database: apsw.Connection, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in database.execute(f"SELECT {COLUMNS} FROM {table} ORDER BY id")]


def ids(database: apsw.Connection) -> list[object]:
    return [row[0] for row in database.execute("SELECT id FROM events_today ORDER BY id")]


def test_finished_rows_move_in_order_with_all_their_columns(database: apsw.Connection) -> None:
    yesterday(database, 50)
    before = rows(database, "events_today")

    rotation = rotate(database)

    assert rows(database, "events_today") == []
    assert rows(database, "events_history") == before
    assert (rotation.outcome.rows, rotation.outcome.expired, rotation.outcome.kept) == (100, 0, 0)
    assert set(database.execute("SELECT archived_at FROM events_history")) == {("2026-01-13 01:00:00",)}


def test_the_seconds_of_a_rotation_count_from_its_first_step(database: apsw.Connection) -> None:
    yesterday(database, 5)
    rotation = Rotation(RULES, None, EIGHT_ROWS)
    book = load(database)

    assert rotation.outcome.seconds == 0.0  # it waits in the queue
    begun_s = time.monotonic()
    step(rotation, database, book)
    after_one = rotation.outcome.seconds
    step(rotation, database, book)

    assert 0.0 < after_one < rotation.outcome.seconds <= time.monotonic() - begun_s


def test_bytes_that_are_no_utf_8_move_as_they_are(database: apsw.Connection) -> None:
    store(database, "M", "2026-01-12T08:00:00", "hardware_1")
    database.execute("UPDATE events_today SET username = CAST(x'e96c' AS TEXT)")

    rotate(database)

    assert list(database.execute("SELECT hex(username) FROM events_history")) == [("E96C",)]


def test_what_was_received_today_stays(database: apsw.Connection) -> None:
    store(database, "C", "2026-01-12T08:00:00", "s1")
    store(database, "D", "2026-01-13T00:30:00", "s1")

    rotate(database)

    assert ids(database) == [2]


def test_thousands_of_todays_rows_are_passed_over_in_a_few_steps(database: apsw.Connection) -> None:
    store(database, "M", "2026-01-12T08:00:00", "hardware_1")
    today(database, 5_000)
    rotation, book, steps = Rotation(RULES, None), load(database), 1

    while not step(rotation, database, book).is_last:
        steps += 1

    assert rotation.outcome.rows == 1
    assert steps <= 10


def test_a_finished_row_among_many_of_today_moves_too(database: apsw.Connection) -> None:
    """Rows can be in this order if the clock was set back."""
    today(database, 1_000)
    finished = store(database, "M", "2026-01-12T08:00:00", "hardware_1")
    today(database, 1_000)

    rotate(database)

    assert finished not in ids(database)
    assert len(ids(database)) == 2_000


def test_ids_far_apart_take_no_more_steps(database: apsw.Connection) -> None:
    today(database, 5_000)
    database.execute("UPDATE events_today SET id = id * 1000000000")
    rotation, book, steps = Rotation(RULES, None), load(database), 1

    while not step(rotation, database, book).is_last:
        steps += 1

    assert (rotation.outcome.rows, len(ids(database))) == (0, 5_000)
    assert steps <= 10


def test_a_session_that_is_open_across_it_gets_its_logoff(database: apsw.Connection) -> None:
    store(database, "M", "2026-01-12T08:00:00", "hardware_1")
    store(database, "C", "2026-01-12T08:00:00", "s1")
    book = load(database)

    rotation = rotate(database, book)

    assert (ids(database), rotation.outcome.kept) == ([2], 1)
    logoff = Event("alice", "D", "2026-01-13T02:00:00Z", "A", None, None, None, None)
    decision = Draft(book, lambda *_: None, 1).decide(logoff, "")
    assert (decision.session_uuid, decision.event_id) == ("s1", 3)


def test_a_session_that_is_open_for_too_long_is_closed_first(database: apsw.Connection) -> None:
    store(database, "C", "2026-01-10T08:00:00", "s1", hardware_info="{}", os_version="11", kernel_version="26100")
    book = load(database)

    rotation = rotate(database, book)

    assert (rotation.outcome.rows, rotation.outcome.expired) == (1, 1)
    assert rows(database, "events_today") == [
        ("alice", "D", "2026-01-11T08:00:00.5+00:00", "A", None, "2026-01-13T01:00:00.000000+00:00",
         None, None, None, None, "s1", "2026-01-13 01:00:00", "expired")
    ]  # fmt: skip
    assert book.pairs == load(database).pairs == {}
    assert book.last_id == 2
    assert load(database).last_id == 2


def test_what_has_moved_leaves_memory(database: apsw.Connection) -> None:
    yesterday(database, 30)
    store(database, "C", "2026-01-12T08:00:00", "s1")
    book = load(database)
    assert len(book.pairs) == 31

    rotate(database, book)

    assert list(book.pairs) == [pair_key("alice", "A")]
    assert remembered(load(database)) == remembered(book)


def test_ids_are_not_used_again_after_all_rows_have_moved(database: apsw.Connection) -> None:
    yesterday(database, 2)
    book = load(database)

    rotate(database, book)

    assert load(database).last_id == book.last_id == 4


@pytest.mark.parametrize("steps", range(7))  # one step that searches, and six that write
def test_cut_short_at_any_step_it_goes_on_at_the_next(database: apsw.Connection, steps: int) -> None:
    yesterday(database, 20)
    store(database, "C", "2026-01-12T09:00:00", "s1")
    before = rows(database, "events_today")
    book = load(database)
    first = Rotation(RULES, "2026-01-13", EIGHT_ROWS)
    for _ in range(steps):
        assert not step(first, database, book).is_last
    database.execute("BEGIN IMMEDIATE")
    first.step(database, book, NOW_S)
    database.execute("ROLLBACK")
    both = rows(database, "events_history") + rows(database, "events_today")
    assert both == before

    rotate(database)

    assert rows(database, "events_history") + rows(database, "events_today") == before
    assert len(ids(database)) == 1


def test_after_the_database_was_opened_afresh_it_begins_again(database: apsw.Connection) -> None:
    yesterday(database, 20)
    before = rows(database, "events_today")
    rotation, book = Rotation(RULES, None, EIGHT_ROWS), load(database)
    step(rotation, database, book)
    database.execute("BEGIN IMMEDIATE")
    rotation.took(rotation.step(database, book, NOW_S), book, 0.0001)
    database.execute("ROLLBACK")  # the COMMIT fails

    afresh = load(database)
    while not step(rotation, database, afresh).is_last:
        pass

    assert rows(database, "events_history") == before


def test_names_that_a_rollback_has_taken_back_get_other_numbers(database: apsw.Connection) -> None:
    yesterday(database, 20)
    rotation, book = Rotation(RULES, None, EIGHT_ROWS), load(database)
    step(rotation, database, book)
    database.execute("BEGIN IMMEDIATE")
    rotation.step(database, book, NOW_S)
    database.execute("ROLLBACK")
    database.execute("INSERT INTO winlogd_names (kind, name, folded, short) VALUES (4, 'other', 'other', '')")

    while not step(rotation, database, book).is_last:
        pass

    past = """SELECT u.name, h.name FROM winlogd_past p JOIN winlogd_names u ON u.id = p.user AND u.kind = 1
        JOIN winlogd_names h ON h.id = p.host AND h.kind = 2 ORDER BY 1, 2"""
    logons = "SELECT username, hostname FROM events_history WHERE action = 'C' ORDER BY 1, 2"
    assert database.execute(past).fetchall() == database.execute(logons).fetchall() != []


def test_the_day_is_remembered_when_all_has_moved(database: apsw.Connection) -> None:
    yesterday(database, 20)
    book = load(database)
    rotation = Rotation(RULES, "2026-01-13")
    assert ROTATED_DAY not in read_marks(database)
    while not step(rotation, database, book).is_last:
        assert ROTATED_DAY not in read_marks(database)

    assert read_marks(database)[ROTATED_DAY] == "2026-01-13"


@pytest.mark.parametrize("table", ["BEFORE INSERT ON events_history", "BEFORE DELETE ON events_today"])
def test_rows_that_a_trigger_keeps_back_are_neither_lost_nor_doubled(database: apsw.Connection, table: str) -> None:
    yesterday(database, 3)
    before = rows(database, "events_today")
    database.execute(f"CREATE TRIGGER keep {table} BEGIN SELECT RAISE(IGNORE); END")

    with pytest.raises(RowsLostError):
        rotate(database)

    assert rows(database, "events_today") == before
    assert rows(database, "events_history") == []


@pytest.mark.long
def test_steps_become_larger_while_they_are_quick(database: apsw.Connection) -> None:
    yesterday(database, 400)
    book = load(database)
    rotation = Rotation(RULES, None)
    begun_s = time.monotonic()
    steps = 1
    while not step(rotation, database, book).is_last:
        steps += 1

    assert steps < 800 / 8
    assert 0 < rotation.outcome.seconds <= time.monotonic() - begun_s + 1


# ── pairs and identifiers ─────────────────────────────────────────────────────────────────────────────────


def test_what_has_moved_leaves_memory_whatever_its_spelling(database: apsw.Connection) -> None:
    for number, (username, hostname) in enumerate([("Alice", "PC-05"), ("alice", "pc-05."), ("ALICE", "Pc-05")]):
        store(database, "M", "2026-01-12T08:00:00", f"h{number}", username=username, hostname=hostname)
    book = load(database)
    assert len(book.pairs) == 1

    rotate(database, book)

    assert book.pairs == load(database).pairs == {}


def test_an_open_session_is_kept_whatever_its_spelling(database: apsw.Connection) -> None:
    store(database, "C", "2026-01-12T08:00:00", "Alice@PC-05.@1", username="Alice", hostname="PC-05.")
    book = load(database)

    rotation = rotate(database, book)

    assert (ids(database), rotation.outcome.kept) == ([1], 1)


def test_what_was_remembered_of_whole_seconds_leaves_memory(database: apsw.Connection) -> None:
    for action in "CDCD":
        store(database, action, "2026-01-12T08:00:00", "s1", timestamp="2026-01-12T08:00:00Z")
    book = load(database)
    assert book.pairs[pair_key("alice", "A")].connection.stored is None

    rotate(database, book)

    assert book.pairs == {}


@pytest.mark.parametrize("username", ["alice", "bob"])
@pytest.mark.parametrize("steps", [EIGHT_ROWS, Steps(1.0, 1, 1)])
def test_sessions_that_share_an_identifier_are_closed_by_one_logoff(
    database: apsw.Connection, steps: Steps, username: str
) -> None:
    store(database, "C", "2026-01-10T08:00:00", "alice@A@000001")
    store(database, "C", "2026-01-10T09:00:00", "alice@A@000001", username=username)
    store(database, "C", "2026-01-13T00:30:00", "alice@A@000001", hostname="B")
    book = load(database)
    rotation = Rotation(RULES, None, steps)

    while not step(rotation, database, book).is_last:
        assert open_in_view(database) == open_in(book)

    assert (rotation.outcome.expired, rotation.outcome.rows) == (1, 2)
    assert [row[2] for row in database.execute("SELECT * FROM events_today ORDER BY id")] == ["C", "D"]
    assert open_in(book) == open_in_view(database) == open_in(load(database)) == []


@pytest.mark.parametrize("steps", [EIGHT_ROWS, Steps(1.0, 1, 1)])
@pytest.mark.parametrize("received", ["2026-01-13T00:30:00", "2026-01-12T10:00:00"])
def test_a_logon_that_used_an_identifier_again_is_open_when_the_logoff_before_it_has_moved(
    database: apsw.Connection, received: str, steps: Steps
) -> None:
    store(database, "C", "2026-01-12T08:00:00", "alice@A@000001")
    store(database, "D", "2026-01-12T09:00:00", "alice@A@000001")
    store(database, "C", received, "alice@A@000001")
    book = load(database)
    rotation = Rotation(RULES, None, steps)

    while not step(rotation, database, book).is_last:
        assert open_in_view(database) == open_in(book)

    assert open_in_view(database) == open_in(book) == open_in(load(database))
    assert ids(database) == [session for session, _ in open_in(book)]
    assert book.reused == {}


def open_in(book: Book) -> list[tuple[object, ...]]:
    return sorted((session.event_id, session.session_uuid) for session in book.open_sessions())


def open_in_view(database: apsw.Connection) -> list[tuple[object, ...]]:
    """Find the ids by the other columns: the view has no id."""
    rows = database.execute("""SELECT c.id, c.session_uuid FROM open_sessions o JOIN events_today c
        ON (c.username, c.hostname, c.timestamp, c.session_uuid) =
           (o.username, o.hostname, o.connected_at, o.session_uuid) WHERE c.action = 'C' ORDER BY c.id""")
    return [tuple(row) for row in rows]
