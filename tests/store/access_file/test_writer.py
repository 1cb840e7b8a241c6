"""The thread that writes the file of readers."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.support.running import PATIENCE_S, wait_for
from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.access_file.readers import add_reader, list_readers, revoke_reader
from winlogd.store.access_file.writer import AccessWriter


class Asking:
    """A writer, and the loop on which it is asked."""

    def __init__(self, path: Path, idle_s: float = 600) -> None:
        self.may_open = threading.Event()
        self.may_open.set()
        self.path = path
        self.writer = AccessWriter(asyncio.get_running_loop(), str(path), self.may_open, idle_s)

    async def ask(self, work: Callable[[apsw.Connection], Any], **options: object) -> Any:  # noqa: ANN401
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.writer.ask(work, answer.set_result, **options)
        return await asyncio.wait_for(answer, PATIENCE_S)

    async def add(self, name: str) -> Any:  # noqa: ANN401  # a bool, or an error
        return await self.ask(lambda connection: add_reader(connection, name, "all", None, name.encode(), 0, None))

    async def names(self) -> list[str]:
        return [row.name for row in await self.ask(list_readers)]

    async def stop(self) -> None:
        ended = asyncio.Event()
        self.writer.stop(ended.set)
        await asyncio.wait_for(ended.wait(), PATIENCE_S)


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Asking]:
    asking = Asking(tmp_path / "winlog.access")
    yield asking
    await asking.stop()


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def copied(folder: Path) -> Path:
    """Return a folder with a copy of the file and its WAL."""
    copy = folder / "copy"
    copy.mkdir()
    for path in folder.glob("winlog.access*"):
        shutil.copy(path, copy)
    return copy


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


async def test_without_work_there_is_no_thread_and_no_file(tmp_path: Path) -> None:
    asking = Asking(tmp_path / "winlog.access")
    assert "access" not in threads()
    await asking.stop()
    assert names_in(tmp_path) == []


async def test_work_that_needs_no_file_makes_none(asking: Asking) -> None:
    assert await asking.ask(list_readers, missing=["none"]) == ["none"]
    assert not asking.path.exists()
    assert await asking.add("alice") is True
    assert len(await asking.ask(list_readers, missing=["none"])) == 1


async def test_what_is_answered_survives_the_death_of_the_process(asking: Asking, tmp_path: Path) -> None:
    """The rows are in copies of the two files that are made at that moment."""
    assert await asking.add("alice") is True
    other = Asking(copied(tmp_path) / "winlog.access")
    assert await other.names() == ["alice"]
    await other.stop()


async def test_a_refusal_concerns_its_own_work_alone(asking: Asking) -> None:
    refused, added = await asyncio.gather(
        asking.ask(lambda connection: revoke_reader(connection, "nobody", 0)), asking.add("alice")
    )
    assert isinstance(refused, OrderRefusedError)
    assert added is True
    assert await asking.names() == ["alice"]


async def test_after_a_fault_the_file_is_opened_again(asking: Asking) -> None:
    await asking.add("alice")
    asking.path.rename(asking.path.with_name("old"))
    assert isinstance(await asking.add("bob"), AccessFileError)
    assert await asking.names() == []
    await asking.add("carol")
    assert await asking.names() == ["carol"]


async def test_a_fault_in_the_work_is_its_answer_and_the_writer_goes_on(asking: Asking) -> None:
    assert isinstance(await asking.ask(lambda connection: 1 / 0), ZeroDivisionError)
    assert isinstance(await asking.ask(lambda connection: connection.execute("NONSENSE")), AccessFileError)
    assert await asking.add("alice") is True


async def test_an_idle_file_is_closed_and_opened_again(tmp_path: Path) -> None:
    asking = Asking(tmp_path / "winlog.access", idle_s=0.01)
    await asking.add("alice")
    await asyncio.to_thread(wait_for, lambda: names_in(tmp_path) == ["winlog.access"], "a closed file")
    assert await asking.names() == ["alice"]
    await asking.stop()


async def test_a_file_that_may_rest_has_no_wal_and_is_opened_again(asking: Asking, tmp_path: Path) -> None:
    await asking.add("alice")
    assert "winlog.access-wal" in names_in(tmp_path)
    asking.writer.rest()
    await asyncio.to_thread(wait_for, lambda: names_in(tmp_path) == ["winlog.access"], "a closed file")
    assert await asking.names() == ["alice"]


async def test_nothing_is_opened_before_sqlite_is_configured(tmp_path: Path) -> None:
    asking = Asking(tmp_path / "winlog.access")
    asking.may_open.clear()
    waiting = asyncio.ensure_future(asking.add("alice"))
    await asyncio.sleep(0.1)
    assert not asking.path.exists()
    asking.may_open.set()
    assert await waiting is True
    await asking.stop()


async def test_a_stop_answers_what_waits_even_if_sqlite_is_never_configured(tmp_path: Path) -> None:
    asking = Asking(tmp_path / "winlog.access")
    asking.may_open.clear()
    waiting = asyncio.ensure_future(asking.add("alice"))
    await asyncio.sleep(0)
    await asking.stop()
    assert isinstance(await waiting, AccessFileError)
    assert isinstance(await asking.add("bob"), AccessFileError)


async def test_a_stop_does_the_work_that_waits_and_closes_the_file(tmp_path: Path) -> None:
    asking = Asking(tmp_path / "winlog.access")
    waiting = [asyncio.ensure_future(asking.add(f"reader {number}")) for number in range(50)]
    await asyncio.sleep(0)
    await asking.stop()
    assert sum(await asyncio.gather(*waiting)) == 1  # one of them was the first reader
    assert names_in(tmp_path) == ["winlog.access"]
