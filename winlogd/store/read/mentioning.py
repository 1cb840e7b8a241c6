"""Which rows of the database still have a name in a text, so that a person can look at them.

This file must not know whose names these are, or who asks.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.events.names import folded
from winlogd.store.file.columns import text
from winlogd.store.past.mentions import Mentions

if TYPE_CHECKING:  # types only
    import apsw

_OF_EVENTS: Final = "username, hostname, os_name, os_version, kernel_version, hardware_info, session_uuid"
_TEXTS: Final = {
    "events_history": _OF_EVENTS,
    "events_today": _OF_EVENTS,
    "winlogd_holds": "user, host, reason, held_by",
    "winlogd_hardware": "path, old, new",
}
"""The columns of each table that have texts from elsewhere."""


class Mentioning(NamedTuple):
    """A row: its table and its id."""

    table: str
    row_id: int


def rows_mentioning(
    connection: "apsw.Connection", names: Iterable[str], others: Iterable[str], most: int
) -> list[Mentioning]:
    """Return at most so many rows that have one of the names.

    Args:
        connection: the database.
        names: the names, in any spelling.
        others: longer names that have one of these as a part, and are none of them.
        most: how many rows are returned at most.

    Raises:
        apsw.Error: SQLite's own.
    """
    known = {**dict.fromkeys(map(folded, others), False), **dict.fromkeys(map(folded, names), True)}
    return list(islice(_found(connection, Mentions(known)), most))


def _found(connection: "apsw.Connection", mentions: Mentions[bool]) -> Iterator[Mentioning]:
    for table, columns in _TEXTS.items():
        values = ", ".join(f"CAST({column} AS BLOB)" for column in columns.split(", "))
        for row_id, *octets in connection.execute(f"SELECT id, {values} FROM {table}"):
            texts = [text(each) for each in cast("list[bytes | None]", octets) if each is not None]
            if mentions.may_be_in("\n".join(texts)) and any(_is_in(each, mentions) for each in texts):
                yield Mentioning(table, cast("int", row_id))


def _is_in(value: str, mentions: Mentions[bool]) -> bool:
    return mentions.replaced(value, lambda is_wanted: "" if is_wanted else None) != value
