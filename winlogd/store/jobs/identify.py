"""A job that gives a database its own identity, if it has none yet, and does nothing else."""

import secrets
from collections.abc import Mapping
from typing import Final, final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.file.marks import DATABASE_ID, read_marks, set_mark
from winlogd.store.jobs.job import Step

_ID_BYTES: Final = 16


@final
class Identify:
    """Sets the mark `DATABASE_ID` in one step, where it is missing. It goes before long jobs."""

    goes_first = True
    needs_space = False
    needs_transaction = True
    outcome = None
    progress: Mapping[str, int] = {}  # read only

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Set the mark, inside the transaction that the caller has begun.

        Raises:
            apsw.Error: SQLite's own.
        """
        is_missing = DATABASE_ID not in read_marks(connection)
        if is_missing:
            set_mark(connection, DATABASE_ID, secrets.token_hex(_ID_BYTES))
        return Step(is_last=True, wrote=is_missing)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the mark is committed: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: this job holds nothing."""
