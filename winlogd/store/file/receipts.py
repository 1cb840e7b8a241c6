"""Who has received a row: the form of its time of receipt shows whether it was winlogd.

winlogd's times of receipt have six digits and ``+00:00``. Those of the older servers have nine digits, and by chance
six in one of a thousand. This file must not know sessions.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

if TYPE_CHECKING:  # types only
    import apsw

NEWEST: Final = 2**63 - 1
"""No row has a higher id."""
_OF_WINLOGD: Final = "'????-??-??T??:??:??.??????+00:00'"
_PIECE_ROWS: Final = 1000
IS_OF_OTHERS: Final = f"ifnull({{0}}.server_timestamp, '') NOT GLOB {_OF_WINLOGD}"
"""SQL that is true for a row that winlogd has not received."""
_PIECE: Final = f"""SELECT min(id), max(is_of_others) FROM (SELECT id, {IS_OF_OTHERS.format("e")} AS is_of_others
    FROM events_today e WHERE id <= ? ORDER BY id DESC LIMIT {_PIECE_ROWS})"""


class Piece(NamedTuple):
    """Some rows of ``events_today``, without a gap.

    Attributes:
        first: the lowest id.
        has_others: True if winlogd has not received all of them.
    """

    first: int
    has_others: bool


def piece(connection: "apsw.Connection", until: int = NEWEST) -> Piece:
    """Return the last thousand rows with ids up to `until`.

    What an older server has received since winlogd last ran is at the end. So a start need not look at the whole day.

    Raises:
        apsw.Error: SQLite's own.
    """
    first, has_others = cast("tuple[int | None, int]", connection.execute(_PIECE, (until,)).fetchone())
    return Piece(first or 0, bool(has_others))
