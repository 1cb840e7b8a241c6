"""Carry the holds of a database over into the backup that is about to replace it: a hold is no part of the past.

This file must not know how files are put in their places.
"""

import os
from typing import Final
from urllib.parse import quote

import apsw

from winlogd.store.backup.check import opened_defensively
from winlogd.store.backup.files import sync
from winlogd.store.file.columns import column_names
from winlogd.store.file.schema import create_holds
from winlogd.store.past.holds import HOLDS, Hold, add_hold, read_holds

_UNCHANGING: Final = "file:{}?immutable=1"


def carry_holds(database: str, part: str) -> int | None:
    """Add the holds of a database to a copy that lacks them, and sync the copy.

    Args:
        database: the path of the database. It need not exist.
        part: the path of the copy.

    Returns:
        How many were added; None if the database cannot be read.

    Raises:
        OSError: the disk fails.
        apsw.Error: SQLite's own, of the copy.
    """
    try:
        holds = _holds_of(database) if os.path.lexists(database) else []
    except apsw.Error:
        return None
    if not holds:
        return 0
    connection = opened_defensively(part)
    try:
        with connection:
            added = _add(connection, holds)
    finally:
        connection.close()
    sync(part)
    return added


def _holds_of(database: str) -> list[Hold]:
    """Return the holds. A file with two names is not changed: its WAL may be beside the second name."""
    if os.stat(database).st_nlink == 1:
        connection = opened_defensively(database)
    else:
        uri = _UNCHANGING.format(quote(os.fsencode(database)))
        connection = apsw.Connection(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        return read_holds(connection) if column_names(connection, HOLDS) else []
    finally:
        connection.close()


def _add(connection: apsw.Connection, holds: list[Hold]) -> int:
    """Add the holds that are not there, each with its number if that is free. Return how many."""
    if not column_names(connection, HOLDS):
        create_holds(connection)
    present = read_holds(connection)
    known, numbers = {hold[1:] for hold in present}, {hold.number for hold in present}
    missing = [hold for hold in holds if hold[1:] not in known]
    for hold in missing:
        add_hold(connection, hold, None if hold.number in numbers else hold.number)
    return len(missing)
