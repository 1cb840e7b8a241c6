"""The readers' log: who has looked at what, and when.

Each function is work for `file.AccessFile.run`. This file must not know which request is a look.
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:  # types only
    import apsw

_DAY_US: Final = 86_400_000_000
_NO_MORE: Final = (1 << 63) - 1

_WRITTEN: Final = """INSERT INTO looks (at_us, reader, kind, filter, address) SELECT ?1, ?2, ?3, ?4, ?5
    WHERE NOT EXISTS (SELECT 1 FROM looks INDEXED BY looks_by_time
        WHERE at_us = ?1 AND reader = ?2 AND kind = ?3 AND filter = ?4 AND address = ?5)"""
_OLD: Final = "DELETE FROM looks WHERE at_us < min(?, (SELECT max(at_us) FROM looks) + ?) - ?"
_FOUND: Final = """SELECT number, at_us, reader, kind, filter, address FROM looks
    WHERE number >= ? AND number < ? AND at_us BETWEEN ? AND ? ORDER BY number DESC LIMIT ?"""
_FOUND_OF_READER: Final = """SELECT number, at_us, reader, kind, filter, address FROM looks
    WHERE reader = ? AND number >= ? AND number < ? AND at_us BETWEEN ? AND ? ORDER BY number DESC LIMIT ?"""
_FIRST_SINCE: Final = "SELECT min(number) FROM looks INDEXED BY looks_by_time WHERE at_us >= ?"
"""Somebody may have set the clock back. So the first number is not always that of the earliest row.

Without the name of the index SQLite walks through all older rows.
"""


class Look(NamedTuple):
    """One row.

    Attributes:
        at_us: when, in microseconds since 1970.
        reader: the reader's name; or ``loopback``, ``network``, or ``user:`` and a login user.
        kind: what was looked at, such as ``machine``.
        filter: the parameters.
        address: where the request came from; ``command`` for a command on the server.
    """

    at_us: int
    reader: str
    kind: str
    filter: str
    address: str


class LooksAsked(NamedTuple):
    """Which rows are asked for.

    Attributes:
        reader: those of one reader; None for all.
        since_us: those at or after this time.
        before: those with a lower number; None begins with the newest.
        limit: the most rows.
        until_us: those at or before this time.
    """

    reader: str | None
    since_us: int
    before: int | None
    limit: int
    until_us: int = _NO_MORE


class LooksFound(NamedTuple):
    """Some rows, newest first, and the number before which the next ones are; None after the last."""

    looks: list[Look]
    before: int | None


def write_look(connection: "apsw.Connection", look: Look) -> None:
    """Add a row. Do nothing if it is there: a command writes it again if a server ended before it had answered."""
    connection.execute(_WRITTEN, look)


def remove_old(connection: "apsw.Connection", now_us: int, days: int) -> None:
    """Remove the rows that are older than `days`, counted from at most a day after the newest row.

    Call this before a row of now is written. Then a clock that is far ahead for a moment removes next to nothing.
    """
    connection.execute(_OLD, (now_us, _DAY_US, days * _DAY_US))


def find_looks(connection: "apsw.Connection", asked: LooksAsked) -> LooksFound:
    """Return the rows that are asked for."""
    before = _NO_MORE if asked.before is None else asked.before
    first = connection.execute(_FIRST_SINCE, (asked.since_us,)).get if asked.since_us > 0 else 0
    if first is None:
        return LooksFound([], None)
    arguments = (first, before, asked.since_us, asked.until_us, asked.limit + 1)
    if asked.reader is None:
        found = connection.execute(_FOUND, arguments)
    else:
        found = connection.execute(_FOUND_OF_READER, (asked.reader, *arguments))
    rows = [cast("tuple[Any, ...]", row) for row in found]
    has_more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    return LooksFound([Look(*row[1:]) for row in rows], rows[-1][0] if has_more else None)
