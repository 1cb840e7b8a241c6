"""Where the rows of ``events_today`` went: runs of ids in the archive, kept for two days.

A client may send an event again whose row has moved, and a reader's page may end at such a row. Runs find it without
an index on the archive's timestamps, which would take 30 bytes a row for ever.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:  # types only
    import apsw

_KEPT_S: Final = 2 * 86_400
_LAST: Final = "SELECT today_id, history_id, count FROM winlogd_runs ORDER BY today_id DESC LIMIT 1"
_EXTEND: Final = "UPDATE winlogd_runs SET count = count + ?, moved_s = ? WHERE today_id = ?"
_ADD: Final = "INSERT OR REPLACE INTO winlogd_runs (today_id, history_id, count, moved_s) VALUES (?, ?, ?, ?)"
_FORGET: Final = "DELETE FROM winlogd_runs WHERE moved_s < ?"
_FIND: Final = """SELECT history_id + (?1 - today_id) FROM winlogd_runs
    WHERE today_id = (SELECT max(today_id) FROM winlogd_runs WHERE today_id <= ?1) AND ?1 < today_id + count"""


def note_moved(connection: "apsw.Connection", today_ids: Sequence[int], history_id: int, now_s: float) -> None:
    """Note that rows have moved, inside the transaction that moves them.

    Args:
        connection: the database.
        today_ids: the ids of the rows, ascending.
        history_id: the archive's id of the first row. The others follow without a gap.
        now_s: the wall clock, in seconds since 1970.

    Raises:
        apsw.Error: SQLite's own.
    """
    first = 0
    for at in range(1, len(today_ids) + 1):
        if at == len(today_ids) or today_ids[at] != today_ids[at - 1] + 1:
            _note_run(connection, today_ids[first], history_id + first, at - first, int(now_s))
            first = at


def _note_run(connection: "apsw.Connection", today_id: int, history_id: int, count: int, now_s: int) -> None:
    last = connection.execute(_LAST).fetchone()
    if last is not None:
        begin, at, length = cast("tuple[int, int, int]", last)
        if (begin + length, at + length) == (today_id, history_id):
            connection.execute(_EXTEND, (count, now_s, begin))
            return
    connection.execute(_ADD, (today_id, history_id, count, now_s))


def forget_old(connection: "apsw.Connection", now_s: float) -> bool:
    """Forget runs of rows that moved more than two days ago. Return True if there were any.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_FORGET, (int(now_s) - _KEPT_S,))
    return connection.changes() > 0


def history_id_of(connection: "apsw.Connection", today_id: int) -> int | None:
    """Return the archive's id of the row that had `today_id` in ``events_today``; None if it is not known.

    Raises:
        apsw.Error: SQLite's own.
    """
    found = connection.execute(_FIND, (today_id,)).fetchone()
    return None if found is None else cast("int", found[0])
