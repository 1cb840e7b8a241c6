"""The protocol by which the writer reports what it does."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import apsw

from winlogd.sessions.book import Book
from winlogd.store.submission import Result, Submission

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob


class Listener(Protocol):
    """The object that gets the writer's reports. The writer calls all methods on its own thread."""

    def opened(self, upgraded: bool, marks: Mapping[str, str]) -> None:
        """Take note that the database is open.

        Args:
            upgraded: True if the database was one of an older server.
            marks: the database's marks (`store.file.marks`), `PAST_IS_DUE` if the past has to be built, and
                `FORGETTING_IS_DUE` if tombstones may have to be applied.
        """

    def loaded(self, book: Book) -> None:
        """Take note that open sessions are in memory. Called again each time the database was opened again."""

    def finished(self, results: Sequence[Result]) -> None:
        """Take the results of some events: an event with a Decision is committed."""

    def job_ended(self, job: "AnyJob", outcome: object) -> None:
        """Take note that a job has ended: `outcome` is its own, or the exception that ended it."""

    def job_progressed(self, job: "AnyJob", progress: Mapping[str, int]) -> None:
        """Take a job's progress (`Job.progress`); called a few times a second at most."""

    def waiting(self, error: Exception) -> None:
        """Take note that the database cannot be written for now.

        Called once for each kind of error until `recovered`.
        """

    def recovered(self) -> None:
        """Take note that the database was written again after `waiting`."""

    def wal_grown(self, size_bytes: int, fault: apsw.Error | None) -> None:
        """Take note that the WAL has become large.

        Args:
            size_bytes: its size.
            fault: the error of the last checkpoint; None if a reader keeps the pages in the WAL.
        """

    def failed(self, error: Exception, submission: Submission) -> None:
        """Take note that one event could not be stored, because of `error`."""

    def ended(self, error: BaseException | None) -> None:
        """Take note that the thread ends: `error` is None after a stop; otherwise the process must end."""
