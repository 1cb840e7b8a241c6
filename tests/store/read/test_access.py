"""A reader's connection: read-only, one state a snapshot, and whole again after each fault."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from tests.support.reading import FOR_EVER, SESSIONS, rows_of, settings_of
from winlogd.store.errors import PastChangedError, QuestionRefusedError, QuestionTooLongError, ReplacedError
from winlogd.store.file import schema
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits
from winlogd.store.read.tail import PIECE_ROWS

INSERT = """INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)
    WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
    SELECT 'user' || (i % 100), 'C', '2026-01-13T08:00:00Z', 'A102', '2026-01-13T08:00:00+00:00', 'user@' || i FROM n"""
COUNT = "SELECT count(*) FROM temp.today_sessions"


@pytest.fixture
def other(path: Path) -> Iterator[apsw.Connection]:
    """Another program's connection to an empty database of winlogd."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        schema.prepare(connection)
        yield connection


@pytest.fixture
def access(path: Path, other: apsw.Connection) -> Iterator[Access]:
    opened = an_access(path)
    opened.begin_question()
    yield opened
    opened.close()


def an_access(path: Path, is_stopping: bool = False, **limits: float) -> Access:
    return Access(settings_of(path), Limits(**limits), lambda: is_stopping)  # type: ignore[arg-type]  # all are numbers


def add_rows(other: apsw.Connection, count: int, first: int = 0) -> None:
    other.execute(INSERT, (first, first + count))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO winlogd_meta VALUES ('key', 'value')",
        "DELETE FROM events_today",
        "CREATE TABLE main.of_a_reader (id)",
        "PRAGMA user_version = 9",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
    ],
)
def test_a_question_cannot_change_the_database(access: Access, other: apsw.Connection, statement: str) -> None:
    add_rows(other, 3)
    data_version = other.pragma("data_version")
    with suppress(apsw.Error):  # some are ignored without an error
        rows_of(access, statement)
    assert other.pragma("data_version") == data_version
    assert other.pragma("user_version") == schema.SCHEMA_VERSION
    assert other.pragma("journal_mode") == "wal"
    assert other.execute("SELECT count(*) FROM events_today").get == 3
    assert rows_of(access, COUNT) == [(3,)]


def test_all_statements_of_a_snapshot_see_one_state(access: Access, other: apsw.Connection) -> None:
    add_rows(other, 1)
    with access.snapshot() as connection:
        for _ in range(2):
            assert connection.execute("SELECT count(*) FROM events_today").get == 1
            assert connection.execute(COUNT).get == 1
            add_rows(other, 1, other.last_insert_rowid())
    assert rows_of(access, COUNT) == [(3,)]


def test_between_snapshots_nothing_is_held(access: Access, other: apsw.Connection) -> None:
    add_rows(other, 5)
    rows_of(access, SESSIONS)
    assert not access.is_reading
    add_rows(other, 5, 5)
    assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def test_a_cursor_that_was_not_read_to_its_end_is_noticed(access: Access, other: apsw.Connection) -> None:
    add_rows(other, 5)
    with access.snapshot() as connection:
        cursor = connection.execute("SELECT id FROM events_today")
        next(cursor)
    assert access.is_reading
    cursor.close()
    assert not access.is_reading


def test_rows_beyond_one_piece_are_read_before_the_snapshot(access: Access, other: apsw.Connection) -> None:
    add_rows(other, 3 * PIECE_ROWS + 1)
    assert rows_of(access, COUNT) == [(3 * PIECE_ROWS + 1,)]


@pytest.mark.long
def test_far_behind_questions_are_refused_until_the_rows_are_read(access: Access, other: apsw.Connection) -> None:
    add_rows(other, 52_000)
    refused = 0
    while True:
        try:
            assert rows_of(access, COUNT) == [(52_000,)]
            break
        except QuestionRefusedError:
            refused += 1
    assert refused == 1, "a refused question reads a piece"
    assert not access.catch_up()


def test_high_ids_alone_do_not_count_as_rows_to_be_read(access: Access, other: apsw.Connection) -> None:
    other.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events_today', 5000000)")
    add_rows(other, 10)
    assert rows_of(access, COUNT) == [(10,)]


@pytest.mark.parametrize("statement", [FOR_EVER, f"SELECT (SELECT count(*) FROM temp.today_sessions), ({FOR_EVER})"])
def test_a_statement_that_was_interrupted_takes_no_row_of_today_with_it(
    path: Path, other: apsw.Connection, statement: str
) -> None:
    add_rows(other, PIECE_ROWS + 5)
    with closing(an_access(path, snapshot_s=0.01)) as access:
        with pytest.raises(QuestionTooLongError):
            rows_of(access, statement)
        add_rows(other, 5, PIECE_ROWS + 5)
        assert rows_of(access, f"SELECT count(*) FROM ({SESSIONS})") == [(PIECE_ROWS + 10,)]


def test_a_stop_interrupts_a_statement(path: Path, other: apsw.Connection) -> None:
    with closing(an_access(path, is_stopping=True)) as access, pytest.raises(QuestionRefusedError):
        rows_of(access, FOR_EVER)


def test_a_fault_in_the_middle_of_reading_today_leaves_nothing_half(access: Access, other: apsw.Connection) -> None:
    """The memory for the temporary tables ends: SQLite rolls the transaction back by itself (SQLITE_FULL)."""
    rows_of(access, COUNT)
    connection = access._connection
    pages = int(str(connection.execute("PRAGMA temp.page_count").get))
    connection.execute(f"PRAGMA temp.max_page_count = {pages + 5}")
    add_rows(other, PIECE_ROWS)
    for _ in range(2):
        with pytest.raises(apsw.FullError):
            rows_of(access, COUNT)
        assert connection.execute(COUNT).get == 0
        assert connection.execute("SELECT count(*) FROM temp.today_names").get == 0
    connection.execute("PRAGMA temp.max_page_count = 1000000")
    assert rows_of(access, f"SELECT count(*) FROM ({SESSIONS})") == [(PIECE_ROWS,)]


def test_a_lock_while_today_is_read_leaves_nothing_half(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as other:
        schema.prepare(other)
        add_rows(other, 5)
        access = Access(settings_of(path, "DELETE", 10), Limits(), lambda: False)
        with closing(access):
            assert rows_of(access, COUNT) == [(5,)]
            other.execute("BEGIN EXCLUSIVE")
            add_rows(other, 5, 5)
            for _ in range(2):
                with pytest.raises(apsw.BusyError):
                    rows_of(access, COUNT)
            other.execute("COMMIT")
            assert rows_of(access, COUNT) == [(10,)]


def test_a_rolled_back_snapshot_reads_its_rows_of_today_again(access: Access, other: apsw.Connection) -> None:
    for number in range(3):
        add_rows(other, 5, 5 * number)
        seen = []
        with suppress(ZeroDivisionError), access.snapshot() as connection:
            seen = connection.execute(COUNT).fetchall()
            raise ZeroDivisionError
        assert seen == [(5 * (number + 1),)]
    assert rows_of(access, COUNT) == [(15,)]


def test_a_question_of_pieces_ends_at_its_time(path: Path, other: apsw.Connection) -> None:
    with closing(an_access(path, question_s=0.01, piece_s=0.0)) as access:
        access.begin_question()
        with access.snapshot():
            assert access.is_piece_over()
        time.sleep(0.01)
        with pytest.raises(QuestionTooLongError, match="it takes too long"):
            access.is_piece_over()


@pytest.mark.parametrize(("journal_mode", "is_over"), [("WAL", False), ("DELETE", True)])
def test_pieces_are_shorter_where_a_reader_holds_a_commit_up(
    path: Path, other: apsw.Connection, journal_mode: str, is_over: bool
) -> None:
    limits = Limits(piece_s=1e6, piece_beside_commits_s=0.0)
    with closing(Access(settings_of(path, journal_mode), limits, lambda: False)) as access:
        access.begin_question()
        with access.snapshot():
            assert access.is_piece_over() is is_over


def test_the_defaults_are_what_is_promised() -> None:
    assert Limits() == (64, 4, 10.0, 1.0, 0.5, 0.1, 600.0, 20 << 20, 0.05)


def test_a_file_that_is_not_a_database_is_an_error_and_leaves_nothing_open(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be one" * 1000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(apsw.NotADBError), closing(an_access(path)) as access:
            rows_of(access, COUNT)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_is_replaced_between_two_questions_is_noticed(path: Path, access: Access) -> None:
    path.rename(path.with_name("kept"))
    with pytest.raises(ReplacedError):
        access.begin_question()


def test_the_progress_of_the_past_and_its_epoch_are_told(access: Access, other: apsw.Connection) -> None:
    assert access.history() == "complete"
    assert access.epoch() == 1
    change_epoch(other)
    access.begin_question()
    assert access.epoch() == 2


def change_epoch(other: apsw.Connection) -> None:
    other.execute("UPDATE winlogd_meta SET value = value + 1 WHERE key = 'past_epoch'")


def test_a_question_sees_one_epoch_in_all_its_snapshots(access: Access, other: apsw.Connection) -> None:
    epoch = access.epoch()
    rows_of(access, COUNT)
    change_epoch(other)
    with pytest.raises(PastChangedError):
        rows_of(access, COUNT)
    with pytest.raises(PastChangedError):
        access.epoch()
    access.begin_question()
    rows_of(access, COUNT)
    assert access.epoch() == epoch + 1


def test_the_configured_cache_is_the_readers_too(path: Path, other: apsw.Connection) -> None:
    with closing(Access(settings_of(path, cache_size=-77), Limits(), lambda: False)) as access:
        assert rows_of(access, "PRAGMA cache_size") == [(-77,)]


@pytest.mark.parametrize(("busy_timeout_ms", "question_s"), [(20, 1e6), (10**9, 0.02)])
def test_a_lock_is_waited_for_as_long_as_is_configured_and_the_question_may_take(
    path: Path, busy_timeout_ms: int, question_s: float
) -> None:
    with closing(apsw.Connection(str(path))) as other:
        schema.prepare(other)
        settings = settings_of(path, "DELETE", busy_timeout_ms)
        with closing(Access(settings, Limits(question_s=question_s), lambda: False)) as access:
            other.execute("BEGIN EXCLUSIVE")
            access.begin_question()
            begun_s = time.monotonic()
            with pytest.raises(apsw.BusyError):
                rows_of(access, COUNT)
            assert time.monotonic() - begun_s >= 0.02
            other.execute("ROLLBACK")
