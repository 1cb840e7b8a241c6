"""Jobs run in steps between the events, in their order. However a job ends, the database stays consistent."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import apsw
import pytest

from tests.store.jobs.tiny import ROWS, Copy, Tally, settings_of
from tests.support.running import wait_for
from tests.support.writing import Running, event, logons
from winlogd.sessions.book import Book
from winlogd.store.errors import LowSpaceError
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.delete import Delete
from winlogd.store.jobs.holding import ChangeHolds
from winlogd.store.jobs.job import DELETES, MOVES_OR_COPIES, AnyJob, Long, Step
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.selections import Received
from winlogd.store.past.holds import Hold
from winlogd.store.submission import Fault

USERS = [f"user{number}" for number in range(300)]
COPYING_STEPS = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def filled(path: Path) -> Path:
    """Return a database with some events in some forty pages."""
    running = Running(path)
    running.store(*logons(*USERS))
    assert running.stop() is None
    return path


@pytest.fixture
def running(path: Path) -> Iterator[Running]:
    running = Running(path)
    yield running
    if running.writer._thread.is_alive():
        running.stop()


def run_and_die(path: Path, kind: str, runner: str, step: int, moment: str) -> int:
    command = [sys.executable, "-m", "tests.store.jobs.tiny", str(path), kind, runner, str(step), moment]
    return subprocess.run(command, check=False, timeout=60).returncode


def users(path: Path) -> list[object]:
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        return [name for (name,) in connection.execute("SELECT username FROM events_today ORDER BY id")]


def tally(path: Path) -> list[object]:
    with closing(apsw.Connection(str(path))) as connection:
        if not connection.table_exists("main", "winlogd_tally"):
            return []
        return [number for (number,) in connection.execute("SELECT n FROM winlogd_tally ORDER BY n")]


@pytest.mark.long
@pytest.mark.parametrize("runner", ["running", "alone"])
@pytest.mark.parametrize("moment", ["inside", "committed"])
@pytest.mark.parametrize("step", range(ROWS))
def test_a_job_in_transactions_that_is_killed_at_any_step_goes_on_where_it_was(
    filled: Path, step: int, moment: str, runner: str
) -> None:
    assert run_and_die(filled, "tally", runner, step, moment) == -signal.SIGKILL
    assert tally(filled) == list(range(step if moment == "inside" else step + 1))

    assert run_and_die(filled, "tally", runner, -1, "") == 0

    assert tally(filled) == list(range(ROWS))
    assert users(filled) == USERS


@pytest.mark.long
@pytest.mark.parametrize("runner", ["running", "alone"])
@pytest.mark.parametrize("moment", ["inside", "committed"])
@pytest.mark.parametrize("step", range(COPYING_STEPS))
def test_a_job_outside_transactions_that_is_killed_at_any_step_can_be_done_again(
    filled: Path, step: int, moment: str, runner: str
) -> None:
    assert run_and_die(filled, "copy", runner, step, moment) == -signal.SIGKILL
    assert users(filled) == USERS

    assert run_and_die(filled, "copy", runner, -1, "") == 0

    assert users(filled.with_name("copy.db")) == USERS


def test_a_step_of_a_backup_inside_a_transaction_is_refused(filled: Path) -> None:
    copy = Copy(filled.with_name("copy.db"))
    with closing(apsw.Connection(str(filled))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM events_today WHERE id = 1")
        with pytest.raises(apsw.BusyError):
            copy.step(connection, None, 0.0)  # type: ignore[arg-type]  # the book is not looked at
        copy.abandon()


def test_a_checkpoint_inside_a_transaction_is_refused(filled: Path) -> None:
    with closing(apsw.Connection(str(filled))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM events_today WHERE id = 1")
        with pytest.raises(apsw.LockedError):
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


class Busy(Copy):
    """Has an event sent in its first step. The event is stored before the second step."""

    def __init__(self, to: Path, send: Callable[[], object], users: Callable[[], list[str]]) -> None:
        super().__init__(to)
        self._send = send
        self._users = users
        self.seen: list[list[str]] = []

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        self.seen.append(self._users()[len(USERS) :])
        if len(self.seen) == 1:
            self._send()
        return super().step(connection, book, now_s)


def test_events_are_stored_between_the_steps_of_a_copy_and_are_in_it(filled: Path) -> None:
    running = Running(filled)
    running.ear.wait_for("loaded")
    copy = Busy(filled.with_name("copy.db"), lambda: running.submit(*logons("late")), running.users)
    running.writer.run(copy)

    assert running.ear.wait_for("job_ended") == COPYING_STEPS
    assert copy.seen == [[], *[["late"]] * (COPYING_STEPS - 1)]
    assert users(filled.with_name("copy.db")) == [*USERS, "late"]
    assert running.stop() is None


class Order(Tally):
    """Notes when its steps run."""

    def __init__(self, name: str, seen: list[str], goes_first: bool = False) -> None:
        super().__init__()
        self.goes_first = goes_first
        self._name = name
        self._seen = seen
        self._left = 3

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        self._seen.append(self._name)
        self._left -= 1
        return Step(is_last=not self._left, wrote=False)


def test_jobs_run_in_the_order_in_which_they_were_asked_for(running: Running) -> None:
    seen: list[str] = []
    running.writer.run(Order("first", seen))
    running.writer.run(Order("second", seen))
    running.ear.wait_for("job_ended")
    running.ear.wait_for("job_ended")

    assert seen == ["first"] * 3 + ["second"] * 3


class Interrupted(Order):
    """Asks for another job in its first step."""

    def __init__(self, running: Running, urgent: Order, seen: list[str]) -> None:
        super().__init__("long", seen)
        self._running = running
        self._urgent: Order | None = urgent

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        if self._urgent is not None:
            self._running.writer.run(self._urgent)
            self._urgent = None
        return super().step(connection, book, now_s)


def test_a_job_that_goes_first_runs_in_the_middle_of_a_longer_one(running: Running) -> None:
    seen: list[str] = []
    running.writer.run(Interrupted(running, Order("urgent", seen, goes_first=True), seen))
    running.ear.wait_for("job_ended")
    running.ear.wait_for("job_ended")

    assert seen == ["long", *["urgent"] * 3, *["long"] * 2]


class LongOrder(Long, Order):
    """A long job that goes first."""

    def __init__(self, name: str, seen: list[str], turn: int) -> None:
        super().__init__(name, seen, goes_first=True)
        self.turn = turn


def test_of_jobs_that_go_first_short_ones_run_before_backups_and_these_before_deletions(running: Running) -> None:
    seen: list[str] = []
    running.ear.wait_for("loaded")
    with running.lock():  # no step runs
        running.writer.run(LongOrder("deletion", seen, DELETES))
        running.writer.run(Order("build", seen))
        running.writer.run(LongOrder("backup", seen, MOVES_OR_COPIES))
        running.writer.run(LongOrder("rotation", seen, MOVES_OR_COPIES))
        running.writer.run(Order("hold", seen, goes_first=True))
    for _ in range(5):
        running.ear.wait_for("job_ended")

    assert seen == [each for each in ("hold", "backup", "rotation", "deletion", "build") for _ in range(3)]


def test_a_hold_counts_for_a_deletion_that_was_asked_for_before_it(running: Running) -> None:
    running.store(*logons("alice", "bob"))
    with running.lock():
        running.writer.run(Delete(None, Received("events_today", None)))
        running.writer.run(ChangeHolds(Hold(0, "alice", None, None, None, "court", "root", 1)))

    assert running.ear.wait_for("job_ended") == 1
    assert running.ear.wait_for("job_ended").today == 1
    assert running.users() == ["alice"]


class Faulty(Tally):
    """Writes a row, and then fails."""

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        super().step(connection, book, now_s)
        raise ValueError("a fault in the job itself")


def test_a_job_that_fails_leaves_nothing_behind_and_the_next_one_runs(running: Running) -> None:
    faulty = Faulty()
    running.writer.run(faulty)
    running.writer.run(Tally())

    assert isinstance(running.ear.wait_for("job_ended"), ValueError)
    assert running.ear.wait_for("job_ended") == ROWS
    assert faulty.is_abandoned
    assert tally(running.path) == list(range(ROWS))
    running.store(*logons("alice"))


def test_a_job_that_waits_for_a_lock_lets_no_event_wait_longer_and_goes_on_after_it(running: Running) -> None:
    running.ear.wait_for("loaded")
    with running.lock():
        running.writer.run(Tally())
        running.submit(*logons("alice"), within_s=0.2)
        assert running.outcomes(1) == [Fault.UNAVAILABLE]
    assert running.ear.wait_for("job_ended") == ROWS
    assert tally(running.path) == list(range(ROWS))


class Endless(Tally):
    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        return Step(is_last=False, wrote=False)


def test_a_stop_lets_a_job_go_that_has_not_come_to_its_end(running: Running) -> None:
    endless = Endless()
    running.writer.run(endless)
    running.store(*logons("alice"))

    assert running.stop() is None

    assert endless.is_abandoned
    assert running.users() == ["alice"]


def test_a_stop_lets_jobs_go_that_were_not_begun(running: Running) -> None:
    endless, waiting = Endless(), Tally()
    running.writer.run(endless)
    running.writer.run(waiting)
    running.store(*logons("alice"))

    assert running.stop() is None

    assert endless.is_abandoned
    assert waiting.is_abandoned


class Truncate(Tally):
    """Truncates the WAL, outside transactions. This waits for every reader, so another program can hold it up."""

    needs_transaction = False

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return Step(is_last=True, wrote=False)


def test_a_step_that_a_reader_holds_up_holds_up_no_event(filled: Path) -> None:
    running = Running(filled)
    running.store(*logons("first"))
    with closing(apsw.Connection(str(filled))) as reader:
        reader.execute("BEGIN")
        list(reader.execute("SELECT count(*) FROM events_today"))
        running.store(*logons("second"))
        running.writer.run(Truncate())
        for number in range(20):
            running.store(*logons(f"while{number}"))
        told = [what for what, _ in running.ear.passed_over]
        assert not {"waiting", "job_ended"} & set(told)
        reader.execute("COMMIT")
    running.ear.wait_for("job_ended")
    assert filled.with_name("winlog.db-wal").stat().st_size == 0
    assert running.stop() is None


class Elsewhere(Tally):
    """Needs a lock in another file for its first steps, which is no fault of the database."""

    tries = 0

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        self.tries += 1
        if self.tries < 4:
            raise apsw.BusyError("the other file is locked")
        return super().step(connection, book, now_s)


def test_a_lock_that_only_the_job_meets_is_not_told_as_the_databases(running: Running) -> None:
    running.writer.run(Elsewhere())
    running.store(*logons("alice"))

    assert running.ear.wait_for("job_ended") == ROWS
    assert "waiting" not in [what for what, _ in running.ear.passed_over]


class Clinging(Tally):
    def abandon(self) -> None:
        raise ValueError("it does not let go")


class Speechless:
    """A job whose `outcome` raises an error."""

    goes_first = False
    needs_space = needs_transaction = True
    progress: ClassVar[Mapping[str, int]] = {}

    @property
    def outcome(self) -> int:
        raise ValueError("it has nothing to say")

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        return Step(is_last=True, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        pass

    def abandon(self) -> None:
        pass


@pytest.mark.parametrize("job", [Clinging, Speechless])
def test_a_job_that_fails_at_its_end_ends_alone(running: Running, job: Callable[[], AnyJob]) -> None:
    running.writer.run(job())
    assert isinstance(running.ear.wait_for("job_ended"), ValueError)

    running.store(*logons("alice"))
    assert running.stop() is None


def test_a_job_that_does_not_let_go_keeps_no_writer_from_its_end(running: Running) -> None:
    class Both(Clinging, Endless):
        pass

    running.writer.run(Both())
    running.store(*logons("alice"))

    assert running.stop() is None


class Forgetful(Tally):
    """Fails in `took` of its first step, and leaves a Book that does not agree with the rows."""

    def took(self, step: Step, book: Book, took_s: float) -> None:
        book.pairs.clear()
        raise ValueError("half of it was noted")


def test_after_a_job_that_fails_behind_its_commit_the_open_sessions_are_right(running: Running) -> None:
    [logon] = running.store(*logons("alice"))
    running.writer.run(Forgetful())
    assert isinstance(running.ear.wait_for("job_ended"), ValueError)

    [logoff] = running.store(event("D", "09:00:00", "alice"))

    assert logoff.session_uuid == logon.session_uuid
    assert running.stop() is None


def test_how_far_a_job_is_is_told(running: Running) -> None:
    running.writer.run(Tally())

    assert running.ear.wait_for("job_progressed") == {"rows_counted": 1}


class Freeing(Tally):
    needs_space = False


@pytest.mark.parametrize("runner", ["running", "alone"])
def test_with_too_little_space_only_a_job_that_frees_some_runs(path: Path, runner: str) -> None:
    plenty = 1 << 60
    settings = settings_of(path)._replace(min_free_bytes=plenty)
    if runner == "alone":
        with pytest.raises(LowSpaceError):
            run_alone(Tally(), settings)
        assert run_alone(Freeing(), settings) == ROWS
        return
    running = Running(path, min_free_bytes=plenty)
    running.writer.run(Tally())
    assert isinstance(running.ear.wait_for("waiting"), LowSpaceError)
    assert running.stop() is None
    running = Running(path, min_free_bytes=plenty)
    running.writer.run(Freeing())
    assert running.ear.wait_for("job_ended") == ROWS
    assert running.stop() is None


def test_with_too_little_space_a_job_that_frees_some_passes_those_that_wait(path: Path) -> None:
    running = Running(path, min_free_bytes=1 << 60)
    running.writer.run(Tally())
    assert isinstance(running.ear.wait_for("waiting"), LowSpaceError)
    running.writer.run(Freeing())

    assert running.ear.wait_for("job_ended") == ROWS
    assert running.stop() is None


def test_alone_a_job_that_fails_is_let_go_and_its_error_is_the_callers(filled: Path) -> None:
    faulty = Faulty()

    with pytest.raises(ValueError, match="fault in the job"):
        run_alone(faulty, settings_of(filled))

    assert faulty.is_abandoned
    assert tally(filled) == []


class Observing(Tally):
    """Notes whose sessions are open at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[set[str]] = []

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        self.seen.append({session.username for session in book.open_sessions()})
        return super().step(connection, book, now_s)


def test_alone_a_step_sees_what_another_program_has_written_and_deleted(filled: Path) -> None:
    observing = Observing()

    def change(progress: Mapping[str, int]) -> None:
        if progress == {"rows_counted": 1}:
            with closing(apsw.Connection(str(filled))) as connection:
                connection.execute("DELETE FROM events_today WHERE username = 'user7'")
                connection.execute(
                    "INSERT INTO events_today (username, action, timestamp, session_uuid)"
                    " VALUES ('late', 'C', '2026-01-13T09:00:00Z', 'late@unknown@1')"
                )

    run_alone(observing, settings_of(filled), change)

    before, after = set(USERS), {*USERS, "late"} - {"user7"}
    assert observing.seen == [before, after, after, after]


def test_a_job_that_comes_while_another_waits_for_a_lock_runs_after_it(path: Path) -> None:
    running = Running(path)
    running.ear.wait_for("loaded")
    with running.lock("BEGIN IMMEDIATE"):
        for key in ("first", "second"):
            running.writer.run(SetMark(key, "1"))
            wait_for(running.writer._queue.empty, "the writer to take the job, which it does while it waits, too")
    assert [running.ear.wait_for("job_ended"), running.ear.wait_for("job_ended")] == [None, None]
    assert running.stop() is None
