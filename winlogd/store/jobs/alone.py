"""Runs a job without a server: in a process that owns the database for as long as that takes.

Nobody but other programs waits beside it, so there are no pauses. Knows the database and the job's steps; neither who
owns the file nor who is told.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from winlogd.sessions.book import Book
from winlogd.store import load_book
from winlogd.store.file.database import Database
from winlogd.store.file.free_space import FreeSpace
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.job import Job, Outcome, Step
from winlogd.store.recheck import Recheck

_LOOKS_AGAIN_AFTER_S: Final = 0.01


def run_alone(
    job: Job[Any, Outcome], settings: Settings, report: Callable[[Mapping[str, int]], None] = lambda _: None
) -> Outcome:
    """Run `job` to its end and return its outcome.

    Args:
        job: not begun.
        settings: the database, which the caller owns (`store.file.ownership`). A lock of another program is waited for
            as long as its `busy_timeout_ms` says.
        report: called after each step with how far the job is.

    Raises:
        UnusableError, ReplacedError, LowSpaceError, RowsLostError: as the server would; what is committed stays so.
        apsw.Error: SQLite's own.
    """
    try:
        space = FreeSpace(settings.path, settings.min_free_bytes)
        if job.needs_space:
            space.require(time.monotonic())  # before the file is opened, which may change it
        database = Database(settings, LockWait(settings.busy_timeout_ms / 1000).waits)
        try:
            book = load_book.load_whole(database.connection)
            recheck = Recheck(database.connection, book)
            while not _step(job, database, book, recheck, space).is_last:
                report(job.progress)
            return job.outcome
        finally:
            database.close()
    finally:
        job.abandon()


def _step(job: Job[Any, Outcome], database: Database, book: Book, recheck: Recheck, space: FreeSpace) -> Step:
    if job.needs_space:
        space.require(time.monotonic())
    commits = job.needs_transaction
    if commits:
        load_book.begin(database, book, recheck)
        while recheck.is_due:  # at once: no event waits
            recheck.go_on()
    else:
        database.check_identity()
    begun_s = time.monotonic()
    step: Step = job.step(database.connection, book, time.time())
    if commits:
        database.commit()
    job.took(step, book, time.monotonic() - begun_s)
    return step


class LockWait:
    """A busy handler that gives up after a time."""

    __slots__ = ("_begun_s", "_timeout_s")

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._begun_s = 0.0

    def waits(self, attempts: int) -> bool:
        """Wait a little. Return True if it is worth trying again."""
        if attempts == 0:
            self._begun_s = time.monotonic()
        time.sleep(_LOOKS_AGAIN_AFTER_S)
        return time.monotonic() - self._begun_s < self._timeout_s
