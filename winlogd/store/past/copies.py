"""Puts changed copies of rows into the archive, in place of rows that are deleted in the same transaction.

A row of the archive is never changed: the past would have to be built anew. The copy gets a new id, and waits for the
next build (`store.jobs.build`). If an equal row is there already, none is added: an import may have brought the row a
second time. This file must not know why rows are changed.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.store.errors import RowsLostError
from winlogd.store.past.events import json_list
from winlogd.store.past.progress import last_history_id, leave_for_later

if TYPE_CHECKING:  # types only
    import apsw

_ADD: Final = """INSERT INTO events_history (username, action, timestamp, hostname, source_ip, server_timestamp,
    os_name, os_version, kernel_version, hardware_info, session_uuid, created_at, origin, archived_at)
    SELECT j.value ->> 1, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version,
    ifnull(j.value ->> 3, hardware_info), j.value ->> 2, created_at, origin, {} FROM json_each(?) j
    CROSS JOIN {} e ON e.id = j.value ->> 0 ORDER BY e.id"""
_KNOWN: Final = """SELECT e.id FROM json_each(?) j CROSS JOIN {} e ON e.id = j.value ->> 0 WHERE EXISTS
    (SELECT 1 FROM events_history h INDEXED BY idx_history_session
    WHERE h.session_uuid = j.value ->> 2 AND h.username = j.value ->> 1
    AND h.action = e.action AND h.timestamp IS e.timestamp AND h.hostname IS e.hostname
    AND h.server_timestamp IS e.server_timestamp AND h.origin IS e.origin
    AND h.hardware_info IS ifnull(j.value ->> 3, e.hardware_info))"""
_ARCHIVED_AT: Final = {"events_history": "archived_at", "events_today": "CURRENT_TIMESTAMP"}


class Changed(NamedTuple):
    """How the copy of a row differs from it.

    Attributes:
        event_id: the row's id.
        username: the name that the copy gets.
        session_uuid: its identifier.
        hardware_info: its report; None if that stays.
    """

    event_id: int
    username: str
    session_uuid: str | None
    hardware_info: str | None


def add_copies(connection: "apsw.Connection", table: str, rows: Iterable[Changed]) -> None:
    """Add copies of rows of ``events_today`` or ``events_history``, inside the transaction that deletes the rows.

    Raises:
        RowsLostError: a trigger keeps rows from being stored.
        apsw.Error: SQLite's own.
    """
    wanted = list(rows)
    known = {row[0] for row in connection.execute(_KNOWN.format(table), (json_list(map(tuple, wanted)),))}
    wanted = [each for each in wanted if each.event_id not in known]
    if not wanted:
        return
    connection.execute(_ADD.format(_ARCHIVED_AT[table], table), (json_list(map(tuple, wanted)),))
    if connection.changes() != len(wanted):
        raise RowsLostError("a trigger on events_history keeps rows from being stored")
    leave_for_later(connection, last_history_id(connection))
