import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.books import latest, remembered
from winlogd.events.event import Event
from winlogd.events.timestamps import utc_text
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import ACTIONS, Decision, OpenSession, PairKey, System, pair_key
from winlogd.sessions.pairing import Draft
from winlogd.sessions.retries import RecentEvents
from winlogd.store import load_book
from winlogd.store.file import schema
from winlogd.store.past import runs
from winlogd.store.recheck import Recheck

ALICE = pair_key("alice", "A")
NO_HOST = pair_key("alice", None)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[apsw.Connection]:
    """Return an empty database of winlogd's."""
    with closing(apsw.Connection(str(tmp_path / "winlog.db"))) as connection:
        schema.prepare(connection)
        yield connection


def store(database: apsw.Connection, action: str, time: str, session: str | None, **columns: object) -> int:
    """Store a row as another program does, and return its id."""
    row: dict[str, object] = {"username": "alice", "hostname": "A", "action": action, "session_uuid": session}
    row |= {"timestamp": f"2026-01-13T{time}Z", "server_timestamp": f"2026-01-13T{time}.000000+00:00"} | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO events_today ({names}) VALUES ({marks})", tuple(row.values()))
    return database.last_insert_rowid()


def load(database: apsw.Connection, now_s: float = 1.8e9) -> Book:
    book = Book(RecentEvents(0.0), Identifiers())
    load_book.load(database, book, now_s)
    return book


def refresh(database: apsw.Connection, book: Book) -> None:
    """Do all at once that the writer does after another program has committed."""
    load_book.refresh(database, book)
    recheck = Recheck(database, book)
    recheck.begin()
    while recheck.is_due:
        recheck.go_on()


def open_ids(book: Book) -> list[int]:
    return sorted(session.event_id for session in book.open_sessions())


def known(book: Book) -> list[PairKey]:
    return [
        key
        for key, pair in book.pairs.items()
        if pair.open or any(pair.of(action).stored is not None for action in ACTIONS)
    ]


def recent(book: Book, key: PairKey, action: str, time: str) -> list[int]:
    return book.recent.find(hash((key, action, f"2026-01-13T{time}Z")))


# ── load ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_database_gives_an_empty_book(database: apsw.Connection) -> None:
    book = load(database)

    assert (book.pairs, book.last_id) == ({}, 0)


def test_open_sessions_and_each_pairs_latest_events_are_loaded(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "s1")
    store(database, "D", "09:00:00", "s1", origin="auto")
    store(database, "C", "09:00:01", "s2", os_name="Windows", os_version="11", source_ip="192.0.2.1")
    store(database, "M", "09:00:02", "h1")
    store(database, "D", "07:00:00", "o1", username="bob")

    book = load(database)

    session = OpenSession(3, "s2", "2026-01-13T09:00:01Z", "alice", "A", "192.0.2.1", System("Windows", "11"))
    logon, inventory = "2026-01-13T09:00:01Z", "2026-01-13T09:00:02Z"
    orphan = "2026-01-13T07:00:00Z"
    nothing = (None, "")
    assert remembered(book) == {
        ALICE: ((session,), {"C": ((3, logon, "s2"), logon), "D": nothing, "M": ((4, inventory, "h1"), inventory)}),
        pair_key("bob", "A"): ((), {"C": nothing, "D": ((5, orphan, "o1"), orphan), "M": nothing}),
    }
    assert book.last_id == 5


def test_of_several_open_sessions_the_latest_instant_is_last(database: apsw.Connection) -> None:
    for timestamp in ("2026-01-13T12:00:00+05:00", "2026-01-13T08:00:00Z", "2026-01-13T07:30:00Z"):
        store(database, "C", "", timestamp, timestamp=timestamp)

    assert [session.event_id for session in load(database).pairs[ALICE].open] == [1, 3, 2]


def test_no_host_an_empty_one_and_unknown_are_one_pair(database: apsw.Connection) -> None:
    for number, hostname in enumerate(["unknown", None, "", "unknown", None]):
        store(database, "C", f"08:00:0{number}", f"s{number}", hostname=hostname)

    book = load(database)

    assert list(book.pairs) == [pair_key("alice", "unknown")]
    assert len(book.pairs[pair_key("alice", "unknown")].open) == 5
    logon = "2026-01-13T08:00:04Z"
    assert latest(book.pairs[pair_key("alice", "unknown")], "C") == ((5, logon, "s4"), logon)


def test_the_last_id_counts_rows_that_are_gone(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "s1", id=41)
    database.execute("DELETE FROM events_today")

    assert load(database).last_id == 41


def test_events_of_the_last_ten_minutes_are_remembered(database: apsw.Connection) -> None:
    now_s = time.time()
    for number, age_s in enumerate([601, 599, 300, 0]):
        received_at = utc_text(now_s - age_s)
        store(database, "C", f"08:00:0{number}", f"s{number}", server_timestamp=received_at)
        store(database, "D", f"08:00:0{number}", f"s{number}", server_timestamp=received_at, origin="auto")

    book = load(database, now_s)

    assert [recent(book, ALICE, "C", f"08:00:0{number}") for number in range(4)] == [[], [3], [5], [7]]
    assert [recent(book, ALICE, "D", f"08:00:0{number}") for number in range(4)] == [[], [], [], []]


def test_a_row_that_an_administrator_wrote_hides_no_recent_event(database: apsw.Connection) -> None:
    now_s = time.time()
    store(database, "C", "08:00:00", "s1", server_timestamp=utc_text(now_s))
    database.execute(
        "INSERT INTO events_today (username, action, timestamp) VALUES ('bob', 'D', '2026-01-13T08:00:00Z')"
    )
    store(database, "D", "09:00:00", "s1", server_timestamp=None)

    assert recent(load(database, now_s), ALICE, "C", "08:00:00") == [1]


MINUTE_S = 60.0
HOUR_S = 3600.0
YEAR_S = 365 * 24 * HOUR_S


@pytest.mark.parametrize("newest", [1, 1_000])
@pytest.mark.parametrize("received", [utc_text(0), "2020-01-01 08:00:00", "1768291200", "2 hours ago", None])
def test_later_rows_with_an_old_time_of_receipt_hide_no_recent_event(
    database: apsw.Connection, newest: int, received: str | None
) -> None:
    """An administrator wrote the rows, or the clock was set back and then right again."""
    now_s = time.time()
    if received == "2 hours ago":
        received = utc_text(now_s - 2 * HOUR_S)
    store(database, "C", "08:00:00", "s1", server_timestamp=utc_text(now_s - 9 * MINUTE_S))
    with database:
        for number in range(newest):
            store(database, "M", "09:00:00", f"h{number}", username="bob", server_timestamp=received)
    store(database, "C", "10:00:00", "s2", server_timestamp=received)

    book = load(database, now_s)

    assert recent(book, ALICE, "C", "08:00:00") == [1]
    assert recent(book, ALICE, "C", "10:00:00") == [newest + 2]  # it came after an event that is certainly recent
    assert book.pairs[ALICE].connection.highest == "2026-01-13T10:00:00Z"


@pytest.mark.parametrize("ahead_s", [30 * MINUTE_S, YEAR_S])
def test_an_event_that_was_received_in_the_future_is_remembered(database: apsw.Connection, ahead_s: float) -> None:
    """The clock was ahead. The events that came after it was set right are old now."""
    now_s = time.time()
    store(database, "C", "08:00:00", "s1", server_timestamp=utc_text(now_s + ahead_s))
    store(database, "C", "09:00:00", "s2", server_timestamp=utc_text(now_s - HOUR_S))

    book = load(database, now_s)

    assert recent(book, ALICE, "C", "08:00:00") == [1]
    assert recent(book, ALICE, "C", "09:00:00") == []


def test_of_rows_that_are_all_old_none_is_remembered(database: apsw.Connection) -> None:
    now_s = time.time()
    for number in range(3):
        store(database, "C", f"08:00:0{number}", f"s{number}", server_timestamp=utc_text(now_s - HOUR_S))

    assert not load(database, now_s).recent.reaches(3)


def test_all_spellings_of_a_name_are_one_pair(database: apsw.Connection) -> None:
    store(database, "C", "09:00:00", "s1", username="Alice", hostname="a.")
    store(database, "C", "08:00:00", "s2", username="ALICE")
    store(database, "C", "08:30:00", "s3", username="\u00e9lise", hostname="\u00c9")
    store(database, "C", "08:30:01", "s4", username="E\u0301LISE", hostname="e\u0301")
    store(database, "C", "08:30:00", "s5", username="DOM\\alice")

    book = load(database)

    assert set(book.pairs) == {ALICE, pair_key("\u00e9lise", "\u00e9"), pair_key("DOM\\alice", "A")}
    assert latest(book.pairs[ALICE], "C") == ((2, "2026-01-13T08:00:00Z", "s2"), "2026-01-13T09:00:00Z")
    assert [session.event_id for session in book.pairs[ALICE].open] == [2, 1]
    assert [session.username for session in book.pairs[ALICE].open] == ["ALICE", "Alice"]


@pytest.mark.parametrize("noticed_later", [False, True])
@pytest.mark.parametrize(
    ("actions", "is_retry"),
    [("CDC", False), ("DCD", False), ("CDCC", True), ("CDMC", False), ("CC", True), ("DD", True), ("CMC", True)],
)
def test_a_restart_knows_who_logs_on_and_off_within_a_whole_second(
    database: apsw.Connection, actions: str, is_retry: bool, noticed_later: bool
) -> None:
    """Store all events but the last. The opposite event has another spelling of the names."""
    book = load(database)
    for action in actions[:-1]:
        names = {} if action == actions[-1] else {"username": "ALICE", "hostname": "a."}
        store(database, action, "08:00:00", f"{action}1", **names)
    if noticed_later:
        refresh(database, book)
    else:
        book = load(database)

    assert sent_again(database, book, actions[-1]).is_retry is is_retry


def sent_again(database: apsw.Connection, book: Book, action: str, timestamp: str = "2026-01-13T08:00:00Z") -> Decision:
    event = Event("alice", action, timestamp, "A", None, None, None, None)
    return Draft(book, lambda *key: load_book.read_stored(database, *key), 1).decide(event, "")


@pytest.mark.parametrize("username", ["alice", "\u00e9lise"])
def test_a_restart_knows_an_opposite_action_though_others_came_after_it(
    database: apsw.Connection, username: str
) -> None:
    for action, second in (("C", 0), ("D", 0), ("D", 1), ("M", 1)):
        store(database, action, f"08:00:0{second}", f"s{second}", username=username)
        username = username.upper()
    book = load(database)

    event = Event(username, "C", "2026-01-13T08:00:00Z", "A", None, None, None, None)
    assert not Draft(book, lambda *_: None, 1).decide(event, "").is_retry


@pytest.mark.parametrize(
    "columns",
    [
        {"origin": "auto"},
        {"timestamp": "2026-01-13T08:00:00.0Z"},
        {"timestamp": "2026-01-13T08:00:01Z"},
        {"username": "bob"},
        {"hostname": "B"},
        {"id": 1},
    ],
)
def test_a_restart_takes_nothing_else_for_an_opposite_action(
    database: apsw.Connection, columns: dict[str, object]
) -> None:
    store(database, "C", "08:00:00", "s1", id=2)
    store(database, "D", "08:00:00", "s1", **columns)
    store(database, "D", "08:00:02", "o1")

    decision = sent_again(database, load(database), "C")

    assert (decision.is_retry, decision.event_id) == (True, 2)


def test_with_a_fraction_a_restart_keeps_the_retry(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00.000", "s1")
    store(database, "D", "08:00:00.000", "s1")

    assert sent_again(database, load(database), "C", "2026-01-13T08:00:00.000Z").is_retry


def test_of_several_like_it_a_retry_after_a_restart_is_one_of_the_latest(database: apsw.Connection) -> None:
    now_s = time.time()
    for action, second in (("C", 0), ("D", 0), ("C", 0), ("C", 1)):
        received = utc_text(now_s)
        store(database, action, f"08:00:0{second}", f"{action}{second}", server_timestamp=received)

    decision = sent_again(database, load(database, now_s), "C")

    assert (decision.is_retry, decision.event_id) == (True, 3)


def test_logons_that_share_an_identifier_are_known_at_a_restart(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "alice@A@000001")
    store(database, "C", "08:00:00", "alice@A@000001", username="bob")

    book = load(database)

    assert open_ids(book) == [1, 2]
    book.close(ALICE, "alice@A@000001")
    assert open_ids(book) == []


def test_a_logon_that_came_after_a_logoff_of_its_identifier_is_not_open(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "s1")
    store(database, "D", "09:00:00", "s1")
    store(database, "C", "10:00:00", "s1")

    for book in (load(database), Book(RecentEvents(0.0), Identifiers())):
        refresh(database, book)
        assert open_ids(book) == []
        assert [session.event_id for session in book.reused["s1"]] == [3]


def test_identifiers_that_are_in_the_table_are_not_drawn_again(database: apsw.Connection) -> None:
    draw = ("alice", "A", "2026-01-13", 1)
    used = Identifiers().draw(*draw)

    for action, session in (("C", used), ("D", used), ("D", f"orphan_{used}")):
        database.execute("DELETE FROM events_today")
        store(database, action, "08:00:00", session)
        assert load(database).identifiers.draw(*draw) != used


@pytest.mark.parametrize(
    "columns",
    [
        {"timestamp": "1768291200"},  # SQLite stores it as a number in a DATETIME column
        {"timestamp": 17.5},
        {"timestamp": "noon"},
        {"timestamp": "2026-01-13 08:00:00"},
        {"server_timestamp": None},
        {"server_timestamp": "1768291200"},
        {"hostname": None},
        {"hostname": 7},
        {"username": 7},
        {"session_uuid": None},
        {"session_uuid": "x"},
        {"source_ip": "", "os_name": ""},
    ],
)
def test_an_odd_row_of_another_program_stops_nothing(database: apsw.Connection, columns: dict[str, object]) -> None:
    store(database, "C", "08:00:00", "s1", **columns)
    store(database, "C", "08:00:00", "s2", username="bob")

    assert_bobs_session_is_found_and_alice_may_log_on(database)


@pytest.mark.parametrize(
    "column", ["timestamp", "server_timestamp", "hostname", "username", "session_uuid", "source_ip", "os_name"]
)
@pytest.mark.parametrize("action", ["C", "D"])
def test_text_that_is_not_utf_8_stops_nothing(database: apsw.Connection, action: str, column: str) -> None:
    store(database, action, "08:00:00", "s1")
    store(database, "C", "08:00:00", "s2", username="bob")
    database.execute(f"UPDATE events_today SET {column} = CAST(X'E9' AS TEXT) WHERE id = 1")  # Latin-1's e acute

    assert_bobs_session_is_found_and_alice_may_log_on(database)


def assert_bobs_session_is_found_and_alice_may_log_on(database: apsw.Connection) -> None:
    """The result is the same if the rows are there at the start, or are noticed later."""
    for book in (load(database), Book(RecentEvents(0.0), Identifiers())):
        refresh(database, book)
        draft = Draft(book, lambda *key: load_book.read_stored(database, *key), 1)
        decision = draft.decide(Event("alice", "C", "2026-01-13T09:00:00Z", "A", None, None, None, None), "")

        assert 2 in open_ids(book)
        assert not decision.is_retry


# ── refresh ───────────────────────────────────────────────────────────────────────────────────────────────


def test_new_rows_are_taken_in(database: apsw.Connection) -> None:
    book = load(database)
    store(database, "C", "08:00:00", "s1")
    store(database, "C", "08:00:00", "s2", username="bob")
    store(database, "D", "09:00:00", "s2", username="bob")

    refresh(database, book)

    assert open_ids(book) == [1]
    assert remembered(book) == remembered(load(database))
    assert book.last_id == 3


def test_a_logoff_that_was_added_closes_the_session(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "s1")
    store(database, "C", "08:00:00", "s2", username="bob")
    book = load(database)
    store(database, "D", "09:00:00", "s1", username="whoever", hostname="wherever", origin="auto")

    refresh(database, book)

    assert open_ids(book) == [2]
    assert remembered(book) == remembered(load(database))


def test_rows_that_are_gone_are_forgotten(database: apsw.Connection) -> None:
    for user in ("alice", "bob"):
        store(database, "C", "08:00:00", f"{user}1", username=user)
        store(database, "D", "09:00:00", f"{user}1", username=user)
        store(database, "C", "10:00:00", f"{user}2", username=user)
    book = load(database)
    database.execute("DELETE FROM events_today WHERE username = 'bob' OR action = 'D'")

    refresh(database, book)

    assert book.pairs[ALICE].disconnection.stored is None
    assert open_ids(book) == [3]
    assert known(book) == [ALICE]


def test_nothing_is_left_when_the_whole_table_was_moved(database: apsw.Connection) -> None:
    for number in range(5):
        store(database, "C", "08:00:00", f"s{number}", username=f"user{number}")
    book = load(database)
    database.execute("DELETE FROM events_today")
    store(database, "D", "09:00:00", "s3", username="user3")

    refresh(database, book)

    assert known(book) == [pair_key("user3", "A")]
    assert (open_ids(book), book.last_id) == ([], 6)


def test_refreshing_when_nothing_has_changed_changes_nothing(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "s1")
    book = load(database)
    before = dict(book.pairs)

    refresh(database, book)

    assert (book.pairs, book.last_id) == (before, 1)


def test_an_identifier_that_another_program_opened_is_not_drawn_again(database: apsw.Connection) -> None:
    draw = ("alice", "A", "2026-01-13", 1)
    book = load(database)
    store(database, "C", "08:00:00", Identifiers().draw(*draw))

    refresh(database, book)

    assert book.identifiers.draw(*draw) != Identifiers().draw(*draw)


# ── read_stored ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_stored_event_is_read_if_it_is_the_one(database: apsw.Connection) -> None:
    store(database, "C", "08:00:00", "s1")
    store(database, "C", "08:00:00", "s2", hostname=None)
    store(database, "D", "08:00:00", "s1", origin="auto")
    timestamp = "2026-01-13T08:00:00Z"

    assert load_book.read_stored(database, 1, ALICE, "C", timestamp) == Decision(timestamp, 1, "s1")
    assert load_book.read_stored(database, 2, NO_HOST, "C", timestamp) == Decision(timestamp, 2, "s2")
    assert load_book.read_stored(database, 1, pair_key("bob", "A"), "C", timestamp) is None
    assert load_book.read_stored(database, 1, NO_HOST, "C", timestamp) is None
    assert load_book.read_stored(database, 1, ALICE, "D", timestamp) is None
    assert load_book.read_stored(database, 1, ALICE, "C", "2026-01-13T08:00:00.0Z") is None
    assert load_book.read_stored(database, 3, ALICE, "D", timestamp) is None
    assert load_book.read_stored(database, 4, ALICE, "C", timestamp) is None


@pytest.mark.parametrize("table", ["events_today", "events_history"])
def test_a_stored_event_is_read_in_whatever_spelling_it_came(database: apsw.Connection, table: str) -> None:
    event_id = store(database, "C", "08:00:00", "s1", username="\u00c9lise", hostname="PC-05.")
    store(database, "C", "08:00:00", "s2", username="\u00c9lise", hostname="PC-06")
    if table == "events_history":
        columns = "username, hostname, action, timestamp, session_uuid"
        database.execute(f"INSERT INTO events_history ({columns}) SELECT {columns} FROM events_today")
        database.execute("DELETE FROM events_today")
        runs.note_moved(database, [event_id, event_id + 1], 1, 0.0)
    timestamp = "2026-01-13T08:00:00Z"

    for username, hostname in (("e\u0301lise", "pc-05"), ("\u00c9LISE", "PC-05")):
        found = load_book.read_stored(database, event_id, pair_key(username, hostname), "C", timestamp)
        assert found == Decision(timestamp, event_id, "s1")
    assert load_book.read_stored(database, event_id, pair_key("elise", "pc-05"), "C", timestamp) is None
