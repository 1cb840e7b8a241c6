"""Where the rows of a page of raw events are: by their ids in ``events_today`` and ``events_history``.

A question begins with the rows that are in the two tables then. Its first part is the rows of today, by their ids
there, downwards. The rotation may move some of them meanwhile: then the runs (`store.past.runs`) say where each went,
and it keeps its place in the order. The second part is the archive as it was when the question began. So no page skips
or repeats a row, also if logons of open sessions stay behind and move a day later. Runs are kept for two days: rows
that moved longer ago are left out of the first part. So are rows that another program moves, and rows that come to the
archive after the begin.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast

from winlogd.events.timestamps import microseconds
from winlogd.sessions.session import US, receipt
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.past.progress import last_history_id

if TYPE_CHECKING:  # types only
    import apsw

Table = Literal["events_today", "events_history"]

_FAR: Final = 2**63 - 1
_RUNS: Final = """SELECT today_id, history_id, count FROM main.winlogd_runs
    WHERE today_id < ?1 AND history_id + count - 1 > ?2 ORDER BY today_id DESC"""
_HIGHEST: Final = "SELECT max(id) FROM main.{} WHERE id <= ?"
_ENDS: Final = "SELECT (SELECT min(id) FROM main.{0}), (SELECT max(id) FROM main.{0})"
_NEXT: Final = (
    f"SELECT id, {as_bytes('server_timestamp', 'created_at', 'timestamp')} FROM main.{{}} WHERE id >= ?"
    " ORDER BY id LIMIT 1"
)


class Position(NamedTuple):
    """Where a page ends, and the next one begins.

    Attributes:
        today_before: of today's rows, those with lower ids follow, also if they have moved. 0: none follow.
        history_until: of the archive's rows, those up to this id follow.
    """

    today_before: int
    history_until: int


LAST: Final = Position(0, 0)
"""The position after all rows."""


class Segment(NamedTuple):
    """Rows of one table that follow each other in the order of a question.

    Attributes:
        table: the table in which they are now.
        first: the lowest id.
        last: the highest id.
        shift: what leads from an id to the row's id in ``events_today``; None for the archive's part.
    """

    table: Table
    first: int
    last: int
    shift: int | None

    def after(self, event_id: int, start: Position) -> Position:
        """Return the position after the row with an id, for a question that is at `start`."""
        if self.shift is None:
            return Position(0, event_id - 1)
        return Position(event_id + self.shift, start.history_until)


def newest(connection: "apsw.Connection") -> Position:
    """Return the position before all rows that are there now.

    Raises:
        apsw.Error: SQLite's own.
    """
    return Position(_FAR, last_history_id(connection))


def segments(connection: "apsw.Connection", start: Position) -> Iterator[Segment]:
    """Return where the rows after a position are now, in the order of the question.

    Raises:
        apsw.Error: SQLite's own.
    """
    until = start.history_until
    if start.today_before > 0:
        high = start.today_before - 1
        runs = connection.execute(_RUNS, start).fetchall()
        for today_id, history_id, count in cast("list[tuple[int, int, int]]", runs):
            skipped = max(0, until + 1 - history_id)  # a run goes on where the last one ended: also from before `until`
            shift = today_id - history_id
            first, last = today_id + skipped, min(today_id + count - 1, high)
            yield Segment("events_today", last + 1, high, 0)
            yield Segment("events_history", first - shift, last - shift, shift)
            high = first - 1
        yield Segment("events_today", 1, high, 0)
    yield Segment("events_history", 1, until, None)


def highest(connection: "apsw.Connection", table: Table, until: int) -> int:
    """Return the highest id of a table that is at most `until`; 0 if there is none.

    Raises:
        apsw.Error: SQLite's own.
    """
    return cast("int | None", connection.execute(_HIGHEST.format(table), (until,)).fetchone()[0]) or 0  # type: ignore[index]


def received_between(
    connection: "apsw.Connection", table: Table, from_us: int, to_us: int, margin_us: int
) -> tuple[int, int]:
    """Return the lowest and the highest id that rows received from `from_us` to `to_us` may have.

    There is no index on the time of receipt. But ids nearly follow it: the logon of a session that stays open moves to
    the archive a day or two after its neighbours. So the ids are bisected with a margin. Rows that are further away
    are not found by their time: an administrator has added old rows, or the server's clock was wrong for more than the
    margin.

    Raises:
        apsw.Error: SQLite's own.
    """
    lowest = _first_since(connection, table, from_us - margin_us)
    return lowest, _first_since(connection, table, to_us + margin_us + US) - 1


def _first_since(connection: "apsw.Connection", table: Table, moment_us: int) -> int:
    """Return the id from which on rows were received at `moment_us` or later."""
    ends = cast("tuple[int | None, int | None]", connection.execute(_ENDS.format(table)).fetchone())
    low, high = ends[0] or 0, (ends[1] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(_NEXT.format(table), (middle,)).fetchone()
        if row is None or cast("int", row[0]) >= high or receipt_of(*row[1:]) >= moment_us:
            high = middle
        else:
            low = cast("int", row[0]) + 1
    return low


def receipt_of(server_timestamp: object, created_at: object, timestamp: object) -> int:
    """Return the receipt of a row of `as_bytes` columns, in microseconds since 1970."""
    return receipt(*(microseconds(text(each)) for each in (server_timestamp, created_at, timestamp)))
