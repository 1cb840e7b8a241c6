"""Lists the machines of a database for a check that must change nothing: no server has to run."""

import os
from typing import Final, cast

import apsw

from winlogd.store.past.names import HOST
from winlogd.store.past.progress import is_due
from winlogd.store.read.uri import uri_of

_ARCHIVED: Final = "SELECT folded FROM winlogd_names WHERE kind = ? AND name IS NOT NULL"
_TODAY: Final = "SELECT DISTINCT hostname FROM events_today WHERE hostname IS NOT NULL"
_BUSY_TIMEOUT_MS: Final = 1_000
_FLAGS: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def known_hosts(path: str) -> list[str]:
    """Return the names of all machines in the database at `path`, in any spelling.

    The list is empty if there is no database yet, or if it cannot be read. So it is if a part of its archive was not
    taken in.
    """
    if not os.path.isfile(path):
        return []
    try:
        connection = apsw.Connection(uri_of(path), _FLAGS)
        try:
            connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
            if is_due(connection):
                return []
            rows = connection.execute(f"{_ARCHIVED} UNION {_TODAY}", (HOST,)).fetchall()
        finally:
            connection.close()
    except (apsw.Error, OSError):
        return []
    return [name for (name,) in cast("list[tuple[str]]", rows)]
