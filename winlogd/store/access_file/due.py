"""Compares a database's mark with that of `winlog.access`, at the start of a server. It loads next to nothing.

If they differ, or the file cannot be read, others find out what has to be done. This file must not know tombstones.
"""

from typing import Final, cast

import apsw

from winlogd.store.access_file.tables import MARK, access_path

_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_NOFOLLOW
"""Closing it leaves no WAL. A connection that only reads would."""
_BUSY_MS: Final = 2_000
"""Wait so long for a command that writes its row of the readers' log, which takes milliseconds."""
_FIND: Final = f"SELECT (SELECT value FROM secrets WHERE name = '{MARK}') FROM forgotten LIMIT 1"


def is_forgetting_due(database: str, mark: str) -> bool:
    """Return True if a database may lack tombstones. There is a file beside it, as far as is known.

    Args:
        database: the database's real path.
        mark: the database's mark (`Forgotten.mark`); any text if it has none.
    """
    try:
        connection = apsw.Connection(access_path(database), _FLAGS)
        try:
            connection.set_busy_timeout(_BUSY_MS)
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # as in `file`: no shared memory
            return lacks_some(connection, mark)
        finally:
            connection.close()
    except apsw.Error:
        return True


def lacks_some(connection: apsw.Connection, mark: str) -> bool:
    """Return True if a database with this mark may lack tombstones of the open file."""
    found = connection.execute(_FIND).fetchone()
    return found is not None and cast("bytes | None", found[0]) != mark.encode()
