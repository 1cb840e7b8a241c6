"""Writes the rows of one batch: decided events in, few and large INSERT statements out.

Every call into SQLite gives up Python's global lock and may have to wait for it while the event loop is busy, so
64 rows go in one statement, not in 64. Ids are given out by the session Book, which the answers need anyway;
AUTOINCREMENT keeps its own count in step (autoinc.html).
"""

from typing import Final

import apsw

from winlogd.event import Event
from winlogd.session import Decision
from winlogd.timestamps import utc_text

_COLUMNS: Final = (
    "id, username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version,"
    " kernel_version, hardware_info, session_uuid, created_at, origin"
)
_WIDTH: Final = 14
_ROW: Final = f"({', '.join('?' * _WIDTH)})"
_SIZES: Final = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Rows a statement. A batch is cut into these, so that few statements are prepared and kept; 256 rows have 3 584
parameters, of 32 766 that SQLite takes (limits.html)."""
_INSERT: Final = {size: f"INSERT INTO events_today ({_COLUMNS}) VALUES {', '.join([_ROW] * size)}" for size in _SIZES}

Value = str | int | None


class RowsLostError(Exception):
    """SQLite reported success and stored fewer rows: triggers with RAISE(IGNORE) do that (lang_createtrigger.html)."""


class Rows:
    """The rows of one batch, in order of their ids.

    Args:
        written_s: the wall clock, in seconds since 1970, for ``created_at``.
    """

    __slots__ = ("_created_at", "_received_at", "_received_s", "_values")

    def __init__(self, written_s: float) -> None:
        self._created_at = utc_text(written_s)[:19].replace("T", " ")  # the form of CURRENT_TIMESTAMP
        self._values: list[Value] = []
        self._received_s = -1.0
        self._received_at = ""

    def add(self, event: Event, decision: Decision, source_ip: str, received_s: float) -> None:
        """Adds the rows of one decided event, received at `received_s`: automatic logoffs first, then itself."""
        if received_s != self._received_s:  # events of one round of the event loop have one time
            self._received_s = received_s
            self._received_at = utc_text(received_s)
        received_at = self._received_at
        for event_id, session, timestamp in decision.closed:
            self._values += (
                event_id, session.username, "D", timestamp, session.hostname, source_ip, received_at,
                event.os_name, event.os_version, event.kernel_version, None,
                session.session_uuid, self._created_at, "auto",
            )  # fmt: skip
        username, action, timestamp, hostname, os_name, os_version, kernel_version, hardware_info = event
        self._values += (
            decision.event_id, username, action, timestamp, hostname, source_ip, received_at,
            os_name, os_version, kernel_version, hardware_info,
            decision.session_uuid, self._created_at, "client",
        )  # fmt: skip

    def insert(self, connection: apsw.Connection) -> None:
        """Inserts them, inside the transaction that the caller has begun.

        Raises:
            RowsLostError: not all of them were stored.
            apsw.Error: SQLite's own.
        """
        values = self._values
        left = len(values) // _WIDTH
        start = 0
        for size in _SIZES:
            while left >= size:
                stop = start + size * _WIDTH
                connection.execute(_INSERT[size], values[start:stop])
                if connection.changes() != size:
                    raise RowsLostError("a trigger on events_today keeps rows from being stored")
                start = stop
                left -= size
