"""Tidies up after a deletion: old counts by hour, names that nothing uses any more, and free pages of the file.

Each step is a small transaction. A job that was cut short is not needed for what follows: the next one does the rest.
This file must not know what was deleted.
"""

import time
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Final, NamedTuple, cast, final

import apsw

from winlogd.sessions.book import Book
from winlogd.sessions.session import US
from winlogd.store.jobs.job import DELETES, Long, Step
from winlogd.store.jobs.steps import Steps
from winlogd.store.jobs.windows import last_of
from winlogd.store.past.progress import last_history_id
from winlogd.store.past.unused import (
    addresses_in,
    addresses_without_session,
    next_names,
    remove_addresses,
    remove_unused,
)

BESIDE_EVENTS: Final = Steps(0.0007, 8, 256)
"""Steps in a server: names or pages. To look at a name takes some 5 µs, to give a page back some 20 µs."""
ALONE: Final = Steps(0.2, 256, 65_536)
"""Steps without a server."""

_HOUR_US: Final = 3600 * US
_ROWS_A_NAME: Final = 16
"""To look at the addresses of this many rows takes about as long as to look at one name."""
_INCREMENTAL: Final = 2
_OLD_HOURS: Final = "DELETE FROM winlogd_hours WHERE hour IN (SELECT hour FROM winlogd_hours WHERE hour < ? LIMIT ?)"


class Tidied(NamedTuple):
    """What a job has done.

    Attributes:
        names: how many names it has removed.
        pages: how many pages it has given back.
        seconds: from the begin of its first step to its end.
    """

    names: int
    pages: int
    seconds: float


@final
class TidyStep(Step):
    """One step, for `Tidy.took`.

    Attributes:
        ends_phase: True if the next step does something else.
        names: how many names it has removed.
        pages: how many pages it has given back.
        found: addresses that may be unused.
        done: addresses that are used, or removed.
    """

    __slots__ = ("done", "ends_phase", "found", "names", "pages")

    def __init__(
        self,
        ends_phase: bool,
        is_last: bool,
        wrote: bool,
        names: int = 0,
        pages: int = 0,
        found: Collection[str] = (),
        done: Collection[str] = (),
    ) -> None:
        super().__init__(is_last, wrote)
        self.ends_phase: Final = ends_phase
        self.names: Final = names
        self.pages: Final = pages
        self.found: Final = found
        self.done: Final = done


@final
class Tidy(Long):
    """Tidies up: a job.

    Args:
        hours_before_us: counts by hour before this moment are deleted, in microseconds since 1970.
        kept_percent: this part of the file's pages may stay free, for the rows of the next days.
        steps: the size of its steps.
    """

    goes_first = True
    turn = DELETES
    needs_space = False
    needs_transaction = True

    def __init__(self, hours_before_us: int, kept_percent: int, steps: Steps = BESIDE_EVENTS) -> None:
        self._first_hour = hours_before_us // _HOUR_US
        self._kept_percent = kept_percent
        self._steps = steps
        self._size = steps.fewest
        self._begun_s: float | None = None
        self._phases: list[Callable[[apsw.Connection], TidyStep]] = [
            self._remove_hours,
            self._remove_names,
            self._remove_addresses,
            self._give_pages_back,
        ]
        self._name = self._next_name = 0
        self._row = self._next_row = 0
        self._addresses: set[str] = set()
        self._names = self._pages = 0

    def leave_names(self) -> None:
        """Do not look at names: no row was deleted. To look at those of a year takes long."""
        self._phases = [each for each in self._phases if each not in (self._remove_names, self._remove_addresses)]

    @property
    def outcome(self) -> Tidied:
        """Return what the job has done so far."""
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        return Tidied(self._names, self._pages, seconds)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many names were removed, and how many pages given back, so far."""
        return {"names_removed": self._names, "pages_given_back": self._pages}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> TidyStep:
        """Do the next piece, inside the transaction that the caller has begun.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
        return self._phases[0](connection)

    def took(self, step: TidyStep, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and choose the size of the next step."""
        self._names += step.names
        self._pages += step.pages
        self._name, self._row = self._next_name, self._next_row
        self._addresses.update(step.found)  # in place: there may be as many addresses as sessions
        self._addresses.difference_update(step.done)
        if step.ends_phase:
            self._phases.pop(0)
            self._size = self._steps.fewest
        else:
            self._size = self._steps.after(self._size, took_s)

    def abandon(self) -> None:
        """Release nothing: what was removed stays removed."""

    def _remove_hours(self, connection: apsw.Connection) -> TidyStep:
        connection.execute(_OLD_HOURS, (self._first_hour, self._size))
        removed = connection.changes()
        return TidyStep(ends_phase=removed < self._size, is_last=False, wrote=removed > 0)

    def _remove_names(self, connection: apsw.Connection) -> TidyStep:
        """Look at the next names. Addresses without a session are left for the next phase."""
        numbers = next_names(connection, self._name, self._size)
        removed = remove_unused(connection, numbers)
        found = addresses_without_session(connection, numbers)
        self._next_name = numbers[-1] if numbers else self._name
        return TidyStep(len(numbers) < self._size, is_last=False, wrote=removed > 0, names=removed, found=found)

    def _remove_addresses(self, connection: apsw.Connection) -> TidyStep:
        """Look for the addresses in the next rows of the archive. When all rows are read, remove some of what is left.

        Rows may come meanwhile. So all are read again up to the last one before each removal.
        """
        last_id, left = last_history_id(connection), self._addresses
        if left and self._row < last_id:
            until = last_of(connection, "events_history", self._row, last_id, self._size * _ROWS_A_NAME)
            used = left & addresses_in(connection, self._row, until)
            self._next_row = until
            return TidyStep(ends_phase=False, is_last=False, wrote=False, done=used)
        unused = list(islice(left, self._size))
        removed = remove_addresses(connection, unused) if unused else 0
        return TidyStep(len(unused) == len(left), is_last=False, wrote=removed > 0, names=removed, done=unused)

    def _give_pages_back(self, connection: apsw.Connection) -> TidyStep:
        """Move pages from the file's end to free places, and cut it. The checkpoint shortens the file."""
        if _pragma(connection, "auto_vacuum") != _INCREMENTAL:
            return TidyStep(ends_phase=True, is_last=True, wrote=False)
        free, pages = _pragma(connection, "freelist_count"), _pragma(connection, "page_count")
        surplus = min(free - pages * self._kept_percent // 100, self._size)
        if surplus <= 0:
            return TidyStep(ends_phase=True, is_last=True, wrote=False)
        connection.execute(f"PRAGMA incremental_vacuum({surplus})").fetchall()
        given = pages - _pragma(connection, "page_count")
        is_last = given < self._size
        return TidyStep(ends_phase=is_last, is_last=is_last, wrote=True, pages=given)


def _pragma(connection: apsw.Connection, name: str) -> int:
    return cast("int", connection.pragma(name))
