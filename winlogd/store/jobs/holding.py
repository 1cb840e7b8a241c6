"""A job that adds or ends one hold (`store.past.holds`) and does nothing else."""

from collections.abc import Mapping
from typing import final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.jobs.job import Step
from winlogd.store.past.holds import Hold, add_hold, end_hold


@final
class ChangeHolds:
    """Adds a hold, or ends one, in one step. It goes before long jobs.

    Args:
        hold: the hold to add; or the number of the hold to end.

    Attributes:
        outcome: the number of the hold; 0 if there is none to end.
    """

    goes_first = True
    needs_space = False
    needs_transaction = True
    progress: Mapping[str, int] = {}  # read only

    def __init__(self, hold: Hold | int) -> None:
        self._hold = hold
        self.outcome = 0

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Change the table, inside the transaction that the caller has begun.

        Raises:
            apsw.Error: SQLite's own.
        """
        hold = self._hold
        if isinstance(hold, Hold):
            self.outcome = add_hold(connection, hold)
        else:
            self.outcome = hold if end_hold(connection, hold) else 0
        return Step(is_last=True, wrote=self.outcome > 0)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the change is committed: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: this job holds nothing."""
