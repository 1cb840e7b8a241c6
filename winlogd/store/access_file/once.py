"""Read `winlog.access` once, without a running server. It writes nothing, and makes no file that is missing.

This file must not know what a scope may read.
"""

import os
from typing import Final

import apsw

from winlogd.store.access_file.errors import AccessFileError
from winlogd.store.access_file.readers import ReaderRow, list_readers
from winlogd.store.access_file.tables import access_path
from winlogd.store.read.uri import uri_of

_FLAGS: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_NOFOLLOW


def readers_at_rest(database: str) -> list[ReaderRow]:
    """Return all readers of the file beside a database; none if there is no file.

    Raises:
        AccessFileError: it cannot be read.
    """
    path = access_path(database)
    if not os.path.lexists(path):
        return []
    try:
        connection = apsw.Connection(uri_of(path), _FLAGS)
        try:
            return list_readers(connection)
        finally:
            connection.close()
    except OSError as error:
        raise AccessFileError(f"{path} cannot be read: {error.strerror}") from None
    except apsw.Error as error:
        raise AccessFileError(f"{path} cannot be read: {error}") from None
