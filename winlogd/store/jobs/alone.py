"""Runs a job without a server, in a process that owns the database for that time.

No event waits, only other programs do. So there are no pauses between the steps. This file must not know the writer's
thread, or how the process owns the file.
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

_RETRY_S: Final = 0.01
"""The pause between two attempts to get a lock."""


def run_alone(
    job: Job[Any, Outcome], settings: Settings, report: Callable[[Mapping[str, int]], None] = lambda _: None
) -> Outcome:
    """Run `job` to its end and return its outcome.

    Args:
        job: a job that has not begun. It is abandoned at the end, also after an error.
        settings: the database, which the caller owns (`store.file.ownership`). A lock of another program is waited for
            for `busy_timeout_ms`.
        report: called after each step but the last, with the job's progress.

    Raises:
        UnusableError, ReplacedError, LowSpaceError, RowsLostError: for the reasons that `store.errors` gives. Committed
            steps stay committed.
        apsw.Error: SQLite's own.
    """
    try:
        space = FreeSpace(settings.path, settings.min_free_bytes)
        if job.needs_space:
            space.require(time.monotonic())  # before the file is opened: that may write
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
    """SQLite's busy handler for a command: waits for a lock, and gives up after `timeout_s`."""

    __slots__ = ("_begun_s", "_timeout_s")

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._begun_s = 0.0

    def waits(self, attempts: int) -> bool:
        """Wait a little. Return True if SQLite should try again, False after `timeout_s`.

        Args:
            attempts: how often SQLite has called it for this lock before.
        """
        if attempts == 0:
            self._begun_s = time.monotonic()
        time.sleep(_RETRY_S)
        return time.monotonic() - self._begun_s < self._timeout_s
