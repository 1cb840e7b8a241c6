"""The readers' log: who has looked at what, and when.

Each function is work for `file.AccessFile.run`. This file must not know which request is a look.
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:  # types only
    import apsw

_DAY_US: Final = 86_400_000_000
_NO_MORE: Final = (1 << 63) - 1

_WRITTEN: Final = "INSERT INTO looks (at_us, reader, kind, filter, address) VALUES (?, ?, ?, ?, ?)"
_OLD: Final = "DELETE FROM looks WHERE at_us < ?"
_FOUND: Final = """SELECT number, at_us, reader, kind, filter, address FROM looks
    WHERE number < ?1 AND at_us >= ?2 AND (?3 IS NULL OR reader = ?3) ORDER BY number DESC LIMIT ?4"""


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
    """

    reader: str | None
    since_us: int
    before: int | None
    limit: int


class LooksFound(NamedTuple):
    """Some rows, newest first, and the number before which the next ones are; None after the last."""

    looks: list[Look]
    before: int | None


def write_look(connection: "apsw.Connection", look: Look) -> None:
    """Add a row."""
    connection.execute(_WRITTEN, look)


def remove_old(connection: "apsw.Connection", now_us: int, days: int) -> None:
    """Remove the rows that are older than `days`."""
    connection.execute(_OLD, (now_us - days * _DAY_US,))


def find_looks(connection: "apsw.Connection", asked: LooksAsked) -> LooksFound:
    """Return the rows that are asked for."""
    before = _NO_MORE if asked.before is None else asked.before
    arguments = (before, asked.since_us, asked.reader, asked.limit + 1)
    rows = [cast("tuple[Any, ...]", row) for row in connection.execute(_FOUND, arguments)]
    has_more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    return LooksFound([Look(*row[1:]) for row in rows], rows[-1][0] if has_more else None)
