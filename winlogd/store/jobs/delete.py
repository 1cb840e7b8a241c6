"""Deletes chosen rows of the archive and of today, a few in each transaction, with all that followed from them.

Rows go in the order of their ids, those of the archive first. Each transaction deletes rows, what the past says of
them, and names that nothing uses any more. So a deletion that was cut short has lost nothing else and doubled nothing,
and can be repeated. The Book learns of rows of today as it learns of another program's deletions. This file must not
know why rows are deleted: a `Selection` chooses them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol, final

import apsw

from winlogd.sessions.book import Book
from winlogd.sessions.pair import pair_key
from winlogd.store import load_book
from winlogd.store.jobs.job import DELETES, Long, Step
from winlogd.store.jobs.steps import Steps
from winlogd.store.past.deletion import delete_archived, delete_today, repair_waiting
from winlogd.store.past.events import PastEvent
from winlogd.store.past.progress import HOURS_FROM, count_hours_from, last_history_id, number

BESIDE_EVENTS: Final = Steps(0.0007, 4, 256)
"""Steps in a server: events wait for them. A row and all that followed from it take some 120 µs."""
ALONE: Final = Steps(0.2, 256, 8192)
"""Steps without a server: only other programs that write wait for them."""

HoursAfter = Literal["counted again", "kept"]
"""Counts by hour are counted again from the first deleted session on. If all rows before some moment go, they may be
kept instead: they are right, and to count a year again takes long. `store.jobs.tidy` removes the earlier ones."""

Instead = Callable[[apsw.Connection, str, Sequence[PastEvent]], None]
"""Stores something in place of rows of a table, in the transaction that deletes them and before that."""

_HISTORY: Final = "events_history"
_TODAY: Final = "events_today"


class Found(NamedTuple):
    """What a selection has found.

    Attributes:
        events: the rows to delete, in the order of their ids. Hardware is not needed.
        after_id: the id of the last row that was looked at: the next search begins behind it.
    """

    events: Sequence[PastEvent]
    after_id: int


class Selection(Protocol):
    """Chooses the rows of one table that are deleted.

    A logoff of today must not be chosen while its logon stays: the session would be open again after the next start.
    """

    def find(self, connection: apsw.Connection, after_id: int, until_id: int, most: int) -> Found:
        """Return at most about `most` of the next rows to delete, inside the transaction that deletes them.

        Called again with the same values after a rollback. The selection must remember nothing that depends on that.

        Args:
            connection: the database.
            after_id: look at rows with higher ids.
            until_id: look at no row with a higher id.
            most: how many rows a step deletes.

        Raises:
            apsw.Error: SQLite's own.
        """


class Deleted(NamedTuple):
    """What a deletion has done.

    Attributes:
        history: how many rows of the archive were deleted.
        today: how many rows of today.
        seconds: from the begin of its first step to its end. Time in the queue does not count.
    """

    history: int
    today: int
    seconds: float


@final
class DeleteStep(Step):
    """What one transaction of a deletion changes, for `Delete.took`.

    Attributes:
        table: the table in which it has looked; None if it has only repaired the past.
        events: the rows that it has deleted there.
        after_id: how far it has looked.
        reopened: identifiers of `Book.reused` that have no logoff left.
    """

    __slots__ = ("after_id", "events", "reopened", "table")

    def __init__(
        self, table: str | None, events: Sequence[PastEvent], after_id: int, is_last: bool, reopened: Sequence[str] = ()
    ) -> None:
        super().__init__(is_last, wrote=bool(events) or table is None)
        self.table: Final = table
        self.events: Final = events
        self.after_id: Final = after_id
        self.reopened: Final = reopened


@final
class Delete(Long):
    """Deletes rows: a job. Rows that come after its first step stay.

    Args:
        history: chooses rows of the archive; None deletes none.
        today: chooses rows of today; None deletes none.
        steps: the size of its steps.
        hours: what becomes of the counts by hour (`HoursAfter`).
        instead: stores something in place of the rows; None stores nothing.
    """

    goes_first = True
    turn = DELETES
    needs_space = False
    needs_transaction = True

    def __init__(
        self,
        history: Selection | None,
        today: Selection | None,
        steps: Steps = BESIDE_EVENTS,
        hours: HoursAfter = "counted again",
        instead: Instead | None = None,
    ) -> None:
        chosen = {_HISTORY: history, _TODAY: today}
        self._selections = {table: each for table, each in chosen.items() if each is not None}
        self._hours: HoursAfter = hours
        self._instead = instead
        self._steps = steps
        self._size = steps.fewest
        self._begun_s: float | None = None
        self._until: dict[str, int] = {}
        self._after = dict.fromkeys(self._selections, 0)
        self._deleted = {_HISTORY: 0, _TODAY: 0}

    @property
    def outcome(self) -> Deleted:
        """Return what the deletion has done so far."""
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        return Deleted(self._deleted[_HISTORY], self._deleted[_TODAY], seconds)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many rows were deleted so far."""
        return {"rows_deleted": sum(self._deleted.values())}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> DeleteStep:
        """Delete some rows, inside the transaction that the caller has begun and will commit.

        Raises:
            RowsLostError: a trigger keeps rows from being deleted.
            apsw.Error: SQLite's own.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
            self._until = {_HISTORY: last_history_id(connection), _TODAY: load_book.last_id(connection)}
        if repair_waiting(connection, self._size):
            return DeleteStep(None, [], 0, is_last=False)
        waiting = [each for each in self._selections if self._after[each] < self._until[each]]
        if not waiting:
            return DeleteStep(_HISTORY, [], 0, is_last=True)
        table, until = waiting[0], self._until[waiting[0]]
        events, after_id = self._selections[table].find(connection, self._after[table], until, self._size)
        is_last = len(waiting) == 1 and after_id >= until
        if events and self._instead is not None:
            self._instead(connection, table, events)
        if table == _HISTORY:
            counted_from = number(connection, HOURS_FROM)
            delete_archived(connection, [each.event_id for each in events])
            if self._hours == "kept":
                count_hours_from(connection, counted_from)
            return DeleteStep(table, events, after_id, is_last)
        delete_today(connection, events)
        return DeleteStep(table, events, after_id, is_last, _reopened(connection, book, events))

    def took(self, step: DeleteStep, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and choose the number of rows of the next step."""
        if step.table in self._after:
            self._after[step.table] = step.after_id
            self._deleted[step.table] += len(step.events)
        if step.table == _TODAY:
            _forget(book, step.events, step.reopened)
        if not step.is_last:
            self._size = self._steps.after(self._size, took_s)

    def abandon(self) -> None:
        """Release nothing: rows that were deleted stay deleted."""


def _reopened(connection: apsw.Connection, book: Book, events: Sequence[PastEvent]) -> list[str]:
    """Return the identifiers of `Book.reused` that have no logoff left."""
    logoffs = {each.session_uuid or "" for each in events if each.action == "D"} & book.reused.keys()
    return [each for each in logoffs if not load_book.has_logoff(connection, each)]


def _forget(book: Book, events: Sequence[PastEvent], reopened: Sequence[str]) -> None:
    """Forget rows that have left ``events_today``: open sessions, latest events, and what is known for retries."""
    for event in events:
        key = pair_key(event.username, event.hostname)
        if event.action == "C":
            book.forget_logon(key, event.event_id)
            if book.reused:
                book.forget_reused(event.session_uuid or "", event.event_id)
        book.forget_event(key, event.action, event.event_id)
    for session_uuid in reopened:
        book.reopen(session_uuid)
