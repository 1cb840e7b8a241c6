"""Who is told what the writer does."""

from collections.abc import Sequence
from typing import Protocol

import apsw

from winlogd.session import Book
from winlogd.store.rotation import Moved
from winlogd.store.submission import Result, Submission


class Listener(Protocol):
    """Who is told what the writer does; called on the writer's thread."""

    def opened(self, upgraded: bool, rotated_day: str | None) -> None:
        """The database is open; `upgraded` from an older server's, last rotated on `rotated_day`, ``YYYY-MM-DD``."""

    def loaded(self, book: Book) -> None:
        """Open sessions are in memory; called again after the database had to be opened afresh."""

    def finished(self, results: Sequence[Result]) -> None:
        """What has become of some events: those with a Decision are committed."""

    def rotated(self, outcome: Moved | Exception) -> None:
        """A rotation has ended: what it has done, or why it could not go on."""

    def waiting(self, error: Exception) -> None:
        """The database cannot be written for now; told once for each kind of reason until `recovered`."""

    def recovered(self) -> None:
        """It has been written again after `waiting`."""

    def wal_grown(self, size_bytes: int, fault: apsw.Error | None) -> None:
        """The WAL has become large: checkpoints fail for `fault`, or somebody keeps them from coming to their end."""

    def failed(self, error: Exception, submission: Submission) -> None:
        """One event could not be stored."""

    def ended(self, error: BaseException | None) -> None:
        """The thread is about to end: None as asked to, else the process must not go on."""
