"""Saves what one connection alone can still read, after its WAL was deleted under it.

The copy lies beside the database, for a person. winlogd itself never reads it again.
"""

import os
import time
from typing import Final

import apsw

_MODE: Final = 0o600


def save_from(connection: apsw.Connection, path: str) -> str:
    """Copy everything that `connection` has committed to ``<path>.rescued-<time>``; end a transaction first.

    Returns:
        What became of it, as the end of a sentence for the log.
    """
    target = f"{path}.rescued-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
        copy = apsw.Connection(target)
        try:
            with copy.backup("main", connection, "main") as backup:
                backup.step(-1)
        finally:
            copy.close()
    except (apsw.Error, OSError) as error:
        return f"they could not be saved to {target} ({error})"
    return f"everything that was stored is in {target}: stop winlogd, look at that file, and put it in place of {path}"
