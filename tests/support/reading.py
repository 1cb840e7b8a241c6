"""A reader at work on a real file: its thread answers a test that runs on an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from winlogd.store.file.settings import Settings
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits
from winlogd.store.read.reader import Reader

T = TypeVar("T")

FOR_EVER: Final = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
"""A statement that never ends by itself."""
PATIENT: Final[dict[str, Any]] = {"question_s": 600.0, "snapshot_s": 600.0}
"""Limits that no busy machine reaches: the reader's thread has a low priority."""
SESSIONS: Final = """SELECT u.name, h.name, p.ended_by FROM temp.today_sessions p
    JOIN temp.today_names u ON u.id = p.user JOIN temp.today_names h ON h.id = p.host
    WHERE EXISTS (SELECT 1 FROM main.events_today e WHERE e.id = p.event_id) ORDER BY p.key"""
"""User, host and ending of the sessions of today, as `store.read.source` says which of them to read."""


def settings_of(
    path: Path, journal_mode: str = "WAL", busy_timeout_ms: int = 30_000, cache_size: int = 10_000
) -> Settings:
    return Settings(str(path), journal_mode, "FULL", busy_timeout_ms, cache_size)


def reader_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reader"]


async def until_no_thread() -> None:
    """Wait until each reader's thread has ended."""
    for thread in reader_threads():
        await asyncio.to_thread(thread.join)


class Asking:
    """A reader, and the loop on which it is asked."""

    def __init__(
        self,
        path: Path,
        journal_mode: str = "WAL",
        busy_timeout_ms: int = 30_000,
        **limits: Any,  # noqa: ANN401  # of Limits
    ) -> None:
        settings = settings_of(path, journal_mode, busy_timeout_ms)
        self.reader = Reader(asyncio.get_running_loop(), settings, Limits(**PATIENT | limits))
        self.reader.begin()

    def put(
        self,
        question: Callable[[Access], T],
        who: str = "anne",
        same: str | None = None,
        waits: Callable[[], bool] = lambda: True,
    ) -> asyncio.Future[T]:
        """Ask a question, and return the answer to come. An exception that answers it is raised by `await`."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def answered(outcome: T | Exception) -> None:
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.reader.ask(who, question, answered, same, waits)
        return future

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query in one snapshot."""
        return await self.put(lambda access: rows_of(access, sql))

    async def stop(self) -> None:
        """Stop the reader, and wait until its connection is closed."""
        ended = asyncio.Event()
        self.reader.stop(ended.set)
        await ended.wait()


@asynccontextmanager
async def asking(path: Path, journal_mode: str = "WAL", **limits: Any) -> AsyncIterator[Asking]:  # noqa: ANN401
    """Start a reader of the database at `path`, and stop it at the end of the block."""
    asked = Asking(path, journal_mode, **limits)
    try:
        yield asked
    finally:
        await asked.stop()


def rows_of(access: Access, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query in one snapshot: a question."""
    with access.snapshot() as connection:
        return connection.execute(sql).fetchall()
