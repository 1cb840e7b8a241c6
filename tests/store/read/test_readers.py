"""The two readers of a server: made when somebody asks, and then as far as the server is."""

import asyncio
from pathlib import Path

from tests.support.reading import reader_threads
from tests.support.writing import Running
from winlogd.store.errors import QuestionRefusedError
from winlogd.store.file.settings import Settings
from winlogd.store.read.reader import Reader
from winlogd.store.read.readers import Readers


async def outcome_of(reader: Reader) -> object:
    """Ask a question, and return its result or its exception."""
    answered = asyncio.get_running_loop().create_future()
    reader.ask("anne", lambda _: "answer", answered.set_result)
    return await answered


def readers_of(path: Path) -> Readers:
    return Readers(asyncio.get_running_loop(), Settings(str(path), "WAL", "FULL", 0, 0))


async def stopped(readers: Readers) -> None:
    ended = asyncio.Event()
    readers.stop(ended.set)
    await ended.wait()


async def test_readers_that_nobody_asks_stop_at_once(path: Path) -> None:
    await stopped(readers_of(path))


async def test_a_reader_that_was_made_before_the_database_was_open_answers_afterwards(
    path: Path, writer: Running
) -> None:
    readers = readers_of(path)
    assert isinstance(await outcome_of(readers.questions), QuestionRefusedError)
    readers.begin()
    assert await outcome_of(readers.questions) == "answer"
    await stopped(readers)


async def test_a_reader_that_is_made_later_answers_at_once(path: Path, writer: Running) -> None:
    readers = readers_of(path)
    readers.begin()
    assert await outcome_of(readers.downloads) == "answer"
    assert await outcome_of(readers.questions) == "answer"
    assert readers.questions is readers.questions
    assert readers.questions is not readers.downloads
    await stopped(readers)


async def test_a_reader_that_is_made_during_a_stop_refuses(path: Path, writer: Running) -> None:
    readers = readers_of(path)
    readers.begin()
    await stopped(readers)
    assert isinstance(await outcome_of(readers.questions), QuestionRefusedError)
    assert not reader_threads()
