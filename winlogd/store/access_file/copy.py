"""Copy `winlog.access` inside the transaction of its one writer: no other connection can read it.

This file must not know where the copy belongs.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import apsw

from winlogd.store.access_file.errors import OrderRefusedError
from winlogd.store.backup.files import make_part

_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_NOFOLLOW


def copy_to(path: str) -> Callable[[apsw.Connection], bool]:
    """Return the work that copies the file to `path`, at which there is nothing.

    It returns True, or False if other work of the same transaction has written: ask again. The copy is not synced. It
    raises `OrderRefusedError` if the copy cannot be written: that is no fault of the readers' file.
    """

    def work(connection: apsw.Connection) -> bool:
        try:
            make_part(path)
            _copy(connection, path)
        except apsw.BusyError:
            os.unlink(path)
            return False
        except (apsw.Error, OSError) as error:
            raise OrderRefusedError(f"the copy of the readers' file cannot be written: {error}") from None
        return True

    return work


def _copy(connection: apsw.Connection, path: str) -> None:
    target = apsw.Connection(path, _FLAGS)
    try:
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        with target.backup("main", connection, "main") as backup:
            backup.step(-1)
    finally:
        with suppress(apsw.Error):
            target.close(True)
