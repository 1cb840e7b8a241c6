"""Finds the numbers of names: all spellings of a user, a host or an address that a filter means."""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.events.patterns import Pattern
from winlogd.store.past.names import ADDRESS, HOST
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.source import Source

_EQUAL: Final = (
    "SELECT id FROM {0} WHERE kind = ?1 AND folded = ?2 UNION SELECT id FROM {0} WHERE kind = ?1 AND short = ?2"
)
_BEGINNING: Final = """SELECT id, folded, short FROM {0} WHERE kind = ?1 AND folded >= ?2 AND folded < ?3
    UNION SELECT id, folded, short FROM {0} WHERE kind = ?1 AND short >= ?2 AND short < ?3"""
_ALL: Final = "SELECT id, folded, short FROM {0} WHERE kind = ?1 AND name IS NOT NULL"
_SPELLINGS: Final = "SELECT id FROM {0} WHERE kind = ? AND folded = ?"
_WITHIN: Final = "SELECT id FROM {0} WHERE kind = ? AND folded BETWEEN ? AND ? AND length(folded) = 32"
_NAMES: Final = "SELECT id, name FROM {0} WHERE kind = ? AND name IS NOT NULL"


class Addresses(NamedTuple):
    """Addresses from `first` to `last`, both included, each as 32 hexadecimal digits (`store.past.names`)."""

    first: str
    last: str


def numbers_of(connection: "apsw.Connection", source: "Source", kind: int, pattern: Pattern) -> list[int]:
    """Return the numbers of all names of one kind that `pattern` means.

    A name without a star means the folded name, and every name whose short form it is: ``alice`` means ``DOM\\alice``.

    Raises:
        apsw.Error: SQLite's own.
    """
    if pattern.is_plain:
        text = pattern.text.removesuffix(".") if kind == HOST else pattern.text
        return _numbers(connection, _EQUAL.format(source.names), kind, text)
    prefix = pattern.prefix
    if prefix:
        rows = connection.execute(_BEGINNING.format(source.names), (kind, prefix, prefix + "\U0010ffff"))
    else:
        rows = connection.execute(_ALL.format(source.names), (kind,))
    matches = pattern.matches
    return [
        number
        for number, folded, short in cast("list[tuple[int, str, str]]", rows.fetchall())
        if matches(folded) or matches(short)
    ]


def spellings(connection: "apsw.Connection", source: "Source", kind: int, folded: str) -> list[int]:
    """Return the numbers of all spellings of one folded name.

    Raises:
        apsw.Error: SQLite's own.
    """
    return _numbers(connection, _SPELLINGS.format(source.names), kind, folded)


def within(connection: "apsw.Connection", source: "Source", addresses: Addresses) -> list[int]:
    """Return the numbers of all addresses of a network.

    Raises:
        apsw.Error: SQLite's own.
    """
    return _numbers(connection, _WITHIN.format(source.names), ADDRESS, *addresses)


def host_names(connection: "apsw.Connection") -> list[str]:
    """Return the names of all machines, of the past and of today.

    Raises:
        apsw.Error: SQLite's own.
    """
    sources = (PAST, TODAY)
    return [str(name) for each in sources for _, name in connection.execute(_NAMES.format(each.names), (HOST,))]


def _numbers(connection: "apsw.Connection", sql: str, *values: int | str) -> list[int]:
    return [cast("int", row[0]) for row in connection.execute(sql, values)]
