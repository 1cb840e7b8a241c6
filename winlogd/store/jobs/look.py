"""A job that looks whether the past has to be built, and does nothing else.

It loads none of the modules that build: a server in whose archive nobody writes or deletes does not need them.
"""

from collections.abc import Mapping
from typing import final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.jobs.job import Step
from winlogd.store.past.progress import is_due


@final
class Look:
    """Looks in one step, which writes nothing and takes no lock. It goes before long jobs.

    Attributes:
        outcome: True if the past has to be built or rebuilt, or its hours have to be counted.
    """

    goes_first = True
    needs_space = False
    needs_transaction = False
    progress: Mapping[str, int] = {}  # read only

    def __init__(self) -> None:
        self.outcome = False

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Look.

        Raises:
            apsw.Error: SQLite's own.
        """
        self.outcome = is_due(connection)
        return Step(is_last=True, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the step is done: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: this job holds nothing."""
