"""Windows: some rows of a table that a step looks at. Ids may be far apart, so a window is a number of rows."""

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:  # types only
    import apsw

_LAST: Final = "SELECT id FROM {} WHERE id > ? AND id <= ? ORDER BY id LIMIT 1 OFFSET ?"


def last_of(connection: "apsw.Connection", table: str, after_id: int, until_id: int, rows: int) -> int:
    """Return the id of the last of some `rows` after an id; `until_id` if there are fewer up to that.

    Raises:
        apsw.Error: SQLite's own.
    """
    found = connection.execute(_LAST.format(table), (after_id, until_id, rows - 1)).fetchone()
    return until_id if found is None else cast("int", found[0])
