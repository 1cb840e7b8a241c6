"""Deletes rows of events, with all that followed from them in the past, in one transaction of the caller's.

The trigger on the archive notes each deleted row, as if another program had deleted it. The past is then repaired at
once (`repair`), and that puts the counter of deletions back: no rebuild follows. This file must not know which rows
are deleted, or why.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from winlogd.store.errors import RowsLostError
from winlogd.store.past.events import PastEvent, begun_before, json_list
from winlogd.store.past.progress import IS_CLEARED, last_history_id, leave_for_later, needs_rebuild, number
from winlogd.store.past.repair import is_possible, repair_ends, repair_some

if TYPE_CHECKING:  # types only
    import apsw

_DELETE: Final = "DELETE FROM {} WHERE id IN (SELECT value FROM json_each(?))"
_KEPT: Final = "a trigger on {} keeps rows from being deleted"


def repair_waiting(connection: "apsw.Connection", most: int) -> int:
    """Take some rows out of the past that others have deleted, before the first deletion of winlogd's own.

    Args:
        connection: the database, inside a write transaction.
        most: how many rows to begin with, as in `repair_some`.

    Returns:
        How many rows were repaired: 0 if none waits, or if a rebuild has to take them out.

    Raises:
        apsw.Error: SQLite's own.
    """
    leave_for_later(connection, last_history_id(connection))
    if number(connection, IS_CLEARED) or not is_possible(connection):
        return 0
    return repair_some(connection, most)


def delete_archived(connection: "apsw.Connection", ids: Sequence[int]) -> None:
    """Delete rows of ``events_history`` and what followed from them: sessions, orphans, inventories, changes, names.

    The hours are counted later, by `store.jobs.hours`. Where a rebuild waits or runs, it does the rest.

    Raises:
        RowsLostError: another program's trigger keeps rows.
        apsw.Error: SQLite's own.
    """
    if not ids:
        return
    is_sound = not number(connection, IS_CLEARED) and not needs_rebuild(connection)
    connection.execute(_DELETE.format("events_history"), (json_list(ids),))
    if connection.changes() != len(ids):
        raise RowsLostError(_KEPT.format("events_history"))
    while is_sound and is_possible(connection):
        is_sound = repair_some(connection, len(ids)) > 0


def delete_today(connection: "apsw.Connection", events: Sequence[PastEvent]) -> None:
    """Delete rows of ``events_today``. Sessions of the past that they have ended get another end, or none.

    The trigger's count stays as it is: readers begin again. The caller keeps the Book right.

    Raises:
        RowsLostError: another program's trigger keeps rows.
        apsw.Error: SQLite's own.
    """
    if not events:
        return
    begun = begun_before(connection, [each.event_id for each in events if each.action == "D"], are_of_today=True)
    identifiers = {each.session_uuid for each in events if each.event_id in begun and each.session_uuid}
    connection.execute(_DELETE.format("events_today"), (json_list(each.event_id for each in events),))
    if connection.changes() != len(events):
        raise RowsLostError(_KEPT.format("events_today"))
    if identifiers and not number(connection, IS_CLEARED) and not needs_rebuild(connection):
        repair_ends(connection, identifiers)
