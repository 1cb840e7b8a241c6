"""Who is told what the writer does."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import apsw

from winlogd.sessions.book import Book
from winlogd.store.submission import Result, Submission

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob


class Listener(Protocol):
    """Who is told what the writer does; called on the writer's thread."""

    def opened(self, upgraded: bool, marks: Mapping[str, str]) -> None:
        """The database is open; `upgraded` from an older server's, with these `marks` (`store.file.marks`)."""

    def loaded(self, book: Book) -> None:
        """Open sessions are in memory; called again after the database had to be opened afresh."""

    def finished(self, results: Sequence[Result]) -> None:
        """What has become of some events: those with a Decision are committed."""

    def job_ended(self, job: "AnyJob", outcome: object) -> None:
        """A job has ended: its own outcome, or the exception for which it could not go on."""

    def job_progressed(self, job: "AnyJob", progress: Mapping[str, int]) -> None:
        """A job is so far (`Job.progress`); told a few times a second at most."""

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
