"""A job that sets one mark (`store.file.marks`) and does nothing else."""

from collections.abc import Mapping
from typing import final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.file.marks import set_mark
from winlogd.store.jobs.job import Step


@final
class SetMark:
    """Sets the mark `key` to `value` in one step. It goes before long jobs."""

    goes_first = True
    needs_space = True
    needs_transaction = True
    outcome = None
    progress: Mapping[str, int] = {}  # read only

    def __init__(self, key: str, value: str) -> None:
        self.key = key
        self.value = value

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Set the mark, inside the transaction that the caller has begun.

        Raises:
            apsw.Error: SQLite's own.
        """
        set_mark(connection, self.key, self.value)
        return Step(is_last=True, wrote=True)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the mark is committed: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: this job holds nothing."""
