"""Removes names that nothing uses any more: neither the past nor a row of the archive.

A number is never used for a second name, because readers keep numbers of names. So the name with the highest number is
only emptied, until a higher number exists. This file must not know when it is called.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from winlogd.store.file.marks import set_mark
from winlogd.store.past.events import json_list
from winlogd.store.past.names import ADDRESS, HOST, USER
from winlogd.store.past.progress import NAMES_REMOVED, number

if TYPE_CHECKING:  # types only
    import apsw

_EMPTY: Final = 0
"""The kind of a name that was emptied."""
_UNUSED: Final = f"""SELECT n.id FROM winlogd_names n WHERE n.id IN (SELECT value FROM json_each(?)) AND CASE n.kind
    WHEN {USER} THEN NOT EXISTS (SELECT 1 FROM winlogd_past WHERE user = n.id)
        AND NOT EXISTS (SELECT 1 FROM events_history WHERE username IS n.name)
    WHEN {HOST} THEN NOT EXISTS (SELECT 1 FROM winlogd_past WHERE host = n.id)
        AND NOT EXISTS (SELECT 1 FROM winlogd_inventory WHERE host = n.id)
        AND NOT EXISTS (SELECT 1 FROM winlogd_hardware WHERE host = n.id)
        AND NOT EXISTS (SELECT 1 FROM events_history WHERE hostname IS n.name)
    WHEN {_EMPTY} THEN 1 ELSE 0 END"""
_WITHOUT_SESSION: Final = f"""SELECT n.name FROM json_each(?) j CROSS JOIN winlogd_names n ON n.id = j.value
    WHERE n.kind = {ADDRESS} AND n.name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM winlogd_past WHERE ip = n.id)"""
"""Without CROSS JOIN, SQLite looks at all addresses by the index of kinds."""
_ADDRESSES_OF: Final = "SELECT DISTINCT source_ip FROM events_history WHERE id > ? AND id <= ?"
_NUMBERS_OF: Final = f"""SELECT id FROM winlogd_names n WHERE kind = {ADDRESS}
    AND name IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM winlogd_past WHERE ip = n.id)"""
_HIGHEST: Final = "SELECT max(id) FROM winlogd_names"
_NEXT: Final = "SELECT id FROM winlogd_names WHERE id > ? ORDER BY id LIMIT ?"
_EMPTY_IT: Final = f"""UPDATE winlogd_names SET kind = {_EMPTY}, name = NULL, folded = '', short = ''
    WHERE id = ? AND kind <> {_EMPTY}"""
_REMOVE: Final = "DELETE FROM winlogd_names WHERE id IN (SELECT value FROM json_each(?)) AND id <> ?"


def next_names(connection: "apsw.Connection", after: int, most: int) -> list[int]:
    """Return the next numbers of names, ascending.

    Raises:
        apsw.Error: SQLite's own.
    """
    return [cast("int", row[0]) for row in connection.execute(_NEXT, (after, most))]


def remove_unused(connection: "apsw.Connection", numbers: Iterable[int]) -> int:
    """Remove those names of users and hosts that nothing uses, inside the transaction that the caller has begun.

    Addresses need a search of the archive (`addresses_without_session`): it has no index of them.

    Returns:
        How many were removed.

    Raises:
        apsw.Error: SQLite's own.
    """
    return _remove(connection, [cast("int", row[0]) for row in connection.execute(_UNUSED, (json_list(numbers),))])


def addresses_without_session(connection: "apsw.Connection", numbers: Iterable[int]) -> set[str]:
    """Return the addresses among some names that no session came from. Rows of the archive may still have them.

    Raises:
        apsw.Error: SQLite's own.
    """
    return {str(name) for (name,) in connection.execute(_WITHOUT_SESSION, (json_list(numbers),))}


def addresses_in(connection: "apsw.Connection", after: int, until: int) -> set[str]:
    """Return the addresses that rows of the archive have, from after one id to another.

    Raises:
        apsw.Error: SQLite's own.
    """
    return {str(address) for (address,) in connection.execute(_ADDRESSES_OF, (after, until))}


def remove_addresses(connection: "apsw.Connection", addresses: Iterable[str]) -> int:
    """Remove addresses that no row of the archive has, unless a session has one by now. Return how many were removed.

    Raises:
        apsw.Error: SQLite's own.
    """
    found = connection.execute(_NUMBERS_OF, (json_list(addresses),))
    return _remove(connection, [cast("int", row[0]) for row in found])


def _remove(connection: "apsw.Connection", numbers: list[int]) -> int:
    if not numbers:
        return 0
    highest = cast("int", connection.execute(_HIGHEST).get)
    connection.execute(_REMOVE, (json_list(numbers), highest))
    removed = connection.changes()
    if highest in numbers:
        connection.execute(_EMPTY_IT, (highest,))
        removed += connection.changes()
    if removed:
        set_mark(connection, NAMES_REMOVED, str(number(connection, NAMES_REMOVED) + 1))
    return removed
