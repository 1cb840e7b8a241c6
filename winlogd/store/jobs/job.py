"""What a job is: long work on the database, cut into steps so short that events hardly wait for one.

The writer's thread runs a step, writes the events that wait, and runs the next one (`running`). A command that finds no
server runs one step after the other (`alone`). A job must not know which of the two runs it.

A step that changes the database runs inside a write transaction, which whoever runs it begins and commits. Some of
SQLite's work cannot: a step of its backup fails with BusyError inside one, and a checkpoint with LockedError
(`tests/store/jobs/test_jobs.py`). A job says before each step which kind comes next.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import apsw

from winlogd.events.value import Value
from winlogd.sessions.book import Book


class Step(Value):
    """What one step has done.

    Attributes:
        is_last: the job is done.
        wrote: it changed the database. A disk that fails lets a transaction pass that only reads.
    """

    __slots__ = ("is_last", "wrote")

    def __init__(self, is_last: bool, wrote: bool) -> None:
        self.is_last = is_last
        self.wrote = wrote


Taken = TypeVar("Taken", bound=Step)
"""The steps of one kind of job."""

Outcome = TypeVar("Outcome", covariant=True)
"""What one kind of job has to tell when it is done."""


class Job(Protocol[Taken, Outcome]):
    """Work in steps. All methods are called on one thread.

    Attributes:
        goes_first: it runs before jobs that do not go first, even if such a one has begun.
        needs_space: a step may only begin while the disk has the free space of ``limits.min_free_disk``. False for a
            job that frees space.
    """

    goes_first: bool
    needs_space: bool

    @property
    def needs_transaction(self) -> bool:
        """Return True if the next step has to run inside a write transaction, False if it cannot."""

    @property
    def outcome(self) -> Outcome:
        """Return what the job has done, once its last step was taken."""

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how far the job is, in figures for a person: ``{"rows_moved": 4096}``."""

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Taken:
        """Do the next piece of work.

        The same piece is asked for again when its COMMIT has failed. After a disk error connection and book are others,
        and the job has to look again at what it has read.

        Args:
            connection: the database.
            book: the committed state; changed by `took` only.
            now_s: the wall clock, in seconds since 1970.

        A step never waits for a lock: it raises BusyError or LockedError, and is asked for again a little later.

        Raises:
            apsw.Error: SQLite's own; so do errors of `store.errors`. The job goes on later after a lock, and ends
                after any other error.
        """

    def took(self, step: Taken, book: Book, took_s: float) -> None:
        """Take note that `step` is committed: change `book`, and go on to the next piece.

        Args:
            step: what `step` has returned last.
            book: the one that `step` was given.
            took_s: how long it took, without the wait for the write lock.
        """

    def abandon(self) -> None:
        """Let go of what the job holds: it ends before its last step, or has ended.

        Called once for each job that was asked for, even if none of its steps was run.
        """


AnyJob = Job[Any, Any]
