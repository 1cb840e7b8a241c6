"""How much of the archive is in the past: what is taken in, what is left, and what has to be built or counted again.

Rows of ``events_history`` come from the rotation, which takes them in itself. Others come from an older server or its
script, or from a database that was taken over. These two kinds wait in ``winlogd_ranges``.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.store.file.marks import set_mark

if TYPE_CHECKING:  # types only
    import apsw

TAKEN_IN: Final = "history_taken_in"
"""The key of the highest id of ``events_history`` that is in the past or in a range."""
DELETIONS: Final = "history_deletions"
"""The key of the count of rows that others have deleted or changed in the archive. Triggers count."""
DELETIONS_SEEN: Final = "history_deletions_seen"
"""The key of that count when the past was last empty. What was deleted or changed before is not in the past."""
TODAY_DELETIONS: Final = "today_deletions"
"""The key of the count of rows that others have deleted from ``events_today``. A trigger counts; the rotation takes its
own off. A reader who has read the rows begins again when it changes."""
EPOCH: Final = "past_epoch"
"""The key of a number that changes when keys change: a reader's cursor is of one epoch."""
NAMES_REMOVED: Final = "names_removed"
"""The key of a number that changes when names are removed: numbers that were remembered may not be there any more."""
IS_CLEARED: Final = "past_clearing"
"""The key of a mark that is ``1`` while a rebuild removes the old past: nothing is added to it meanwhile."""
HOURS_FROM: Final = "hours_from"
"""The key of a session's key: the hours of this session and of all greater keys have to be counted (`hours`). Not set
if all hours are right."""

_MARK: Final = "SELECT CAST(value AS INTEGER) FROM winlogd_meta WHERE key = ?"
_MARKS: Final = f"""SELECT key, CAST(value AS INTEGER) FROM winlogd_meta
    WHERE key IN ('{TAKEN_IN}', '{IS_CLEARED}', '{EPOCH}', '{NAMES_REMOVED}')"""
_LAST_ID: Final = """SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events_history'), 0),
    ifnull((SELECT max(id) FROM events_history), 0))"""
_EXTEND_RANGE: Final = "UPDATE winlogd_ranges SET last = ? WHERE last = ?"
_ADD_RANGE: Final = "INSERT OR REPLACE INTO winlogd_ranges (first, last) VALUES (?, ?)"
_OWN_DELETIONS: Final = f"UPDATE winlogd_meta SET value = value - ? WHERE key = '{TODAY_DELETIONS}'"
_NEXT_RANGE: Final = "SELECT first, last FROM winlogd_ranges ORDER BY first LIMIT 1"
_SHORTEN_RANGE: Final = "UPDATE winlogd_ranges SET first = ? WHERE first = ?"
_END_RANGE: Final = "DELETE FROM winlogd_ranges WHERE first = ?"
_LOWER: Final = """INSERT INTO winlogd_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE
    SET value = excluded.value WHERE CAST(value AS INTEGER) > CAST(excluded.value AS INTEGER)"""
_UNSET: Final = "DELETE FROM winlogd_meta WHERE key = ?"
_LEFT: Final = "SELECT ifnull(sum(last - first + 1), 0) FROM winlogd_ranges"


class Progress(NamedTuple):
    """How much of the archive is in the past.

    Attributes:
        rows: the archive's rows, by its highest id.
        left: rows that were not taken in yet.
    """

    rows: int
    left: int

    @property
    def text(self) -> str:
        """Return it for a person: ``complete`` or ``building, 43 %``."""
        if not self.left:
            return "complete"
        return f"building, {min(99, 100 * (self.rows - self.left) // max(self.rows, 1))} %"


def number(connection: "apsw.Connection", mark: str) -> int:
    """Return a mark that is a number; 0 if it is not set.

    Raises:
        apsw.Error: SQLite's own.
    """
    found = connection.execute(_MARK, (mark,)).fetchone()
    return 0 if found is None else cast("int", found[0])


def numbers(connection: "apsw.Connection") -> dict[str, int]:
    """Return the marks `TAKEN_IN`, `IS_CLEARED`, `EPOCH` and `NAMES_REMOVED` at once; 0 for one that is not set.

    `TAKEN_IN` never becomes less: where ids begin again, that shows it (`needs_rebuild`).

    Raises:
        apsw.Error: SQLite's own.
    """
    found = {str(mark): cast("int", value) for mark, value in connection.execute(_MARKS)}
    return {TAKEN_IN: 0, IS_CLEARED: 0, EPOCH: 0, NAMES_REMOVED: 0} | found


def last_history_id(connection: "apsw.Connection") -> int:
    """Return the highest id that a row of ``events_history`` has or had.

    Raises:
        apsw.Error: SQLite's own.
    """
    return cast("int", connection.execute(_LAST_ID).fetchone()[0])  # type: ignore[index]  # always one row


def is_due(connection: "apsw.Connection") -> bool:
    """Return True if the past has to be built or rebuilt, or its hours have to be counted.

    Raises:
        apsw.Error: SQLite's own.
    """
    return needs_rebuild(connection) or progress(connection).left > 0 or number(connection, HOURS_FROM) > 0


def needs_rebuild(connection: "apsw.Connection") -> bool:
    """Return True if rows that are in the past were deleted or changed in the archive.

    The trigger does not see a table that was dropped and made again. Its ids begin again.

    Raises:
        apsw.Error: SQLite's own.
    """
    return number(connection, DELETIONS) != number(connection, DELETIONS_SEEN) or last_history_id(connection) < number(
        connection, TAKEN_IN
    )


def progress(connection: "apsw.Connection") -> Progress:
    """Return how much of the archive is in the past.

    Raises:
        apsw.Error: SQLite's own.
    """
    last_id = last_history_id(connection)
    if number(connection, IS_CLEARED):
        return Progress(last_id, max(1, last_id))
    left = cast("int", connection.execute(_LEFT).fetchone()[0])  # type: ignore[index]  # always one row
    return Progress(last_id, left + max(0, last_id - number(connection, TAKEN_IN)))


def leave_for_later(connection: "apsw.Connection", until: int) -> None:
    """Note all rows up to the archive's id `until` that nobody has taken in, inside the caller's transaction.

    Raises:
        apsw.Error: SQLite's own.
    """
    taken_in = number(connection, TAKEN_IN)
    if until > taken_in:
        connection.execute(_EXTEND_RANGE, (until, taken_in))
        if not connection.changes():
            connection.execute(_ADD_RANGE, (taken_in + 1, until))
        set_mark(connection, TAKEN_IN, str(until))


def note_own_deletions(connection: "apsw.Connection", rows: int) -> None:
    """Note that winlogd itself has moved rows out of ``events_today``, inside the transaction that deletes them.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_OWN_DELETIONS, (rows,))


def next_range(connection: "apsw.Connection") -> tuple[int, int] | None:
    """Return the first and the last id of the lowest rows that wait; None if none waits.

    Raises:
        apsw.Error: SQLite's own.
    """
    return cast("tuple[int, int] | None", connection.execute(_NEXT_RANGE).fetchone())


def note_range(connection: "apsw.Connection", first: int, now_first: int | None) -> None:
    """Note that the range that began at `first` now begins at `now_first`, or has no row left if that is None.

    Called inside the transaction that takes the rows in.

    Raises:
        apsw.Error: SQLite's own.
    """
    if now_first is None:
        connection.execute(_END_RANGE, (first,))
    else:
        connection.execute(_SHORTEN_RANGE, (now_first, first))


def change_epoch(connection: "apsw.Connection") -> None:
    """End the cursors of all readers, inside the transaction after which they would repeat or skip sessions.

    Raises:
        apsw.Error: SQLite's own.
    """
    set_mark(connection, EPOCH, str(number(connection, EPOCH) + 1))


def ask_for_hours(connection: "apsw.Connection", key: int) -> None:
    """Note that hours have to be counted from the session `key` on, inside the transaction that writes it.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_LOWER, (HOURS_FROM, str(max(key, 1))))


def count_hours_from(connection: "apsw.Connection", key: int) -> None:
    """Set from which session on hours have to be counted, whatever was noted; 0 if all are right.

    Raises:
        apsw.Error: SQLite's own.
    """
    if key:
        set_mark(connection, HOURS_FROM, str(key))
    else:
        connection.execute(_UNSET, (HOURS_FROM,))


def ask_for_rebuild(connection: "apsw.Connection") -> None:
    """Let the past be built anew, inside the caller's transaction: it is not what follows from the archive.

    Raises:
        apsw.Error: SQLite's own.
    """
    set_mark(connection, DELETIONS, str(number(connection, DELETIONS) + 1))
