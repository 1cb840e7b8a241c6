"""Selections of rows to delete by their time of receipt, without those that a hold means.

This file must not know who deletes, or when.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast, final

from winlogd.events.timestamps import utc_text
from winlogd.sessions.session import US
from winlogd.store.jobs.delete import Found
from winlogd.store.jobs.windows import last_of
from winlogd.store.past.events import PastEvent, events_with, logoffs_of
from winlogd.store.past.holds import free_of, read_holds
from winlogd.store.past.take_in import first_logoff

if TYPE_CHECKING:  # types only
    import apsw

Table = Literal["events_history", "events_today"]

_LOOKED_AT_A_ROW: Final = 64
"""To look at the times of this many rows takes about as long as to delete one."""
_RECEIVED: Final = "replace(ifnull(server_timestamp, ifnull(created_at, '')), ' ', 'T')"
_MAY_BE_OLD: Final = f"NOT ({_RECEIVED} >= ? AND {_RECEIVED} < '2200')"
"""SQL also passes rows whose time of receipt is no time: another column counts then (`sessions.session.receipt`)."""
_IDS: Final = f"SELECT id FROM {{}} WHERE id > ? AND id <= ? AND {_MAY_BE_OLD} ORDER BY id LIMIT ?"
_COUNT: Final = f"SELECT count(*) FROM {{}} WHERE {_MAY_BE_OLD}"
_ALWAYS: Final = "~"
"""No time is a greater text."""


@final
class Received:
    """Chooses the rows of a table that were received before a moment. The logoff of a chosen logon goes with it.

    Args:
        table: the table.
        before_us: in microseconds since 1970; None chooses all rows.
    """

    __slots__ = ("_before", "_before_us", "_table")

    def __init__(self, table: Table, before_us: int | None) -> None:
        self._table: Final[Table] = table
        self._before_us = before_us
        self._before = _ALWAYS if before_us is None else utc_text(before_us / US + 1)[:19]

    @property
    def is_of_today(self) -> bool:
        """Return True if the table is ``events_today``."""
        return self._table == "events_today"

    def find(self, connection: "apsw.Connection", after_id: int, until_id: int, most: int) -> Found:
        """Return the next rows (`Selection.find`): at most `most`, and the logoffs of the logons among them.

        Raises:
            apsw.Error: SQLite's own.
        """
        end_id = last_of(connection, self._table, after_id, until_id, most * _LOOKED_AT_A_ROW)
        ids = _numbers(connection.execute(_IDS.format(self._table), (after_id, end_id, self._before, most)))
        old = [event for event in events_with(connection, self._table, ids) if self._is_old(event)]
        chosen = with_logoffs(connection, self._table, free_of(connection, old, self.is_of_today), until_id)
        return Found(chosen, ids[-1] if len(ids) == most else end_id)

    def count(self, connection: "apsw.Connection") -> int:
        """Return how many rows it chooses, for a question; logoffs that go with their logons are not counted.

        Raises:
            apsw.Error: SQLite's own.
        """
        if not read_holds(connection):
            return cast("int", connection.execute(_COUNT.format(self._table), (self._before,)).get)
        last_id = cast("int", connection.execute(f"SELECT ifnull(max(id), 0) FROM {self._table}").get)
        found, after_id = 0, 0
        while after_id < last_id:
            events, after_id = self.find(connection, after_id, last_id, 4096)
            found += sum(map(self._is_old, events))
        return found

    def _is_old(self, event: PastEvent) -> bool:
        return self._before_us is None or event.received_us < self._before_us


def with_logoffs(
    connection: "apsw.Connection", table: Table, events: Sequence[PastEvent], until_id: int
) -> list[PastEvent]:
    """Return some rows of a table, and the logoffs of the logons among them that no hold means, in the order of ids.

    Args:
        connection: the database.
        table: the table.
        events: the rows.
        until_id: no logoff with a higher id goes with its logon.

    Raises:
        apsw.Error: SQLite's own.
    """
    is_of_today = table == "events_today"
    logons = {event.event_id: event for event in events if event.action == "C"}
    ids = {event.event_id for event in events}
    further = set()
    for logon_id, candidates in logoffs_of(connection, list(logons), is_of_today).items():
        logoff = first_logoff(logon_id, logons[logon_id].received_us, candidates, is_of_today)
        if logoff is not None and logoff.is_of_today == is_of_today and logoff.event_id <= until_id:
            further.add(logoff.event_id)
    more = events_with(connection, table, further - ids) if further - ids else []
    more = free_of(connection, more, is_of_today)
    return sorted([*events, *more], key=lambda event: event.event_id)


def logoffs_of_today(connection: "apsw.Connection", events: Sequence[PastEvent]) -> set[int]:
    """Return the ids of the logoffs in ``events_today`` of the logons among some rows of the archive.

    Raises:
        apsw.Error: SQLite's own.
    """
    logons = {event.event_id: event for event in events if event.action == "C"}
    candidates = logoffs_of(connection, list(logons), are_of_today=False) if logons else {}
    first = (first_logoff(each, logons[each].received_us, found, False) for each, found in candidates.items())
    return {logoff.event_id for logoff in first if logoff is not None and logoff.is_of_today}


def _numbers(rows: Iterable[Sequence[Any]]) -> list[int]:
    return [cast("int", row[0]) for row in rows]
