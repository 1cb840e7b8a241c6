"""Writes the rows of one batch: decided events in, few and large INSERT statements out.

Every call into SQLite releases Python's global lock. To get the lock back may take long while the event loop is busy.
So one statement inserts 64 rows, not 64 statements. The Book chooses the ids, because the answers need them;
AUTOINCREMENT takes its count from them (autoinc.html).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import apsw

from winlogd.events.timestamps import current_timestamp_text, utc_text
from winlogd.sessions.pair import Decision
from winlogd.store.errors import NOT_STORED, RowsLostError
from winlogd.store.submission import Submission

_COLUMNS: Final = (
    "created_at, id, username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version,"
    " kernel_version, hardware_info, session_uuid, origin"
)
_WIDTH: Final = 13
"""Values of one row, besides created_at."""
_ROW: Final = f"(?1{', ?' * _WIDTH})"
"""One row of a statement. All rows of a batch share the first parameter, created_at."""
_ROWS_A_STATEMENT: Final = (256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
"""Numbers of rows of the statements into which a batch is cut. So SQLite prepares and keeps few statements. 256 rows
have 3 329 parameters; SQLite allows 32 766 (limits.html)."""

Value = str | int | None


@lru_cache(len(_ROWS_A_STATEMENT))  # on demand: all of them are 40 kB, and an idle server needs none
def _insert_of(size: int) -> str:
    return f"INSERT INTO events_today ({_COLUMNS}) VALUES {', '.join([_ROW] * size)}"


def insert(connection: apsw.Connection, decided: Iterable[tuple[Submission, Decision]], written_s: float) -> int:
    """Insert the rows of decided events, inside the transaction that the caller has begun.

    Args:
        connection: the database.
        decided: events in the order of their ids. Retries among them get no row.
        written_s: the wall clock, in seconds since 1970, for ``created_at``.

    Returns:
        How many rows were inserted.

    Raises:
        RowsLostError: SQLite stored fewer rows.
        apsw.Error: SQLite's own.
    """
    created_at = current_timestamp_text(written_s)
    values = _values(decided)
    left = len(values) // _WIDTH
    start = 0
    for size in _ROWS_A_STATEMENT:
        while left >= size:
            stop = start + size * _WIDTH
            connection.execute(_insert_of(size), [created_at, *values[start:stop]])
            if connection.changes() != size:
                raise RowsLostError(NOT_STORED)
            start = stop
            left -= size
    return len(values) // _WIDTH


def insert_singly(
    connection: apsw.Connection, submission: Submission, decision: Decision, written_s: float
) -> list[int]:
    """Insert the rows of one event. SQLite chooses the id of each.

    Another program's trigger on the table may insert rows, too, and so take the ids that the Book would choose next.

    Returns:
        The ids of the rows: first those of the automatic logoffs, last the event's own.

    Raises:
        RowsLostError: SQLite stored fewer rows.
        apsw.Error: SQLite's own.
    """
    created_at = current_timestamp_text(written_s)
    values = _values([(submission, decision)])
    ids = []
    for start in range(0, len(values), _WIDTH):
        connection.execute(_insert_of(1), [created_at, None, *values[start + 1 : start + _WIDTH]])
        if connection.changes() != 1:
            raise RowsLostError(NOT_STORED)
        ids.append(connection.last_insert_rowid())
    return ids


def _values(decided: Iterable[tuple[Submission, Decision]]) -> list[Value]:
    """Return the values of all rows, one after the other: each event's automatic logoffs, then its own row."""
    values: list[Value] = []
    latest_s = -1.0
    received_at = ""
    for submission, decision in decided:
        if decision.is_retry:
            continue
        if submission.received_s != latest_s:  # events of one round of the event loop have one time
            latest_s = submission.received_s
            received_at = utc_text(latest_s)
        event, source_ip = submission.event, submission.source_ip
        for closed in decision.closed:
            session = closed.session
            values += (
                closed.event_id, session.username, "D", closed.timestamp, session.hostname, source_ip, received_at,
                event.os_name, event.os_version, event.kernel_version, None, session.session_uuid, "auto",
            )  # fmt: skip
        values += (
            decision.event_id, event.username, event.action, event.timestamp, event.hostname, source_ip, received_at,
            event.os_name, event.os_version, event.kernel_version, event.hardware_info, decision.session_uuid, "client",
        )  # fmt: skip
    return values
