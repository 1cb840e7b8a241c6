"""Automatic logoffs of the older servers: their rows carry no mark, and winlogd finds them by their form.

An older server that got a logon of a pair with an open session first stored a logoff, one second earlier by the
client's clock. So a logoff exactly one second before the pair's next logon, stored just before it, is automatic.

winlogd marks its own. If it has received both events (`store.file.receipts`), the logoff without a mark is a client's:
clients that tell whole seconds may log off and on within one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from winlogd.events.timestamps import microseconds
from winlogd.sessions.pair import pair_key
from winlogd.sessions.session import US
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.file.receipts import IS_OF_OTHERS, NEWEST, piece
from winlogd.store.past.events import json_list

if TYPE_CHECKING:  # types only
    import apsw

_COLUMNS: Final = as_bytes("d.timestamp", "c.timestamp", "d.username", "d.hostname", "c.username", "c.hostname")
_SECOND: Final = "CAST(substr({0}.timestamp, 18, 2) AS INTEGER)"
_FOLLOWED: Final = f"""SELECT d.id, {_COLUMNS} FROM {{0}} d JOIN {{0}} c ON c.id = d.id + 1
    WHERE d.action = 'D' AND d.origin = 'client' AND c.action = 'C'
    AND {_SECOND.format("c")} - {_SECOND.format("d")} IN (1, -59)
    AND (lower(d.username) = lower(c.username)
        OR length(d.username || c.username) <> octet_length(d.username || c.username))
    AND ({IS_OF_OTHERS.format("d")} OR {IS_OF_OTHERS.format("c")})"""
"""SQL compares the seconds of the clients' times, and ASCII names. So few rows of a million reach Python."""
_OF_TODAY: Final = f"{_FOLLOWED.format('events_today')} AND d.id BETWEEN ? AND ?"
_OF_ARCHIVE: Final = f"{_FOLLOWED.format('events_history')} AND d.id IN (SELECT value FROM json_each(?))"
_MARK: Final = "UPDATE events_today SET origin = 'auto' WHERE id = ?"


def mark_automatic_logoffs(connection: "apsw.Connection") -> None:
    """Mark the automatic logoffs that an older server has put into ``events_today``, in the caller's transaction.

    Raises:
        apsw.Error: SQLite's own.
    """
    found: list[tuple[int]] = []
    last = NEWEST
    while (rows := piece(connection, last)).has_others:
        pairs = connection.execute(_OF_TODAY, (rows.first, last))
        found += [(int(str(row[0])),) for row in pairs if _is_automatic(row)]
        last = rows.first - 1
    connection.executemany(_MARK, found)


def automatic_among(connection: "apsw.Connection", history_ids: Sequence[int]) -> set[int]:
    """Return those logoffs in ``events_history``, by id, that are automatic ones of an older server.

    Raises:
        apsw.Error: SQLite's own.
    """
    rows = connection.execute(_OF_ARCHIVE, (json_list(history_ids),))
    return {int(str(row[0])) for row in rows if _is_automatic(row)}


def _is_automatic(row: Sequence[object]) -> bool:
    """Return True if a row of a logoff and the next logon has the form of an automatic logoff."""
    _, left, began, *names = row
    user, host, next_user, next_host = map(text, names)
    left_us, began_us = microseconds(text(left)), microseconds(text(began))
    if left_us is None or began_us is None or began_us - left_us != US:
        return False
    return pair_key(user, host) == pair_key(next_user, next_host)
