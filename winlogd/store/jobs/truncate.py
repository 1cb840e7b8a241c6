"""Empties the WAL, or the journal that SQLite keeps: they hold pages as they were before rows were deleted.

A reader that looks at an older state keeps the WAL. The job waits for it a while. This file must not know what was
deleted.
"""

from collections.abc import Mapping
from typing import Final, final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.file.faults import LOCKS
from winlogd.store.jobs.job import Step

_MOST_ATTEMPTS: Final = 200
"""The runner tries again after 0.05 s. A question of a reader ends in some seconds."""


@final
class Truncate:
    """Empties it in one step, which may be tried many times. It goes before long jobs.

    Attributes:
        outcome: True if it is empty; False if a reader or another program has kept it all the time.
    """

    goes_first = True
    needs_space = False
    needs_transaction = False
    progress: Mapping[str, int] = {}  # read only

    def __init__(self) -> None:
        self._attempts = 0
        self.outcome = False

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Empty it.

        Raises:
            apsw.BusyError, apsw.LockedError: a reader needs it. The runner calls this again.
            apsw.Error: SQLite's own.
        """
        self._attempts += 1
        try:
            self._empty(connection)
        except LOCKS:
            if self._attempts < _MOST_ATTEMPTS:
                raise
            return Step(is_last=True, wrote=False)
        self.outcome = True
        return Step(is_last=True, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the step is done: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: this job holds nothing."""

    @staticmethod
    def _empty(connection: apsw.Connection) -> None:
        match str(connection.pragma("journal_mode")):
            case "wal":
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            case "persist":  # a change of the mode deletes the journal
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute("PRAGMA journal_mode = PERSIST")
            case _:
                pass  # SQLite has deleted or cut it at the COMMIT
