"""Takes rows of the archive into the past that the rotation did not take in, a few in each transaction.

They come from a database that was taken over, or from an older server's script. How far the build is stands in the
database. So a build that was cut short goes on where it was, and a rotation may run between two steps. If rows were
deleted from the archive, the build first repairs the past. If that is not possible, or if rows were changed there, it
empties the past and takes in the whole archive. This file must not know threads, or when it is called.
"""

import time
from collections.abc import Mapping
from typing import Final, NamedTuple, final

import apsw

from winlogd.sessions.book import Book
from winlogd.sessions.session import FROM_ARCHIVE
from winlogd.store.jobs.job import Step
from winlogd.store.jobs.steps import BESIDE_EVENTS, Steps
from winlogd.store.past import rebuild, repair
from winlogd.store.past.events import of_archive
from winlogd.store.past.progress import (
    IS_CLEARED,
    change_epoch,
    last_history_id,
    leave_for_later,
    needs_rebuild,
    next_range,
    note_range,
    number,
    progress,
)
from winlogd.store.past.take_in import take_in


class Built(NamedTuple):
    """What a build has done.

    Attributes:
        rows: how many rows of the archive it has read.
        sessions: how many sessions followed from them.
        orphans: how many logoffs without a logon.
        seconds: from the begin of its first step to its end. Time in the queue does not count.
        repaired: how many rows that were deleted from the archive it has taken out of the past.
    """

    rows: int
    sessions: int
    orphans: int
    seconds: float
    repaired: int = 0

    @property
    def sentence(self) -> str:
        """Return these figures as a sentence for a person."""
        return (
            f"{self.rows} rows of events_history read in {self.seconds:.1f} s; sessions: {self.sessions},"
            f" logoffs without a logon: {self.orphans}"
            + (f"; deleted rows taken out: {self.repaired}" if self.repaired else "")
        )


@final
class BuildStep(Step):
    """What one transaction of a build changes, for `Build.took`.

    Attributes:
        rows: how many rows were read.
        sessions: how many sessions were written.
        orphans: how many logoffs without a logon were written.
        left: how many rows are left, by their ids.
        repaired: how many deleted rows were taken out.
    """

    __slots__ = ("left", "orphans", "repaired", "rows", "sessions")

    def __init__(
        self,
        is_last: bool,
        wrote: bool,
        left: int,
        rows: int = 0,
        sessions: int = 0,
        orphans: int = 0,
        repaired: int = 0,
    ) -> None:
        super().__init__(is_last, wrote)
        self.left: Final = left
        self.repaired: Final = repaired
        self.rows: Final = rows
        self.sessions: Final = sessions
        self.orphans: Final = orphans


@final
class Build:
    """Builds what is missing in the past: a job. With nothing to do it ends in one step that writes nothing.

    Args:
        steps: the size of its steps.
    """

    goes_first = False
    needs_space = True
    needs_transaction = True

    def __init__(self, steps: Steps = BESIDE_EVENTS) -> None:
        self._steps = steps
        self._size = steps.fewest
        self._begun_s: float | None = None
        self._has_begun = False
        self._rows = self._sessions = self._orphans = self._left = self._repaired = 0

    @property
    def outcome(self) -> Built:
        """Return what the build has done so far."""
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        return Built(self._rows, self._sessions, self._orphans, seconds, self._repaired)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many rows were taken in so far, and how many there are to be taken in."""
        return {"rows_taken_in": self._rows, "rows": self._rows + self._left}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> BuildStep:
        """Take in some rows, or remove some of the old past, inside the transaction that the caller has begun.

        What followed from rows that are deleted during a build is removed in the next step. If that is not possible, a
        rebuild follows at the end. So the past is complete now and then, even while somebody deletes all the time.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
        if number(connection, IS_CLEARED):
            rebuild.clear_some(connection, self._size)
            return BuildStep(is_last=False, wrote=True, left=progress(connection).left)
        leave_for_later(connection, last_history_id(connection))
        if repair.is_possible(connection) and (repaired := repair.repair_some(connection, self._size)):
            return BuildStep(is_last=False, wrote=True, left=progress(connection).left, repaired=repaired)
        waiting = next_range(connection)
        if needs_rebuild(connection) and (waiting is None or not self._has_begun):
            rebuild.begin(connection)
            return BuildStep(is_last=False, wrote=True, left=progress(connection).left)
        if waiting is None:
            return BuildStep(is_last=True, wrote=False, left=0)
        return self._take_in(connection, *waiting)

    def _take_in(self, connection: apsw.Connection, first: int, last: int) -> BuildStep:
        """Take in the first rows of a range."""
        events = of_archive(connection, first, last, self._size, FROM_ARCHIVE)
        found = take_in(connection, events, [event.event_id for event in events], are_of_today=False)
        is_read = len(events) < self._size or events[-1].event_id >= last
        note_range(connection, first, None if is_read else events[-1].event_id + 1)
        is_done = next_range(connection) is None
        if is_done:
            change_epoch(connection)
        orphans = sum(session.is_orphan for session in found)
        return BuildStep(
            is_last=is_done and not needs_rebuild(connection),
            wrote=True,
            left=progress(connection).left,
            rows=len(events),
            sessions=len(found) - orphans,
            orphans=orphans,
        )

    def took(self, step: BuildStep, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and choose the number of rows of the next step."""
        self._has_begun = True
        self._rows += step.rows
        self._sessions += step.sessions
        self._orphans += step.orphans
        self._repaired += step.repaired
        self._left = step.left
        if not step.is_last:
            self._size = self._steps.after(self._size, took_s)

    def abandon(self) -> None:
        """Release nothing: rows that were taken in stay in the past."""
