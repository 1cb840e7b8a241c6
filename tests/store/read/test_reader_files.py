"""The file under the reader: replaced, deleted, damaged or locked; and a writer beside it, whose locks stay."""

import asyncio
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.reading import SESSIONS, Asking, asking, until_no_thread
from tests.support.running import wait_for
from tests.support.writing import Running, logons
from winlogd.store.errors import QuestionRefusedError, ReplacedError
from winlogd.store.read.access import Access

pytestmark = pytest.mark.long

ONE: Final = "SELECT 1"


@pytest.fixture
def alone(path: Path) -> Path:
    """A database that no server has open."""
    running = Running(path)
    running.store(*logons("alice"))
    running.stop()
    return path


def move(path: Path, to: Path) -> None:
    path.rename(to)


def exists(path: Path) -> bool:
    return path.exists()


def damage(path: Path, first_octet: int) -> bytes:
    """Overwrite a file from an octet on, and return what it was."""
    whole = path.read_bytes()
    write(path, whole[:first_octet] + b"\xa5" * (len(whole) - first_octet))
    return whole


def write(path: Path, content: bytes) -> None:
    """Write into the same file, as a failing disk does."""
    with path.open("r+b") as file:
        file.write(content)


async def test_a_file_that_is_replaced_is_noticed_and_the_next_question_reads_the_new_one(alone: Path) -> None:
    other = Running(alone.with_name("other.db"))
    other.store(*logons("bob", "carol"))
    other.stop()
    async with asking(alone) as asked:
        assert len(await asked.rows(SESSIONS)) == 1
        move(other.path, alone)
        with pytest.raises(ReplacedError):
            await asked.rows(SESSIONS)
        assert len(await asked.rows(SESSIONS)) == 2


async def test_a_file_that_is_deleted_is_an_error_until_there_is_one_again(alone: Path) -> None:
    kept = alone.with_name("kept")
    async with asking(alone) as asked:
        assert len(await asked.rows(SESSIONS)) == 1
        move(alone, kept)
        with pytest.raises(ReplacedError):
            await asked.rows(SESSIONS)
        for _ in range(2):
            with pytest.raises(apsw.CantOpenError):
                await asked.rows(SESSIONS)
        assert not exists(alone), "the reader makes no file"
        move(kept, alone)
        assert len(await asked.rows(SESSIONS)) == 1


@pytest.mark.parametrize("first_octet", [0, 4096])
async def test_a_damaged_file_is_an_error_until_it_is_whole_again(alone: Path, first_octet: int) -> None:
    async with asking(alone, idle_s=0.01) as asked:
        assert len(await asked.rows(SESSIONS)) == 1
        await until_no_thread()
        whole = damage(alone, first_octet)
        for _ in range(2):
            with pytest.raises(apsw.Error):
                await asked.rows(SESSIONS)
        write(alone, whole)
        assert len(await asked.rows(SESSIONS)) == 1


async def test_a_file_that_is_damaged_while_it_is_open_is_an_error_or_no_harm(alone: Path) -> None:
    async with asking(alone) as asked:
        assert len(await asked.rows(SESSIONS)) == 1
        whole = damage(alone, 0)
        for _ in range(2):
            with suppress(apsw.Error):
                await asked.rows(SESSIONS)
        write(alone, whole)
        assert len(await asked.rows(SESSIONS)) == 1


async def test_a_locked_file_is_an_error_and_keeps_what_was_read_of_today(path: Path) -> None:
    running = Running(path, journal_mode="DELETE")
    running.store(*logons("alice"))
    async with asking(path, "DELETE", busy_timeout_ms=10) as asked:
        assert len(await asked.rows(SESSIONS)) == 1
        before = await asked.put(id)
        with running.lock("BEGIN EXCLUSIVE"):
            for _ in range(2):
                with pytest.raises(apsw.BusyError):
                    await asked.rows(SESSIONS)
        assert len(await asked.rows(SESSIONS)) == 1
        assert await asked.put(id) == before, "the connection is still open"
    running.stop()


# ── beside the writer ─────────────────────────────────────────────────────────────────────────────────

LOCKS: Final = """
import sqlite3, sys
with_lock = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    with_lock.execute(sys.argv[2])
    print("locked it")
except sqlite3.OperationalError as error:
    print(error)
"""


def as_another_process(path: Path, sql: str) -> str:
    command = [sys.executable, "-c", LOCKS, str(path), sql]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
async def test_a_reader_that_closes_leaves_the_writers_locks(path: Path, journal_mode: str) -> None:
    running = Running(path, journal_mode=journal_mode)
    running.store(*logons("alice"))
    with running.lock("BEGIN IMMEDIATE"):  # the lock of a connection in this process
        for _ in range(3):
            async with asking(path, journal_mode) as asked:
                assert len(await asked.rows(SESSIONS)) == 1
                assert as_another_process(path, "BEGIN IMMEDIATE") == "database is locked"
            assert as_another_process(path, "BEGIN IMMEDIATE") == "database is locked"
            assert as_another_process(path, "BEGIN EXCLUSIVE") == "database is locked"
    assert as_another_process(path, "BEGIN EXCLUSIVE") == "locked it"
    running.store(*logons("bob"))
    running.stop()


async def test_a_reader_that_closes_leaves_the_writers_lock_on_the_file(path: Path, writer: Running) -> None:
    async with asking(path) as asked:
        await asked.rows(ONE)
    assert as_another_process(path, "PRAGMA journal_mode = DELETE") == "database is locked"


@pytest.mark.parametrize("journal_mode", ["DELETE", "TRUNCATE", "PERSIST"])
async def test_without_a_wal_the_writer_commits_between_the_pieces_of_a_question(path: Path, journal_mode: str) -> None:
    running = Running(path, journal_mode=journal_mode)
    running.store(*logons("alice"))
    seen: list[int] = []
    is_over = threading.Event()

    def long(access: Access) -> None:
        """Read on until the events are stored: the count of the sessions in each snapshot."""
        while not is_over.is_set():
            with access.snapshot() as connection:
                seen.append(len(connection.execute(SESSIONS).fetchall()))
                while not access.is_piece_over() and not is_over.is_set():
                    time.sleep(0.001)

    def store() -> None:
        for number in range(5):
            wait_for(lambda: seen and seen[-1] == number + 1, "a snapshot with the last event")  # noqa: B023  # at once
            running.store(*logons(f"user{number}"))
        is_over.set()

    async with asking(
        path, journal_mode, question_s=60.0, piece_beside_commits_s=0.02, busy_timeout_ms=30_000
    ) as asked:
        future = asked.put(long)
        await asyncio.to_thread(store)
        await future
        assert {*range(1, 6)} <= {*seen}
        assert len(await asked.rows(SESSIONS)) == 6
    running.stop()


async def test_a_session_whose_logon_moves_is_seen_once_in_each_snapshot(path: Path, writer: Running) -> None:
    """Another thread moves the rows as a rotation does, one by one, while questions count them in both places."""
    names = [f"user{number}" for number in range(200)]
    writer.store(*logons(*names))
    columns = "username, action, timestamp, hostname, source_ip, server_timestamp, session_uuid, created_at, origin"

    def move() -> None:
        with closing(apsw.Connection(str(path))) as other:
            other.set_busy_timeout(30_000)
            for (event_id,) in other.execute("SELECT id FROM events_today").fetchall():
                with other:
                    of_it = f"FROM events_today WHERE id = {event_id}"
                    other.execute(f"INSERT INTO events_history ({columns}) SELECT {columns} {of_it}")
                    other.execute(f"INSERT INTO winlogd_runs VALUES ({event_id}, last_insert_rowid(), 1, 0)")
                    other.execute(f"DELETE {of_it}")

    both = f"SELECT (SELECT count(*) FROM ({SESSIONS})), (SELECT count(*) FROM events_history)"
    async with asking(path) as asked:
        assert await asked.rows(both) == [(201, 0)]
        moving = asyncio.create_task(asyncio.to_thread(move))
        seen = set()
        while not moving.done():
            [(today, archived)] = await asked.rows(both)
            assert today + archived == 201
            seen.add(archived)
        await moving
        assert await asked.rows(both) == [(0, 201)]
        assert await asked.rows("SELECT count(*) FROM temp.today_sessions") == [(0,)], "forgotten, too"
    assert len(seen) > 1


@pytest.mark.alone
async def test_the_wal_does_not_grow_while_questions_are_asked_all_the_time(path: Path) -> None:
    """Questions hold a snapshot nearly always, and the writer has no pause: the WAL starts again even so.

    The reader's thread has a low priority. Beside busy programs it would hold a snapshot for longer.
    """
    running = Running(path, synchronous="NORMAL")
    running.store(*logons("alice"))
    is_over = threading.Event()
    held: list[int] = []

    def hold(access: Access) -> None:
        with access.snapshot():
            while not access.is_piece_over() and not is_over.is_set():
                time.sleep(0.001)

    async def ask(asked: Asking) -> None:
        while not is_over.is_set():
            outcomes = await asyncio.gather(*(asked.put(hold) for _ in range(4)), return_exceptions=True)
            for outcome in outcomes:  # a reader that is far behind the writer lets them ask again
                assert outcome is None or isinstance(outcome, QuestionRefusedError), outcome
            held.append(outcomes.count(None))

    def store() -> int:
        largest = 0
        for number in range(2_000):
            running.store(*logons(*(f"user{number}-{each}" for each in range(50))))
            largest = max(largest, path.with_name("winlog.db-wal").stat().st_size)
        is_over.set()
        return largest

    async with asking(path, piece_s=0.1, wal_bytes=6 << 20) as asked:
        questions = asyncio.create_task(ask(asked))
        largest = await asyncio.to_thread(store)
        await questions
    running.stop()
    print(f"largest WAL: {largest / 2**20:.1f} MiB")
    assert sum(held) > 8  # each holds a snapshot for a tenth of a second
    assert largest < 12 << 20
