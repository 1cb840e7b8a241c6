"""Writes the rows of one batch: decided events in, few and large INSERT statements out.

Every call into SQLite gives up Python's global lock and may have to wait for it while the event loop is busy, so
64 rows go in one statement, not in 64. Ids are given out by the session Book, which the answers need anyway;
AUTOINCREMENT keeps its own count in step (autoinc.html).
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
_ROW: Final = f"(?1{', ?' * _WIDTH})"
"""Created_at is the same for all rows of a batch; each further value has a parameter of its own."""
_SIZES: Final = (256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
"""Rows a statement. A batch is cut into these, so that few statements are prepared and kept; 256 rows have 3 329
parameters, of 32 766 that SQLite takes (limits.html)."""

Value = str | int | None


@lru_cache(len(_SIZES))  # on demand: all of them are 40 kB, and an idle server needs none
def _insert_of(size: int) -> str:
    return f"INSERT INTO events_today ({_COLUMNS}) VALUES {', '.join([_ROW] * size)}"


def insert(connection: apsw.Connection, decided: Iterable[tuple[Submission, Decision]], written_s: float) -> None:
    """Inserts the rows of decided events, inside the transaction that the caller has begun.

    Args:
        connection: the database.
        decided: in order of their ids; retries among them have no row.
        written_s: the wall clock, in seconds since 1970, for ``created_at``.

    Raises:
        RowsLostError: not all of them were stored.
        apsw.Error: SQLite's own.
    """
    created_at = current_timestamp_text(written_s)
    values = _values(decided)
    left = len(values) // _WIDTH
    start = 0
    for size in _SIZES:
        while left >= size:
            stop = start + size * _WIDTH
            connection.execute(_insert_of(size), [created_at, *values[start:stop]])
            if connection.changes() != size:
                raise RowsLostError(NOT_STORED)
            start = stop
            left -= size


def insert_singly(
    connection: apsw.Connection, submission: Submission, decision: Decision, written_s: float
) -> list[int]:
    """Insert the rows of one event, each with an id that SQLite chooses when its turn comes.

    For a table on which another program's trigger inserts rows, too: these take ids that winlogd would give out next.

    Returns:
        The ids of the rows, those of the logoffs that the event brings about first.

    Raises:
        RowsLostError: not all of them were stored.
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
    """The rows' values one after the other; before an event's own row those of the logoffs that it brings about."""
    values: list[Value] = []
    told_s = -1.0
    received_at = ""
    for submission, decision in decided:
        if decision.is_retry:
            continue
        if submission.received_s != told_s:  # events of one round of the event loop have one time
            told_s = submission.received_s
            received_at = utc_text(told_s)
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
