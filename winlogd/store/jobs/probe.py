"""A job that finds out if the database can be written, and does nothing else. It changes nothing.

It waits for another program's lock and for free space, as events do. Whoever waits learns of it by `Store.writability`.
"""

from collections.abc import Mapping
from typing import final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.jobs.job import Step


@final
class Probe:
    """Begins one write transaction and ends it. It goes before long jobs."""

    goes_first = True
    needs_space = True
    needs_transaction = True
    outcome = None
    progress: Mapping[str, int] = {}  # read only

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Do nothing: the caller has begun the transaction."""
        return Step(is_last=True, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the transaction has ended: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: this job holds nothing."""
