"""Moves finished rows from ``events_today`` to ``events_history``, a few in each transaction.

Copy and delete are in one transaction, and so is what follows for the past (`store.past`). So a row is in exactly one
of the two tables, whenever the process or the power ends. A rotation that was cut short begins again and finds the rows
that are left. It first searches the last finished row, downwards from the highest id at its begin. Then it reads every
row up to that one once, in the order of ids. This file must not know threads, or when it is called.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, final

import apsw

from winlogd.events.timestamps import current_timestamp_text, utc_text
from winlogd.sessions.book import Book
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.store import load_book
from winlogd.store.errors import NOT_STORED, RowsLostError
from winlogd.store.file.marks import ROTATED_DAY, read_marks, set_mark
from winlogd.store.jobs.job import MOVES_OR_COPIES, Long, Step
from winlogd.store.jobs.rotation_rules import Expiry, Row, Rules, Sorter
from winlogd.store.jobs.steps import BESIDE_EVENTS, Steps
from winlogd.store.past import runs
from winlogd.store.past.archived import note_moved
from winlogd.store.past.events import PastEvent, event_of_today, json_list, rows_of_today
from winlogd.store.past.names import Names
from winlogd.store.past.progress import last_history_id, note_own_deletions

_COLUMNS: Final = (
    "username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version,"
    " hardware_info, session_uuid, created_at, origin"
)
_RECEIVED: Final = "substr(replace(ifnull(server_timestamp, created_at), ' ', 'T'), 1, 19)"
_LAST_FINISHED: Final = f"""SELECT max(CASE WHEN ifnull({_RECEIVED}, '') < ? THEN id END), min(id), count(*) FROM
    (SELECT id, server_timestamp, created_at FROM events_today WHERE id <= ? ORDER BY id DESC LIMIT ?)"""
_THESE: Final = "id IN (SELECT value FROM json_each(?))"
_COPY: Final = f"""INSERT INTO events_history ({_COLUMNS}, archived_at)
    SELECT {_COLUMNS}, ? FROM events_today WHERE {_THESE} ORDER BY id"""
_DELETE: Final = f"DELETE FROM events_today WHERE {_THESE}"
_CLOSE: Final = """INSERT INTO events_today
    (username, action, timestamp, hostname, server_timestamp, session_uuid, created_at, origin)
    SELECT username, 'D', ?, hostname, ?, session_uuid, ?, 'expired' FROM events_today WHERE id = ?"""

_SEARCHED_A_MOVED_ROW: Final = 64
"""To search this many rows for the last finished one takes about as long as to move one row."""


class Moved(NamedTuple):
    """What a rotation has done.

    Attributes:
        rows: how many rows moved to the archive.
        expired: how many sessions were closed because they were open for too long.
        kept: how many finished logons stay because their session is still open.
        open_sessions: how many sessions are open at the end: those of `kept`, and those that began later.
        seconds: from the begin of its first step to its end. Time in the queue does not count.
    """

    rows: int
    expired: int
    kept: int
    open_sessions: int
    seconds: float

    @property
    def sentence(self) -> str:
        """Return these figures as a sentence for a person."""
        return (
            f"{self.rows} rows moved to events_history in {self.seconds:.1f} s; sessions that stay open:"
            f" {self.open_sessions}, closed because they were open for too long: {self.expired}"
        )


@final
class RotationStep(Step):
    """What one transaction of a rotation changes, for `Rotation.took`.

    Attributes:
        moving: the rows that move.
        expired: the sessions that are closed. Their logons are in `moving`.
        reopened: identifiers whose last logoff is in `moving`, while a logon that used the identifier again may stay.
        after_id: the id of the last row that was read.
        last_id: the highest id in use.
    """

    __slots__ = ("after_id", "expired", "last_id", "moving", "reopened")

    def __init__(
        self,
        moving: list[Row],
        expired: list[Expiry],
        reopened: list[str],
        after_id: int,
        last_id: int,
        is_last: bool,
        wrote: bool,
    ) -> None:
        super().__init__(is_last, wrote)
        self.reopened: Final = reopened
        self.moving: Final = moving
        self.expired: Final = expired
        self.after_id: Final = after_id
        self.last_id: Final = last_id


@final
class Rotation(Long):
    """One rotation: a job.

    Args:
        rules: which rows are finished.
        day: ``YYYY-MM-DD``, stored as the last rotated day at the end; None stores nothing.
        steps: the size of its steps.
    """

    goes_first = True
    turn = MOVES_OR_COPIES
    needs_space = True
    needs_transaction = True

    def __init__(self, rules: Rules, day: str | None, steps: Steps = BESIDE_EVENTS) -> None:
        self._rules = rules
        self._day = day
        self._begun_s: float | None = None
        self._sorter = Sorter(rules, lambda _: False)
        self._book: Book | None = None
        self._after_id = 0
        self._last_id = -1
        self._ends_at_finished = False
        self._steps = steps
        self._rows = steps.fewest
        self._moved = self._expired = 0
        self._names: Names | None = None
        self._is_committed = True

    @property
    def outcome(self) -> Moved:
        """Return what the rotation has done so far."""
        open_sessions = 0 if self._book is None else sum(1 for _ in self._book.open_sessions())
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        return Moved(self._moved, self._expired, self._sorter.kept, open_sessions, seconds)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many rows have moved so far."""
        return {"rows_moved": self._moved}

    def _begin(self, book: Book) -> None:
        self._book = book
        self._sorter = Sorter(self._rules, lambda row: _opens(book, row))
        self._after_id = 0
        if self._last_id < 0:
            self._last_id = book.last_id if self._rules.before else 0
            self._ends_at_finished = self._last_id == 0

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> RotationStep:
        """Move some rows, inside the transaction that the caller has begun and will commit.

        The rotation begins again at the first row if `book` is another one: the database was opened again then.

        Raises:
            RowsLostError: a trigger keeps rows from being stored, copied or deleted.
            apsw.Error: SQLite's own.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
        if book is not self._book:
            self._begin(book)
            self._names = None
        if self._names is None or not self._is_committed:  # a rollback has taken new names back
            self._names = Names(connection)
        self._is_committed = False
        if not self._ends_at_finished:
            self._look_for_the_last_finished(connection)
            return RotationStep([], [], [], self._after_id, book.last_id, is_last=False, wrote=False)
        found = rows_of_today(connection, self._after_id, self._last_id, self._rows, with_hardware=True)
        rows = list(map(_row, found))
        moving, expired = self._sorter.sort(rows)
        last_id = book.last_id
        for expiry in expired:
            last_id = _close(connection, expiry, now_s)
        if moving:
            leaving = {row.event_id for row in moving}
            events = [event_of_today(row) for row in found if row[0] in leaving]
            _move(connection, events, self._names, now_s)
        reopened = _reopened(connection, book, moving) if book.reused else []
        is_last = len(rows) < self._rows
        marks = is_last and self._day is not None and read_marks(connection).get(ROTATED_DAY) != self._day
        if marks and self._day is not None:
            set_mark(connection, ROTATED_DAY, self._day)
        forgot = is_last and runs.forget_old(connection, now_s)
        after_id = rows[-1].event_id if rows else self._last_id
        wrote = bool(moving) or marks or forgot
        return RotationStep(moving, expired, reopened, after_id, last_id, is_last, wrote)

    def _look_for_the_last_finished(self, connection: apsw.Connection) -> None:
        """Lower the id at which the rotation ends: today's rows may be millions, and none of them moves."""
        most = self._rows * _SEARCHED_A_MOVED_ROW
        [(found, lowest, count)] = connection.execute(_LAST_FINISHED, (self._rules.before, self._last_id, most))
        self._ends_at_finished = found is not None or count < most
        if found is not None:
            self._last_id = found
        else:
            self._last_id = 0 if self._ends_at_finished else lowest - 1

    def took(self, step: RotationStep, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and choose the number of rows of the next step."""
        self._is_committed = True
        for expiry in step.expired:  # first: `forget_event` keeps a pair that has an open session
            book.close(expiry.logon.pair, expiry.logon.session_uuid)
        for row in step.moving:
            if row.is_client:
                book.forget_event(row.pair, row.action, row.event_id)
            if book.reused:
                book.forget_reused(row.session_uuid, row.event_id)
        for session_uuid in step.reopened:
            book.reopen(session_uuid)
        book.last_id = step.last_id
        self._moved += len(step.moving)
        self._expired += len(step.expired)
        self._after_id = step.after_id
        if not step.is_last:
            self._rows = self._steps.after(self._rows, took_s)

    def abandon(self) -> None:
        """Release nothing: rows that have moved stay in the archive."""


def _opens(book: Book, row: Row) -> bool:
    """Return True if `row` is the logon of an open session."""
    pair = book.pairs.get(row.pair)
    return pair is not None and any(session.event_id == row.event_id for session in pair.open)


def _reopened(connection: apsw.Connection, book: Book, moving: list[Row]) -> list[str]:
    """Return the identifiers of `Book.reused` that have no logoff left, because `moving` has moved."""
    logoffs = {row.session_uuid for row in moving if row.action == "D" and row.session_uuid in book.reused}
    return [each for each in logoffs if not load_book.has_logoff(connection, each)]


def _close(connection: apsw.Connection, expiry: Expiry, now_s: float) -> int:
    """Insert the logoff. Return the highest id in use after that: another program's trigger may have taken some."""
    values = expiry.timestamp, utc_text(now_s), current_timestamp_text(now_s), expiry.logon.event_id
    connection.execute(_CLOSE, values)
    if connection.changes() != 1:
        raise RowsLostError(NOT_STORED)
    return load_book.last_id(connection)


def _row(columns: Sequence[Any]) -> Row:
    """Return what decides if a row moves, of a row of `rows_of_today`."""
    event_id, action, username, hostname, _, timestamp, received, created, _, _, session_uuid, origin, _ = columns
    if received is None:
        received = created or ""
    return Row(
        event_id,
        action or "",
        username or "",
        hostname or UNKNOWN_HOST,
        timestamp or "",
        received.replace(" ", "T")[:19],
        session_uuid or "",
        origin == "client",
    )


def _move(connection: apsw.Connection, events: list[PastEvent], names: Names, now_s: float) -> None:
    before = last_history_id(connection)
    ids = json_list(event.event_id for event in events)
    connection.execute(_COPY, (current_timestamp_text(now_s), ids))
    copied = connection.changes()
    connection.execute(_DELETE, (ids,))
    if not copied == connection.changes() == len(events):
        raise RowsLostError("a trigger on events_today or events_history keeps rows from being moved")
    note_own_deletions(connection, len(events))
    note_moved(connection, events, names, before, last_history_id(connection), now_s)
