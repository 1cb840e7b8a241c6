"""What a job is: long work on the database, cut into steps so short that events hardly wait for one.

The writer's thread runs a step, writes the waiting events, and runs the next step (`running`). A command without a
server runs one step after the other (`alone`). A job must not know which of the two runs it.

A step that changes the database runs inside a write transaction. Its runner begins and commits this transaction. Some
work of SQLite cannot run inside one: a step of its backup fails with BusyError, and a checkpoint with LockedError
(`tests/store/jobs/test_jobs.py`). Before each step the job says which kind comes next.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar

import apsw

from winlogd.events.value import Value
from winlogd.sessions.book import Book


class Step(Value):
    """What one step has done.

    Attributes:
        is_last: True if the job is done.
        wrote: True if the step changed the database. A COMMIT that wrote nothing does not show that a disk works again.
    """

    __slots__ = ("is_last", "wrote")

    def __init__(self, is_last: bool, wrote: bool) -> None:
        self.is_last = is_last
        self.wrote = wrote


class NotYetError(Exception):
    """The next step cannot begin yet, because another thread works for the job. The runner soon asks again."""


MOVES_OR_COPIES: Final = 1
DELETES: Final = 2
"""The turns of long jobs that go first. A backup is not to wait for a deletion, which can take hours."""


class Long:
    """The base of a long job that goes first: jobs with a lower turn run before it, even if it has begun.

    A job that goes first and has no such base is short. It runs before all long ones: a hold must count at once.

    Attributes:
        turn: `MOVES_OR_COPIES` or `DELETES`.
    """

    turn: int


Taken = TypeVar("Taken", bound=Step)
"""The steps of one kind of job."""

Outcome = TypeVar("Outcome", covariant=True)
"""A job's own summary of what it has done."""


class Job(Protocol[Taken, Outcome]):
    """Work in steps. All methods are called on one thread.

    Attributes:
        goes_first: True if it runs before all jobs that do not go first, even if one of these has begun. A long one of
            them has the base `Long`.
        needs_space: True if a step needs the free disk space of ``limits.min_free_disk``. False for a job that frees
            space.
    """

    goes_first: bool
    needs_space: bool

    @property
    def needs_transaction(self) -> bool:
        """Return True if the next step has to run inside a write transaction, False if it cannot."""

    @property
    def outcome(self) -> Outcome:
        """Return what the job has done. The runner asks when the last step is committed."""

    @property
    def progress(self) -> Mapping[str, int]:
        """Return the job's progress in figures for a person: ``{"rows_moved": 4096}``."""

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Taken:
        """Do the next piece of work.

        The runner calls this again for the same piece if the COMMIT has failed. After a disk error connection and book
        are new ones, and the job must read again what it has read.

        A step never waits for a lock: it raises BusyError or LockedError, and the runner calls it again a little later.

        Args:
            connection: the database.
            book: the committed state. Only `took` may change it.
            now_s: the wall clock, in seconds since 1970.

        Raises:
            NotYetError: another thread works for the job. Only a server runs such jobs, and calls this soon again.
            apsw.Error: SQLite's own. After a lock the job goes on later; after any other error it ends.
            Exception: an error of `store.errors`, or of the job's own. The job ends.
        """

    def took(self, step: Taken, book: Book, took_s: float) -> None:
        """Take note that `step` is committed: change `book`, and turn to the next piece.

        Args:
            step: the last result of `Job.step`.
            book: the Book that this step was given.
            took_s: how long the step and its COMMIT took, without the wait for the write lock.
        """

    def abandon(self) -> None:
        """Release what the job holds, such as open files: it has ended, or is ended early.

        Called once for each job, even if none of its steps was run.
        """


AnyJob = Job[Any, Any]
