"""Keeps the past right while the rotation moves rows to the archive, in the transaction that moves them.

So a reader finds each session once: either among the rows of today, or in the past. This file must not know which rows
move.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from winlogd.store.file.marks import set_mark
from winlogd.store.past import runs
from winlogd.store.past.events import PastEvent
from winlogd.store.past.names import Names
from winlogd.store.past.progress import EPOCH, IS_CLEARED, NAMES_REMOVED, TAKEN_IN, leave_for_later, numbers
from winlogd.store.past.take_in import take_in

if TYPE_CHECKING:  # types only
    import apsw


def note_moved(
    connection: "apsw.Connection", events: Sequence[PastEvent], names: Names, before: int, last: int, now_s: float
) -> None:
    """Take in rows that have moved to ``events_history``.

    Args:
        connection: the database.
        events: the rows, as they were in ``events_today``, in the order of their ids.
        names: the numbers of names, as of earlier transactions that were committed.
        before: the highest id of the archive before the rows moved.
        last: the highest id after that.
        now_s: the wall clock, in seconds since 1970.

    Raises:
        apsw.Error: SQLite's own.
    """
    marks = numbers(connection)
    if before > marks[TAKEN_IN]:  # an older server's script, or a person, has added rows
        leave_for_later(connection, before)
    if last - before != len(events):  # another program's trigger has added rows between them
        leave_for_later(connection, last)
        return
    runs.note_moved(connection, [event.event_id for event in events], before + 1, now_s)
    if marks[IS_CLEARED]:
        leave_for_later(connection, last)
        return
    set_mark(connection, TAKEN_IN, str(max(last, marks[TAKEN_IN])))
    names.hold_for((marks[EPOCH], marks[NAMES_REMOVED]))
    take_in(connection, events, range(before + 1, last + 1), are_of_today=True, names=names)
