"""The reader's thread does not work for those who have gone, if others would be refused for it."""

import asyncio
import gc
import threading
import weakref
from pathlib import Path

import pytest

from tests.support.reading import FOR_EVER, Asking, asking, rows_of
from tests.support.writing import Running
from winlogd.store.errors import QuestionRefusedError


def for_ever(asked: Asking, begun: threading.Event, waits: bool) -> "asyncio.Future[object]":
    """Ask what has no end. `begun` is set when the reader's thread is at it."""

    def question(access: object) -> object:
        begun.set()
        return rows_of(access, FOR_EVER)  # type: ignore[arg-type]  # an Access

    return asked.put(question, "anne", waits=lambda: waits)


async def test_what_a_reader_has_left_makes_room_for_the_next_questions(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    async with asking(path) as asked:
        left = [asked.put(lambda _: go_on.wait(), waits=lambda: False) for _ in range(4)]
        waiting = [asked.put(lambda _: "answer") for _ in range(4)]
        for each in left:
            with pytest.raises(QuestionRefusedError):
                await each
        assert asked.reader.waiting == 4
        go_on.set()
        assert await asyncio.gather(*waiting) == ["answer"] * 4
        assert asked.reader.waiting == 0


async def test_who_waits_keeps_the_place_beside_one_who_has_gone(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    async with asking(path) as asked:
        waiting = [asked.put(lambda _: go_on.wait()) for _ in range(3)]
        left = asked.put(lambda _: go_on.wait(), waits=lambda: False)
        waiting.append(asked.put(lambda _: True))
        with pytest.raises(QuestionRefusedError):
            await left
        with pytest.raises(QuestionRefusedError):
            await asked.put(lambda _: True)
        go_on.set()
        assert await asyncio.gather(*waiting) == [True] * 4


async def test_the_question_that_is_being_answered_ends_if_it_is_refused(path: Path, writer: Running) -> None:
    async with asking(path, waiting_of_one=1, question_s=3600.0, snapshot_s=3600.0, piece_s=3600.0) as asked:
        begun = threading.Event()
        left = for_ever(asked, begun, waits=False)
        await asyncio.to_thread(begun.wait)
        assert await asked.put(lambda _: "next") == "next"  # it would wait for an hour otherwise
        with pytest.raises(QuestionRefusedError):
            await left


async def test_a_question_that_was_refused_is_not_asked_any_more(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    asked_too: list[str] = []
    async with asking(path, waiting_of_one=2) as asked:
        running = asked.put(lambda _: go_on.wait(), "bert")
        left = [asked.put(lambda _: asked_too.append("left"), waits=lambda: False) for _ in range(2)]
        last = asked.put(lambda _: asked_too.append("last"))
        go_on.set()
        await asyncio.gather(running, last)
        assert asked_too == ["last"]
        for each in left:
            with pytest.raises(QuestionRefusedError):
                await each


async def test_questions_that_were_refused_leave_nothing_in_the_queue(path: Path, writer: Running) -> None:
    go_on = threading.Event()

    class Kept:
        """What a question holds on to, such as its connection."""

    def left(number: int, same: str | None) -> "weakref.ref[Kept]":
        kept = Kept()
        refused = asked.put(lambda _: kept, "anne", same, waits=lambda: False)
        refused.add_done_callback(lambda done: done.exception())
        return weakref.ref(kept)

    async with asking(path) as asked:
        running = asked.put(lambda _: go_on.wait(), "bert")
        gone = [left(number, f"question {number % 3}" if number % 2 else None) for number in range(400)]
        await asyncio.sleep(0)
        gc.collect()
        assert sum(each() is not None for each in gone) <= 4
        go_on.set()
        assert await running
        assert await asked.put(lambda _: "next") == "next"
        assert not asked.reader._queue._places


async def test_an_equal_question_that_still_waits_gets_the_answer(path: Path, writer: Running) -> None:
    go_on = threading.Event()
    async with asking(path, waiting_of_one=2) as asked:
        running = asked.put(lambda _: go_on.wait(), "bert")
        left = asked.put(lambda _: "rooms", "anne", "rooms", waits=lambda: False)
        waiting = [asked.put(lambda _: "rooms", "anne", "rooms") for _ in range(2)]
        go_on.set()
        assert await asyncio.gather(running, *waiting) == [True, "rooms", "rooms"]
        with pytest.raises(QuestionRefusedError):
            await left
