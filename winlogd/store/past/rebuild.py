"""Empties the past, so that it can be built again from the whole archive.

Rows that others have deleted or changed in ``events_history`` cannot be found in the past: its rows do not say from
which rows they come. This file must not know steps, or when it is called.
"""

from typing import TYPE_CHECKING, Final

from winlogd.store.file.marks import set_mark
from winlogd.store.past.progress import (
    DELETIONS,
    DELETIONS_SEEN,
    IS_CLEARED,
    TAKEN_IN,
    change_epoch,
    last_history_id,
    leave_for_later,
    number,
)

if TYPE_CHECKING:  # types only
    import apsw

_CLEARED: Final = {
    "winlogd_past": "key",
    "winlogd_inventory": "host, key",
    "winlogd_hardware": "id",
    "winlogd_hours": "hour",
    "winlogd_ranges": "first",
    "winlogd_gone": "id",
    "winlogd_names": "id",  # after all rows that hold numbers of names
}
"""The tables that are emptied, in this order, and their primary keys."""
_DELETE: Final = "DELETE FROM {0} WHERE ({1}) IN (SELECT {1} FROM {0} ORDER BY {1} LIMIT ?)"
_FORGET: Final = ("DELETE FROM winlogd_ranges", "DELETE FROM winlogd_gone")
_UNSET: Final = "DELETE FROM winlogd_meta WHERE key = ?"


def begin(connection: "apsw.Connection") -> None:
    """Begin to empty the past, inside the caller's transaction. From now on the rotation adds nothing to it.

    Raises:
        apsw.Error: SQLite's own.
    """
    set_mark(connection, IS_CLEARED, "1")
    change_epoch(connection)


def clear_some(connection: "apsw.Connection", most: int) -> None:
    """Delete at most `most` rows of the past, inside the caller's transaction.

    When none is left, the whole archive waits to be taken in. Rows that were deleted from it until this moment never
    come into the past.

    Raises:
        apsw.Error: SQLite's own.
    """
    for table, key in _CLEARED.items():
        connection.execute(_DELETE.format(table, key), (most,))
        most -= connection.changes()
        if most <= 0:
            return
    for statement in _FORGET:  # the rotation may have added ranges, and others may have deleted rows
        connection.execute(statement)
    set_mark(connection, TAKEN_IN, "0")
    leave_for_later(connection, last_history_id(connection))
    set_mark(connection, DELETIONS_SEEN, str(number(connection, DELETIONS)))
    connection.execute(_UNSET, (IS_CLEARED,))
