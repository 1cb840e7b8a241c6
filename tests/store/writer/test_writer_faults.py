"""Events when the database is locked, full, replaced or damaged, or refuses one of them."""

import gc
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.paths import DATA
from tests.support.writing import Running, event, logons
from winlogd.sessions.pair import Decision
from winlogd.store.errors import ReplacedError, UnusableError
from winlogd.store.jobs.mark import SetMark
from winlogd.store.submission import Fault

pytestmark = pytest.mark.long

A_MOMENT_S = 0.1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture(params=["WAL", "DELETE"])
def running(path: Path, request: pytest.FixtureRequest) -> Running:
    """Start a writer with one stored event, of zoe."""
    running = Running(path, journal_mode=request.param)
    running.store(*logons("zoe"))
    return running


def answered(running: Running) -> list[Decision | Fault]:
    """Return all outcomes that were reported and passed over so far."""
    return [outcome for what, value in running.ear.passed_over if what == "finished" for _, outcome in value]


def store_all_but_mallory(running: Running) -> list[Decision | Fault]:
    """Submit 40 events at once. Assert that only the one of mallory, amid them, fails. Return all outcomes."""
    users = [f"user{number}" for number in range(40)]
    users[20] = "mallory"
    running.submit(*logons(*users))
    outcomes = running.outcomes(40)
    assert outcomes[20] is Fault.FAILED
    assert [type(outcome) for outcome in outcomes] == [Decision] * 20 + [Fault] + [Decision] * 19
    assert running.users() == ["zoe", *users[:20], *users[21:]]
    return outcomes


# ── locks ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_events_wait_for_a_locked_database(running: Running) -> None:
    with running.lock():
        running.submit(*logons("alice"))
        assert isinstance(running.ear.wait_for("waiting"), apsw.BusyError)

    assert [type(outcome) for outcome in running.outcomes(1)] == [Decision]
    assert running.users() == ["zoe", "alice"]
    assert running.stop() is None


def test_an_event_that_has_waited_too_long_is_told_so_and_is_not_stored(running: Running) -> None:
    with running.lock():
        [alice, _] = running.submit(*logons("alice", "bob"), within_s=A_MOMENT_S)
        assert running.outcomes(2) == [Fault.UNAVAILABLE] * 2
        assert time.monotonic() >= alice.due_s
        running.submit(*logons("carol"))

    [decision] = running.outcomes(1)
    assert isinstance(decision, Decision)
    assert decision.event_id == 2
    assert running.users() == ["zoe", "carol"]
    assert running.stop() is None


def test_a_wait_is_told_once_until_the_database_can_be_written_again(running: Running) -> None:
    for username in ("alice", "bob"):
        with running.lock():
            running.submit(*logons(username))
            running.ear.wait_for("waiting")
        running.outcomes(1)

    assert "waiting" not in [what for what, _ in running.ear.passed_over]
    assert running.stop() is None


def test_a_reader_that_holds_up_a_commit_makes_events_wait(path: Path) -> None:
    """Without a WAL, a COMMIT waits until no connection reads."""
    running = Running(path, journal_mode="DELETE")
    running.store(*logons("zoe"))
    with running.lock("BEGIN") as reader:
        reader.execute("SELECT * FROM events_today").fetchall()
        running.submit(*logons("alice"), within_s=A_MOMENT_S)
        assert running.outcomes(1) == [Fault.UNAVAILABLE]
        running.submit(*logons("bob"))

    assert [type(outcome) for outcome in running.outcomes(1)] == [Decision]
    assert running.users() == ["zoe", "bob"]
    assert running.stop() is None


def test_a_wal_that_a_reader_keeps_from_being_taken_in_is_told(path: Path) -> None:
    running = Running(path)
    running.ear.wait_for("loaded")
    with running.lock("BEGIN") as reader:
        reader.execute("SELECT * FROM events_today").fetchall()
        with closing(apsw.Connection(str(path))) as other:
            other.wal_autocheckpoint(0)
            other.execute("CREATE TABLE other AS SELECT zeroblob(?)", (65 << 20,))
        running.store(*logons("alice"))

        size_bytes, fault = running.ear.wait_for("wal_grown")

    assert (size_bytes >> 20, fault) == (65, None)
    assert running.stop() is None


def test_a_large_wal_that_can_be_taken_in_is_not_worth_a_word(path: Path) -> None:
    running = Running(path)
    running.ear.wait_for("loaded")
    with closing(apsw.Connection(str(path))) as other:
        other.wal_autocheckpoint(0)
        other.execute("CREATE TABLE other AS SELECT zeroblob(?)", (65 << 20,))

    running.store(*logons("alice"))

    assert path.with_name("winlog.db-wal").stat().st_size > 64 << 20  # until the next COMMIT
    assert running.stop() is None
    assert "wal_grown" not in [what for what, _ in running.ear.passed_over]


@pytest.fixture
def blocker(path: Path) -> Iterator[apsw.Connection]:
    """Hold an exclusive lock as another program: no other connection can even read the database."""
    Running(path, journal_mode="DELETE").stop()
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def test_a_database_that_is_locked_at_the_start_is_waited_for(path: Path, blocker: apsw.Connection) -> None:
    running = Running(path, journal_mode="DELETE")
    running.submit(*logons("alice"), within_s=A_MOMENT_S)
    running.submit(*logons("bob"))
    assert running.outcomes(1) == [Fault.UNAVAILABLE]
    blocker.execute("ROLLBACK")

    assert [type(outcome) for outcome in running.outcomes(1)] == [Decision]
    assert running.users() == ["bob"]
    assert running.stop() is None


def test_a_start_that_waits_for_a_lock_can_be_stopped(path: Path, blocker: apsw.Connection) -> None:
    running = Running(path, journal_mode="DELETE")
    running.submit(*logons("alice"))

    assert running.stop(within_s=A_MOMENT_S) is None

    assert answered(running) == [Fault.UNAVAILABLE]
    assert blocker.in_transaction


def test_a_stop_while_waiting_gives_up_when_its_own_time_is_over(running: Running) -> None:
    with running.lock():
        running.submit(*logons("alice"))
        assert running.stop(within_s=A_MOMENT_S) is None

    assert answered(running) == [Fault.UNAVAILABLE]
    assert running.users() == ["zoe"]


def test_a_stop_while_waiting_still_commits_when_the_lock_goes(running: Running) -> None:
    with running.lock():
        running.submit(*logons("alice"))
        running.writer.stop()

    assert [type(outcome) for outcome in running.outcomes(1)] == [Decision]
    assert running.ear.wait_for("ended") is None
    assert running.users() == ["zoe", "alice"]


def test_a_stop_while_a_rotation_waits_for_a_database_that_cannot_be_opened_again_is_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(path, journal_mode="DELETE")
    running.store(*logons("zoe"))

    def fail() -> bool:
        raise apsw.IOError("a disk that fails at BEGIN alone, which no real one here does")

    monkeypatch.setattr(running.database, "begin", fail)
    with running.lock("BEGIN EXCLUSIVE"):
        running.writer.run(SetMark("rotated_day", "2026-01-14"))
        while not isinstance(running.ear.wait_for("waiting"), apsw.BusyError):
            pass
        assert running.stop() is None


# ── one event that cannot be stored ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["ABORT", "FAIL", "ROLLBACK"])
def test_a_row_that_is_refused_fails_alone(running: Running, way: str) -> None:
    """ABORT undoes the statement, FAIL keeps its earlier rows, ROLLBACK ends the transaction."""
    running.execute(
        "CREATE TRIGGER keep_out BEFORE INSERT ON events_today WHEN NEW.username = 'mallory'"
        f" BEGIN SELECT RAISE({way}, 'mallory is kept out'); END"
    )

    store_all_but_mallory(running)

    [(error, submission)] = [value for what, value in running.ear.passed_over if what == "failed"]
    assert "mallory is kept out" in str(error)
    assert submission.event.username == "mallory"
    [(_, *ids)] = running.rows("SELECT count(*), min(id), max(id) FROM events_today")
    assert ids == [1, 40]
    assert running.stop() is None


def test_a_row_that_a_trigger_drops_without_a_word_fails_alone(running: Running) -> None:
    """With RAISE(IGNORE) the statement succeeds and stores fewer rows."""
    running.execute(
        "CREATE TRIGGER keep_out BEFORE INSERT ON events_today WHEN NEW.username = 'mallory'"
        " BEGIN SELECT RAISE(IGNORE); END"
    )

    outcomes = store_all_but_mallory(running)

    [(error, _)] = [value for what, value in running.ear.passed_over if what == "failed"]
    assert "a trigger on events_today" in str(error)
    ids = [outcome.event_id for outcome in outcomes if isinstance(outcome, Decision)]
    assert [id for (id,) in running.rows("SELECT id FROM events_today WHERE username <> 'zoe' ORDER BY id")] == ids
    assert running.stop() is None


def test_a_refused_logon_closes_no_session(running: Running) -> None:
    [first] = running.store(event("C", "08:00:00"))
    running.execute(
        "CREATE TRIGGER keep_out BEFORE INSERT ON events_today WHEN NEW.action = 'C'"
        " BEGIN SELECT RAISE(ABORT, 'no logons today'); END"
    )
    running.submit(event("C", "09:00:00"))
    assert running.outcomes(1) == [Fault.FAILED]

    [logoff] = running.store(event("D", "10:00:00"))
    assert (logoff.event_id, logoff.session_uuid, logoff.is_retry) == (3, first.session_uuid, False)
    assert running.stop() is None


# ── a file that is no database, or not the same any more ──────────────────────────────────────────────────


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_was_replaced_or_deleted_ends_the_writer_without_touching_what_is_there(
    running: Running, path: Path, replaced: bool
) -> None:
    path.rename(path.with_name("moved.db"))
    if replaced:
        shutil.copy(DATA / "older.db", path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    running.submit(*logons("alice", "bob"))

    assert running.outcomes(2) == [Fault.UNAVAILABLE] * 2
    error = running.ear.wait_for("ended")
    assert isinstance(error, ReplacedError)
    assert str(path) in str(error)
    del running.writer
    gc.collect()  # frees the connection
    after = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert after == before


def test_what_was_submitted_before_the_end_is_answered(path: Path) -> None:
    path.write_bytes(b"no database, whatever its name says" * 100)
    running = Running(path)
    running.submit(*logons("alice"))
    error = running.ear.wait_for("ended")

    assert isinstance(error, UnusableError)
    assert answered(running) + [Fault.UNAVAILABLE for _ in running.writer.leftovers()] == [Fault.UNAVAILABLE]


def cannot_be_used(path: Path) -> str:
    """Return the error with which a writer ends. Check that the file is unchanged."""
    before = path.read_bytes() if path.is_file() else None
    running = Running(path)
    error = running.ear.wait_for("ended")
    assert isinstance(error, UnusableError)
    assert before == (path.read_bytes() if path.is_file() else None)
    assert str(path) in str(error)
    return str(error)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"no database, whatever its name says" * 100)

    assert "not a database" in cannot_be_used(path)


def test_a_folder_in_the_databases_place_is_refused(path: Path) -> None:
    path.mkdir()

    assert "cannot be opened" in cannot_be_used(path)


def test_a_database_in_a_folder_that_is_not_there_is_refused(path: Path) -> None:
    assert "cannot be opened" in cannot_be_used(path / "winlog.db")


def test_a_database_of_a_newer_winlogd_is_refused(path: Path) -> None:
    Running(path, journal_mode="DELETE").stop()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 999")
    connection.close()

    error = Running(path, journal_mode="DELETE").ear.wait_for("ended")

    assert isinstance(error, UnusableError)
    assert "newer winlogd" in str(error)


@pytest.mark.parametrize("page", [1, 3, 4])  # the second one is the pointer map, which only giving back pages reads
def test_a_damaged_database_is_refused(path: Path, page: int) -> None:
    running = Running(path)
    running.store(*logons(*(f"user{number}" for number in range(200))))
    running.stop()
    pages = bytearray(path.read_bytes())
    begin = 100 if page == 1 else (page - 1) * 4096  # the first page begins with the file's header
    pages[begin : page * 4096] = b"\xa5" * (page * 4096 - begin)
    path.write_bytes(pages)

    error = Running(path).ear.wait_for("ended")

    assert isinstance(error, UnusableError)
    assert "damaged" in str(error)


# ── another program's trigger that inserts rows, too ──────────────────────────────────────────────────────

_NOTE = (
    " INSERT INTO events_today (username, action, timestamp, hostname, session_uuid)"
    " VALUES ('note', 'M', NEW.timestamp, 'A', 'note_' || NEW.username); END"
)


@pytest.mark.parametrize("when", ["AFTER", "BEFORE"])
def test_a_trigger_that_takes_the_next_id_costs_no_event(running: Running, when: str) -> None:
    running.execute(f"CREATE TRIGGER note {when} INSERT ON events_today WHEN NEW.username <> 'note' BEGIN{_NOTE}")

    first = running.store(*logons("alice", "bob", "carol"))
    [again] = running.store(event("C", "09:00:00", "alice"))  # closes a session: two rows
    [logoff] = running.store(event("D", "10:00:00", "alice"))
    [retry] = running.store(event("D", "10:00:00", "alice"))

    stored = running.rows(
        "SELECT id, username, action, session_uuid, origin FROM events_today WHERE username NOT IN ('note', 'zoe')"
    )
    uuids = {decision.session_uuid for decision in first}
    assert len(uuids) == 3
    assert [row[1:3] for row in stored] == [
        ("alice", "C"), ("bob", "C"), ("carol", "C"), ("alice", "D"), ("alice", "C"), ("alice", "D"),
    ]  # fmt: skip
    by_id = {row[0]: row[3] for row in stored}
    for decision in (*first, again, logoff):
        assert by_id[decision.event_id] == decision.session_uuid
    assert logoff.session_uuid == again.session_uuid
    assert (retry.is_retry, retry.event_id) == (True, logoff.event_id)
    [automatic] = [row for row in stored if row[4] == "auto"]
    assert automatic[3] == first[0].session_uuid
    assert running.stop() is None


@pytest.mark.parametrize("name", ["winlogd_meta", "events_today", "idx_today_logoff"])
def test_a_damaged_page_ends_the_start_with_one_line(path: Path, name: str) -> None:
    running = Running(path)
    running.store(*logons(*(f"user{number}" for number in range(50))))
    assert running.stop() is None
    with closing(apsw.Connection(str(path))) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        assert isinstance(page, int)
        size = int(str(connection.pragma("page_size")))
    octets = bytearray(path.read_bytes())
    octets[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(octets)

    message = cannot_be_used(path)

    assert "is damaged" in message
    assert "\n" not in message


def test_sessions_that_a_trigger_opens_and_closes_are_known_at_once(running: Running) -> None:
    running.execute(
        "CREATE TRIGGER robot AFTER INSERT ON events_today WHEN NEW.action = 'D' BEGIN INSERT INTO events_today"
        " (username, action, timestamp, hostname, session_uuid) VALUES ('robot', 'C', NEW.timestamp, 'R', 'robot@R@1');"
        " END"
    )
    running.store(event("C", "08:00:00", "alice"), event("D", "09:00:00", "alice"))

    assert {session.username for session in running.book.open_sessions()} == {"zoe", "robot"}
    [logoff] = running.store(event("D", "10:00:00", "robot", "R"))
    assert logoff.session_uuid == "robot@R@1"
    assert running.stop() is None


def test_a_trigger_that_writes_to_a_table_of_its_own_costs_no_repetition(running: Running) -> None:
    running.execute("CREATE TABLE notes (username)")
    running.execute(
        "CREATE TRIGGER note AFTER INSERT ON events_today BEGIN INSERT INTO notes VALUES (NEW.username); END"
    )

    running.store(*logons(*(f"user{number}" for number in range(50))))

    serving = running.writer._serving
    assert serving is not None
    assert serving.batches.written == 2  # zoe's, and one for all
    assert running.rows("SELECT count(*) FROM notes") == [(50,)]
    assert running.stop() is None
