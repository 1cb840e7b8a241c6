"""The reader's thread: begins with a question, answers one after the other, ends when idle or at a stop."""

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.paths import ROOT
from tests.support.reading import FOR_EVER, SESSIONS, Asking, asking, reader_threads, rows_of, until_no_thread
from tests.support.running import PATIENCE_S, Winlogd
from tests.support.writing import Running, event, logons
from winlogd.store.errors import QuestionFailedError, QuestionRefusedError, QuestionTooLongError
from winlogd.store.read.access import Access
from winlogd.store.read.answering import Answering
from winlogd.store.read.reader import Reader

ONE: Final = "SELECT 1"


UNTIL_ASKED: Final = """
import asyncio, sys, threading
from winlogd.store.file.settings import Settings
from winlogd.store.read.reader import Reader

async def main():
    reader = Reader(asyncio.get_running_loop(), Settings("{path}", "WAL", "FULL", 0, 0))
    reader.begin()
    print(threading.active_count(), "apsw" in sys.modules, "winlogd.store.read.access" in sys.modules)
    ended = asyncio.Event()
    reader.ask("anne", lambda access: 0, print)
    reader.stop(ended.set)
    await ended.wait()
    print("winlogd.store.read.access" in sys.modules)

asyncio.run(main())
"""


def test_before_the_first_question_there_is_no_thread_and_no_sql(writer: Running) -> None:
    command = [sys.executable, "-c", UNTIL_ASKED.replace("{path}", str(writer.path))]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "1 False False"
    assert said[-1] == "True"


async def test_a_question_is_answered_with_what_the_writer_has_just_committed(path: Path, writer: Running) -> None:
    async with asking(path) as asked:
        assert await asked.rows(SESSIONS) == [("alice", "A102-07", 0)]
        writer.store(event("C", "08:05:00", "bob", "A102-08"), event("D", "09:00:00"))
        assert await asked.rows(SESSIONS) == [("alice", "A102-07", 1), ("bob", "A102-08", 0)]


async def test_a_question_sees_what_another_program_has_just_committed(path: Path, writer: Running) -> None:
    async with asking(path) as asked:
        await asked.rows(ONE)
        writer.execute(
            "INSERT INTO events_today (username, action, timestamp, hostname) VALUES ('bob', 'C', '2026-01-13', 'B')"
        )
        assert [row[0] for row in await asked.rows(SESSIONS)] == ["alice", "bob"]
        writer.execute("DELETE FROM events_today WHERE username = 'alice'")
        assert [row[0] for row in await asked.rows(SESSIONS)] == ["bob"]


async def test_before_the_database_is_open_a_question_is_refused(path: Path) -> None:
    outcomes: list[object] = []
    reader = Reader(asyncio.get_running_loop(), Asking(path).reader._settings)
    reader.ask("anne", lambda _: 0, outcomes.append)
    assert isinstance(outcomes[0], QuestionRefusedError)
    assert not reader_threads()


async def test_the_thread_leaves_the_processor_to_events(path: Path, writer: Running) -> None:
    def priority(access: Access) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async with asking(path) as asked:
        assert await asked.put(priority) >= 10
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < 10


async def test_one_reader_may_have_four_questions_waiting(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    async with asking(path) as asked:
        waiting = [asked.put(lambda _: go_on.wait(), "anne") for _ in range(4)]
        with pytest.raises(QuestionRefusedError):
            await asked.put(lambda _: True, "anne")
        waiting.append(asked.put(lambda _: True, "bert"))
        go_on.set()
        assert await asyncio.gather(*waiting) == [True] * 5
        assert await asked.put(lambda _: "again", "anne") == "again"


async def test_of_all_readers_64_questions_may_wait(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    async with asking(path) as asked:
        waiting = [asked.put(lambda _: go_on.wait(), f"reader{number // 4}") for number in range(64)]
        with pytest.raises(QuestionRefusedError):
            await asked.put(lambda _: True, "another")
        go_on.set()
        assert await asyncio.gather(*waiting) == [True] * 64
        assert await asked.put(lambda _: True, "another")


async def test_an_exception_of_a_question_is_handed_back_and_the_next_question_works(
    path: Path, writer: Running
) -> None:
    def fails(access: Access) -> None:
        with access.snapshot() as connection:
            for _ in connection.execute("SELECT id FROM events_today"):
                raise ZeroDivisionError

    async with asking(path) as asked:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await asked.put(fails)
            with pytest.raises(apsw.SQLError):
                await asked.rows("SELECT nonsense")
            assert len(await asked.rows(SESSIONS)) == 1


async def test_an_exception_holds_no_snapshot_though_somebody_keeps_it(path: Path, writer: Running) -> None:
    def inner(connection: apsw.Connection) -> None:
        cursor = connection.execute("SELECT id FROM events_today UNION ALL SELECT 2")
        next(cursor)
        raise ZeroDivisionError

    def fails(access: Access) -> None:
        with access.snapshot() as connection:
            inner(connection)

    async with asking(path) as asked:
        before = await asked.put(id)
        with pytest.raises(ZeroDivisionError) as kept:
            await asked.put(fails)
        assert await asked.put(id) == before, "the connection is still open"
        writer.store(*logons("bob"))
        assert writer.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert kept.value is not None


async def test_a_result_that_keeps_a_cursor_holds_no_snapshot(path: Path, writer: Running) -> None:
    def keeps(access: Access) -> object:
        with access.snapshot() as connection:
            cursor = connection.execute("SELECT id FROM events_today UNION ALL SELECT 2")
            next(cursor)
            return cursor

    async with asking(path) as asked:
        cursor = await asked.put(keeps)
        writer.store(*logons("bob"))
        assert writer.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        with pytest.raises(apsw.Error):
            next(cursor)  # type: ignore[call-overload]
        assert len(await asked.rows(SESSIONS)) == 2


async def test_after_an_idle_time_the_thread_ends_and_the_next_question_starts_another(
    path: Path, writer: Running
) -> None:
    async with asking(path, idle_s=0.01) as asked:
        for _ in range(3):
            assert len(await asked.rows(SESSIONS)) == 1
            await until_no_thread()


async def test_questions_at_the_moment_at_which_the_thread_ends_are_answered(path: Path, writer: Running) -> None:
    async with asking(path, idle_s=0.0) as asked:
        for _ in range(100):
            assert await asked.put(lambda _: "answered") == "answered"


async def test_a_stop_interrupts_a_statement_and_refuses_the_waiting_questions(path: Path, writer: Running) -> None:
    runs = threading.Event()

    def for_ever(access: Access) -> object:
        with access.snapshot() as connection:
            runs.set()
            return connection.execute(FOR_EVER).fetchall()

    asked = Asking(path, question_s=1e6, snapshot_s=1e6)
    running, waiting = asked.put(for_ever), asked.put(lambda _: 1)
    await asyncio.to_thread(runs.wait)
    await asked.stop()
    for future in (running, waiting, asked.put(lambda _: 1)):
        with pytest.raises(QuestionRefusedError):
            await future
    assert writer.stop() is None
    assert not path.with_name("winlog.db-wal").exists(), "the writer's was the last connection"


async def test_a_stop_ends_a_question_between_two_statements(path: Path, writer: Running) -> None:
    runs = threading.Event()

    def for_ever(access: Access) -> None:
        while True:
            with access.snapshot():
                runs.set()
                while not access.is_piece_over():
                    pass

    asked = Asking(path, question_s=1e6, snapshot_s=1e6, piece_s=0.001)
    future = asked.put(for_ever)
    await asyncio.to_thread(runs.wait)
    await asked.stop()
    with pytest.raises(QuestionRefusedError):
        await future


async def test_a_stop_ends_the_wait_for_a_lock(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as other:
        other.execute("CREATE TABLE events_today (id INTEGER PRIMARY KEY)")
        other.execute("BEGIN EXCLUSIVE")
        asked = Asking(path, "DELETE", question_s=1e6, busy_timeout_ms=10**9)
        future = asked.put(lambda access: rows_of(access, SESSIONS))
        await asked.stop()
        with pytest.raises((QuestionRefusedError, apsw.BusyError)):
            await future


async def test_a_stop_without_a_question_needs_no_thread(path: Path) -> None:
    await Asking(path).stop()
    assert not reader_threads()


async def test_a_reader_that_cannot_be_loaded_answers_with_the_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "winlogd.store.read.answering", None)
    async with asking(path) as asked:
        for _ in range(2):
            with pytest.raises(ImportError):
                await asked.rows(ONE)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
async def test_what_would_end_a_program_ends_one_question_only(
    path: Path, writer: Running, error: BaseException
) -> None:
    def ends(access: Access) -> None:
        raise error

    async with asking(path) as asked:
        for _ in range(2):
            with pytest.raises(QuestionFailedError, match=type(error).__name__):
                await asyncio.wait_for(asked.put(ends), PATIENCE_S)
            assert len(await asked.rows(SESSIONS)) == 1


async def test_what_ends_the_thread_itself_answers_all_questions_and_a_stop_ends(
    path: Path, writer: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(Answering, "answer", ends)
    async with asking(path) as asked:
        for future in [asked.put(lambda _: 1), asked.put(lambda _: 2)]:
            with pytest.raises(QuestionFailedError):
                await asyncio.wait_for(future, PATIENCE_S)


async def test_a_statement_that_takes_too_long_is_ended_and_the_next_question_works(
    path: Path, writer: Running
) -> None:
    async with asking(path, snapshot_s=0.01) as asked:
        for _ in range(3):
            with pytest.raises(QuestionTooLongError):
                await asked.rows(FOR_EVER)
            assert len(await asked.rows(SESSIONS)) == 1


async def test_a_question_that_takes_too_long_is_ended_whatever_it_does(path: Path, writer: Running) -> None:
    def many_pieces(access: Access) -> None:
        while True:
            with access.snapshot():
                while not access.is_piece_over():
                    pass

    async with asking(path, question_s=0.02, piece_s=0.001) as asked:
        with pytest.raises(QuestionTooLongError):
            await asked.put(many_pieces)
        with pytest.raises(QuestionTooLongError):
            await asked.rows(FOR_EVER)
        assert await asked.put(lambda _: 1) == 1


# ── the daemon ────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_nobody_asks_has_no_thread_of_a_reader(server: Winlogd) -> None:
    server.wait_until_settled()
    with suppress(FileNotFoundError):  # a thread may end while it is looked at
        names = {path.read_text().strip() for path in Path(f"/proc/{server.process.pid}/task").glob("*/comm")}
        assert "reader" not in names
    assert server.stop() == 0
