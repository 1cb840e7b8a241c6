"""What questions share that wait for a reader at the same time: equal ones an answer, and the others a snapshot."""

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.reading import FOR_EVER, SESSIONS, Asking, asking, rows_of
from tests.support.running import PATIENCE_S
from tests.support.writing import Running, event
from winlogd.store.errors import QuestionRefusedError
from winlogd.store.read.access import Access


async def held_up(asked: Asking) -> threading.Event:
    """Ask a question that all later ones have to wait for, until the event is set."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(access: Access) -> None:
        begun.set()
        go_on.wait(PATIENCE_S)

    asked.put(wait)
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    return go_on


async def test_equal_questions_that_wait_share_the_answer_to_the_last_one(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    answered: list[int] = []

    def answering(number: int) -> Callable[[Access], int]:
        def answer(access: Access) -> int:
            answered.append(number)
            return number

        return answer

    async with asking(path) as asked:
        first = asked.put(lambda _: go_on.wait())
        equal = [asked.put(answering(each), f"reader{each}", same="rooms") for each in range(5)]
        other = asked.put(answering(5), "bert", same="machines")
        alone = [asked.put(answering(each), f"reader{each}") for each in (6, 7)]
        go_on.set()
        assert await asyncio.gather(first, *equal, other, *alone) == [True, 4, 4, 4, 4, 4, 5, 6, 7]
    assert answered == [4, 5, 6, 7]


async def test_an_equal_question_that_comes_during_an_answer_gets_an_answer_of_its_own(
    path: Path, writer: Running
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def early(access: Access) -> list[str]:
        names = [row[0] for row in rows_of(access, SESSIONS)]
        begun.set()
        go_on.wait(PATIENCE_S)
        return names

    async with asking(path) as asked:
        first = asked.put(early, same="sessions")
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        writer.store(event("C", "08:05:00", "bob", "A102-08"))
        second = asked.put(lambda access: [row[0] for row in rows_of(access, SESSIONS)], same="sessions")
        go_on.set()
        assert await first == ["alice"]
        assert await second == ["alice", "bob"]


async def test_each_of_some_equal_questions_counts_and_each_is_told_of_the_fault(path: Path, writer: Running) -> None:
    go_on = threading.Event()

    def fails(access: Access) -> None:
        raise ZeroDivisionError

    async with asking(path) as asked:
        first = asked.put(lambda _: go_on.wait(), "bert")
        equal = [asked.put(fails, "anne", same="rooms") for _ in range(4)]
        with pytest.raises(QuestionRefusedError):
            await asked.put(fails, "anne", same="rooms")
        assert asked.reader.waiting == 5
        go_on.set()
        outcomes = await asyncio.gather(first, *equal, return_exceptions=True)
        assert [type(each) for each in outcomes[1:]] == [ZeroDivisionError] * 4
        assert await asked.put(lambda _: "again", "anne", same="rooms") == "again"


async def test_a_stop_refuses_all_equal_questions_that_wait(path: Path, writer: Running) -> None:
    begun = threading.Event()

    def begin(access: Access) -> None:
        begun.set()
        rows_of(access, FOR_EVER)

    asked = Asking(path)
    first = asked.put(begin)
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    equal = [asked.put(lambda _: True, f"reader{each}", same="rooms") for each in range(3)]
    await asked.stop()
    outcomes = await asyncio.gather(first, *equal, return_exceptions=True)
    assert [type(each) for each in outcomes] == [QuestionRefusedError] * 4


async def test_questions_that_wait_share_a_snapshot_and_later_ones_see_what_came_later(
    path: Path, writer: Running
) -> None:
    def names(access: Access) -> list[str]:
        return [row[0] for row in rows_of(access, SESSIONS)]

    def names_of_now(access: Access) -> list[str]:
        found = names(access)
        writer.store(event("C", "08:05:00", "bob", "A102-08"))
        return found

    async with asking(path, shared_s=PATIENCE_S) as asked:
        go_on = await held_up(asked)
        waiting = [asked.put(names_of_now), asked.put(names)]
        go_on.set()
        assert await waiting[0] == ["alice"]
        assert await waiting[1] == ["alice"]
        assert await asked.put(names) == ["alice", "bob"]


async def test_a_snapshot_that_has_become_old_is_not_shared(path: Path, writer: Running) -> None:
    def slow(access: Access) -> int:
        found = len(rows_of(access, SESSIONS))
        writer.store(event("C", "08:05:00", "bob", "A102-08"))
        return found

    async with asking(path, shared_s=0.0) as asked:
        go_on = await held_up(asked)
        waiting = [asked.put(slow), asked.put(lambda access: len(rows_of(access, SESSIONS)))]
        go_on.set()
        assert await waiting[0] == 1
        assert await waiting[1] == 2


async def test_a_question_that_fails_in_a_shared_snapshot_leaves_the_next_one_a_new_one(
    path: Path, writer: Running
) -> None:
    def fails(access: Access) -> None:
        with access.snapshot():
            writer.store(event("C", "08:05:00", "bob", "A102-08"))
            raise ZeroDivisionError

    async with asking(path, shared_s=PATIENCE_S) as asked:
        go_on = await held_up(asked)
        before, failing = asked.put(lambda access: len(rows_of(access, SESSIONS))), asked.put(fails)
        after = asked.put(lambda access: len(rows_of(access, SESSIONS)))
        go_on.set()
        assert await before == 1
        with pytest.raises(ZeroDivisionError):
            await failing
        assert await after == 2


async def test_a_question_that_has_kept_a_cursor_leaves_the_next_one_no_old_snapshot(
    path: Path, writer: Running
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    kept: list[apsw.Cursor] = []

    def keeps(access: Access) -> None:
        with access.snapshot() as connection:
            kept.append(connection.execute("SELECT id FROM events_today UNION ALL SELECT 2"))
        begun.set()
        go_on.wait(PATIENCE_S)

    async with asking(path, shared_s=PATIENCE_S) as asked:
        first = asked.put(keeps)
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        writer.store(event("C", "08:05:00", "bob", "A102-08"))
        second = asked.put(lambda access: len(rows_of(access, SESSIONS)))
        go_on.set()
        await first
        assert await second == 2


async def test_when_no_question_waits_no_snapshot_is_open(path: Path, writer: Running) -> None:
    async with asking(path) as asked:
        await asyncio.gather(*(asked.rows(SESSIONS) for _ in range(4)))
        with closing(apsw.Connection(str(path))) as other:
            other.set_busy_timeout(int(1000 * PATIENCE_S))  # the reader leaves it just after its last answer
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
            assert not busy


async def test_a_fault_reaches_all_equal_questions_although_each_raises_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose question ends with a fault of winlogd's own raises it, for the log."""
    monkeypatch.setitem(sys.modules, "winlogd.store.read.answering", None)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    told: list[object] = []
    all_told = asyncio.Event()

    def raising(outcome: object) -> None:
        told.append(outcome)
        if len(told) == 3:
            all_told.set()
        raise RuntimeError

    async with asking(path) as asked:
        for _ in range(3):
            asked.reader.ask("anne", lambda access: None, raising, "rooms")
        await asyncio.wait_for(all_told.wait(), PATIENCE_S)
        assert all(isinstance(each, ImportError) for each in told)
        assert asked.reader.waiting == 0
