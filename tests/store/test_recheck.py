"""Rows that another program removes are noticed, at a cost that does not grow with the open sessions."""

import itertools
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.writing import Running, event, logons
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import pair_key
from winlogd.sessions.retries import RecentEvents
from winlogd.store import load_book
from winlogd.store.file import schema
from winlogd.store.recheck import Recheck

PAIRS = 2_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(str(tmp_path / "winlog.db"))) as connection:
        schema.prepare(connection)
        with connection:
            connection.executemany(
                "INSERT INTO events_today (username, action, timestamp, hostname, session_uuid)"
                " VALUES (?1, 'C', '2026-01-13T08:00:00Z', 'A', ?1 || '@A@' || printf('%06x', ?2))",
                ((f"user{number}", number) for number in range(PAIRS)),
            )
        yield connection


@pytest.fixture
def book(database: apsw.Connection) -> Book:
    book = Book(RecentEvents(0.0), Identifiers())
    load_book.load(database, book, time.time())
    return book


def open_users(book: Book) -> set[str]:
    return {session.username for session in book.open_sessions()}


def steps(recheck: Recheck) -> Iterator[None]:
    while recheck.is_due:
        recheck.go_on()
        yield


def test_the_pairs_of_a_batch_are_right_before_all_others_are(database: apsw.Connection, book: Book) -> None:
    database.execute("DELETE FROM events_today WHERE username IN ('user7', 'user1900')")
    recheck = Recheck(database, book)
    recheck.begin()

    recheck.check([pair_key("user1900", "A"), pair_key("stranger", "A")])

    assert "user1900" not in open_users(book)
    assert "user7" in open_users(book)
    assert recheck.is_due


def test_all_pairs_are_looked_at_in_pieces(database: apsw.Connection, book: Book) -> None:
    database.execute("DELETE FROM events_today WHERE id % 2 = 0")
    recheck = Recheck(database, book)
    assert not recheck.is_due
    recheck.begin()

    pieces = sum(1 for _ in steps(recheck))

    assert pieces > 1
    assert len(open_users(book)) == PAIRS // 2


def test_a_program_that_commits_all_the_time_keeps_no_pair_from_its_turn(database: apsw.Connection, book: Book) -> None:
    recheck = Recheck(database, book)
    recheck.begin()
    database.execute("DELETE FROM events_today WHERE username = 'user1999'")

    for _ in itertools.islice(steps(recheck), 2 * PAIRS):
        recheck.begin()  # another program commits after each piece
        if "user1999" not in open_users(book):
            return

    pytest.fail("its turn has never come")


def test_what_is_removed_behind_the_walk_is_found_by_the_next_one(database: apsw.Connection, book: Book) -> None:
    recheck = Recheck(database, book)
    recheck.begin()
    recheck.go_on()
    database.execute("DELETE FROM events_today WHERE username = 'user0'")
    recheck.begin()

    for _ in steps(recheck):
        pass

    assert "user0" not in open_users(book)


def test_a_writer_notices_a_removed_logon_at_its_pairs_next_event_and_without_one(tmp_path: Path) -> None:
    running = Running(tmp_path / "winlog.db")
    running.store(*logons(*(f"user{number}" for number in range(300))))
    running.execute("DELETE FROM events_today WHERE username IN ('user5', 'user250')")

    [orphan] = running.store(event("D", "09:00:00", "user250"))

    assert orphan.session_uuid.startswith("orphan_")
    book = running.book
    deadline_s = time.monotonic() + 30
    while "user5" in open_users(book):
        assert time.monotonic() < deadline_s, "it was never noticed"
        time.sleep(0.01)
    assert len(open_users(book)) == 298
    assert running.stop() is None
