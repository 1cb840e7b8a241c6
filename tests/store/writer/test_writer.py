import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import apsw
import pytest

from tests.support.books import remembered
from tests.support.writing import Ear, Running, event, logons
from winlogd.events.event import Event
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import Decision
from winlogd.sessions.retries import RecentEvents
from winlogd.store import load_book
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import Rules
from winlogd.store.jobs.steps import Steps
from winlogd.store.submission import Result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def running(path: Path) -> Iterator[Running]:
    """Start a writer on an empty database, and stop it at the end."""
    running = Running(path)
    yield running
    running.writer.stop()


def test_an_event_is_stored_with_all_that_is_known_of_it(running: Running) -> None:
    [logon] = running.store(event("C", "08:00:00.123456789").replaced(hardware_info='{"cpu_count":8}'))

    [row] = running.rows()
    received_at, created_at = row[6], row[12]
    assert row == (
        1, "alice", "C", "2026-01-13T08:00:00.123456789Z", "A102-07", "192.0.2.1", received_at,
        "Windows", "11", "26100", '{"cpu_count":8}', logon.session_uuid, created_at, "client",
    )  # fmt: skip
    assert logon.event_id == 1
    # The database's own clock agrees with both times, and with their forms.
    ages = "SELECT julianday() - julianday(server_timestamp), julianday() - julianday(created_at) FROM events_today"
    assert all(0 <= age_days < 1 for age_days in running.rows(ages)[0])
    assert len(received_at) == len("2026-01-13T08:00:00.123456+00:00")
    assert len(created_at) == len("2026-01-13 08:00:00")


def test_a_new_logon_stores_the_automatic_logoff_before_itself(running: Running) -> None:
    [first] = running.store(event("C", "08:00:00").replaced(hardware_info="{}"))
    [second] = running.store(event("C", "09:00:00").replaced(os_name="Linux", hostname="A102-07"))

    _, automatic, row = running.rows()
    assert automatic[:6] == (2, "alice", "D", "2026-01-13T08:59:59+00:00", "A102-07", "192.0.2.1")
    assert automatic[6] == row[6]
    assert automatic[7:12] == ("Linux", "11", "26100", None, first.session_uuid)
    assert automatic[13] == "auto"
    assert (row[0], row[2], row[11], row[13]) == (3, "C", second.session_uuid, "client")


def test_a_result_is_told_after_its_rows_are_committed(path: Path) -> None:
    """Note the rows that another connection can read at the moment of each report."""
    seen: list[int] = []

    class Reader(Ear):
        def finished(self, results: Sequence[Result]) -> None:
            with closing(apsw.Connection(str(path))) as connection:
                seen.append(len(connection.execute("SELECT id FROM events_today").fetchall()))
            super().finished(results)

    told = Running(path, Reader())
    for number in range(3):
        told.store(*logons(f"user{number}a", f"user{number}b"))

    assert seen == [2, 4, 6]
    assert told.stop() is None


def test_events_of_one_hand_over_share_a_transaction_and_keep_their_order(running: Running) -> None:
    users = [f"user{number}" for number in range(1000)]
    running.submit(*logons(*users))

    results = running.ear.wait_for("finished")

    assert [submission.event.username for submission, _ in results] == users
    assert [decision.event_id for _, decision in results] == list(range(1, 1001))
    assert running.users() == users


def test_batches_of_any_size_are_stored_in_full(running: Running) -> None:
    stored: list[Event] = []
    for size in (1, 2, 3, 127, 255, 256, 257, 600):
        batch = [event("C", "08:00:00", f"user{size}-{number}") for number in range(size)]
        running.store(*batch)
        stored += batch

    assert running.users() == [event.username for event in stored]
    assert running.rows("SELECT count(DISTINCT session_uuid), max(id) FROM events_today") == [(len(stored),) * 2]


def test_events_that_come_while_the_database_is_locked_join_one_batch_in_their_order(running: Running) -> None:
    running.store(*logons("zoe"))
    with running.lock():
        for username in ("alice", "bob", "carol"):
            running.submit(*logons(username))

    results = running.ear.wait_for("finished")

    assert [submission.event.username for submission, _ in results] == ["alice", "bob", "carol"]


def test_events_that_come_before_the_database_is_open_wait_for_it(path: Path) -> None:
    running = Running(path)
    [decision] = running.store(*logons("alice"))

    assert decision.event_id == 1
    assert [what for what, _ in running.ear.passed_over] == ["opened", "loaded"]
    assert running.stop() is None


# ── retries ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_retry_gets_the_first_answer_and_stores_nothing(running: Running) -> None:
    first, again = running.store(event("C", "08:00:00"), event("C", "08:00:00"))
    [later] = running.store(event("C", "08:00:00"))

    assert again == later == Decision(first.timestamp, first.event_id, first.session_uuid, True)
    assert len(running.rows()) == 1


def test_a_logon_repeated_after_the_next_one_does_no_harm(running: Running) -> None:
    [first] = running.store(event("C", "08:00:00"))
    [second] = running.store(event("C", "09:00:00"))
    [again] = running.store(event("C", "08:00:00"))
    [logoff] = running.store(event("D", "10:00:00"))

    assert again == Decision(first.timestamp, first.event_id, first.session_uuid, True)
    assert logoff.session_uuid == second.session_uuid
    assert len(running.rows()) == 4


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
def test_retries_and_sessions_are_known_across_a_restart(path: Path, journal_mode: str) -> None:
    before = Running(path, journal_mode=journal_mode)
    first, second = before.store(event("C", "08:00:00"), event("C", "09:00:00"))
    assert before.stop() is None

    after = Running(path, journal_mode=journal_mode)
    again, also, logoff = after.store(event("C", "08:00:00"), event("C", "09:00:00"), event("D", "10:00:00"))

    assert again == Decision(first.timestamp, first.event_id, first.session_uuid, True)
    assert also == Decision(second.timestamp, second.event_id, second.session_uuid, True)
    assert (logoff.event_id, logoff.session_uuid, logoff.is_retry) == (4, second.session_uuid, False)
    assert after.stop() is None


def test_a_restart_knows_what_the_running_server_knew(running: Running) -> None:
    for hour in range(8, 20):
        batch = [
            event(action, f"{hour:02d}:00:{number:02d}", f"user{number * hour % 5}", ["A", None][number % 2])
            for number, action in enumerate("CMDCDDCMC")
        ]
        running.store(*batch)

    running_book: Book = next(value for what, value in running.ear.passed_over if what == "loaded")
    loaded = Book(RecentEvents(0.0), Identifiers())
    with closing(apsw.Connection(str(running.path))) as connection:
        load_book.load(connection, loaded, time.time())
    assert remembered(running_book) == remembered(loaded)
    assert running_book.last_id == loaded.last_id


# ── other programs ────────────────────────────────────────────────────────────────────────────────────────


def test_a_logoff_that_another_program_wrote_is_noticed(running: Running) -> None:
    [logon] = running.store(event("C", "08:00:00"))
    running.execute(
        "INSERT INTO events_today (username, action, timestamp, session_uuid) VALUES ('alice', 'D', 'noon', ?)",
        logon.session_uuid,
    )

    [logoff] = running.store(event("D", "10:00:00"))

    assert logoff.event_id == 3
    assert logoff.session_uuid.startswith("orphan_")


def test_a_session_that_another_program_opened_is_noticed(running: Running) -> None:
    running.store(*logons("bob"))
    running.execute(
        "INSERT INTO events_today (username, hostname, action, timestamp, session_uuid)"
        " VALUES ('alice', 'A102-07', 'C', '2026-01-13T07:00:00Z', 'by-hand')"
    )

    [logoff] = running.store(event("D", "10:00:00"))

    assert (logoff.event_id, logoff.session_uuid) == (3, "by-hand")


def test_a_rotation_by_another_program_ends_all_sessions(running: Running) -> None:
    running.store(event("C", "08:00:00"), event("C", "09:00:00"))
    running.execute("DELETE FROM events_today")

    logon, logoff = running.store(event("C", "08:00:00"), event("D", "10:00:00"))

    assert (logon.event_id, logon.is_retry, logon.closed) == (4, False, ())
    assert (logoff.event_id, logoff.session_uuid, logoff.is_retry) == (5, logon.session_uuid, False)


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE", "TRUNCATE", "PERSIST"])
@pytest.mark.parametrize(("synchronous", "level"), [("NORMAL", 1), ("FULL", 2), ("EXTRA", 3)])
def test_the_settings_hold_on_the_connection(path: Path, journal_mode: str, synchronous: str, level: int) -> None:
    running = Running(path, journal_mode=journal_mode, synchronous=synchronous, cache_size=-1234)
    running.store(*logons("alice"))

    connection = running.database.connection  # idle; no other connection has its settings
    assert connection.pragma("journal_mode") == journal_mode.lower()
    with_folder = (journal_mode, synchronous) == ("DELETE", "FULL")  # FULL promises that committed rows stay
    assert connection.pragma("synchronous") == (3 if with_folder else level)
    assert connection.pragma("cache_size") == -1234
    assert running.users() == ["alice"]
    assert running.stop() is None


def test_a_database_changes_its_journal_mode_with_the_configuration(path: Path) -> None:
    for journal_mode in ("WAL", "DELETE", "WAL", "TRUNCATE"):
        running = Running(path, journal_mode=journal_mode)
        running.store(*logons(f"user{time.monotonic_ns()}"))
        assert running.stop() is None

    assert len(running.rows()) == 4


# ── stop ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stop_commits_what_is_queued_and_closes_the_database(path: Path) -> None:
    running = Running(path)
    running.submit(*logons("alice", "bob"))
    running.submit(*logons("carol"))

    assert running.stop() is None

    assert sorted(file.name for file in path.parent.iterdir()) == ["winlog.db"]
    assert running.users() == ["alice", "bob", "carol"]


def test_an_idle_writer_stops_while_another_program_writes(running: Running) -> None:
    running.store(*logons("alice"))
    with running.lock():
        assert running.stop() is None


def test_the_wal_is_small_again_after_a_large_transaction_of_another_program(tmp_path: Path) -> None:
    running = Running(tmp_path / "winlog.db")
    wal = tmp_path / "winlog.db-wal"
    running.store(*logons("zoe"))
    with closing(apsw.Connection(str(tmp_path / "winlog.db"))) as other:
        other.execute("CREATE TABLE other (octets BLOB)")
        with other:
            other.executemany("INSERT INTO other VALUES (zeroblob(?))", [(1 << 20,)] * 20)
        assert wal.stat().st_size > 20 << 20
    running.store(*logons("alice"))  # checkpoints it
    running.store(*logons("bob"))  # begins it again

    assert wal.stat().st_size <= 16 << 20
    assert running.stop() is None
    assert running.users() == ["zoe", "alice", "bob"]


def test_what_a_rotation_moves_is_soon_in_the_database_file_and_not_only_in_the_wal(tmp_path: Path) -> None:
    running = Running(tmp_path / "winlog.db")
    running.store(*logons(*(f"user{number}" for number in range(200))))
    all_is_old = Rules("9999-01-01T00:00:00", "9999-01-01T00:00:00", 0.0)
    running.writer.run(Rotation(all_is_old, None))

    assert running.ear.wait_for("job_ended").rows == 200
    as_if_without_wal = f"file:{running.path}?immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(as_if_without_wal, flags)) as connection:
        [(rows,)] = connection.execute("SELECT count(*) FROM events_history")
    assert 0 < rows <= 200
    assert running.stop() is None


class Chain(Ear):
    """Submits an event as soon as the one before it has its result."""

    def __init__(self) -> None:
        super().__init__()
        self.send: Callable[[], object] = lambda: None

    def finished(self, results: Sequence[Result]) -> None:
        super().finished(results)
        if results:
            self.send()


def test_events_that_come_during_a_rotation_are_stored_between_its_steps(path: Path) -> None:
    running = Running(path, chain := Chain())
    running.store(*[event("M", f"08:00:{second:02d}") for second in range(50)])
    users = (f"user{number}" for number in count())
    chain.send = lambda: running.submit(*logons(next(users)))
    all_is_old = Rules("9999-01-01T00:00:00", "9999-01-01T00:00:00", 0.0)
    running.writer.run(Rotation(all_is_old, None, Steps(target_s=1.0, fewest=1, most=1)))
    chain.send()

    assert chain.wait_for("job_ended").rows >= 50

    chain.send = lambda: None
    assert [what for what, _ in chain.passed_over].count("finished") > 25
    assert running.stop() is None
