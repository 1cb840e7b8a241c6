"""Saves the events that only one connection can still read, because its WAL was deleted while it was open.

The copy is made beside the database, for the administrator. winlogd never reads it.
"""

import os
import time
from contextlib import suppress
from typing import Final

import apsw

_MODE: Final = 0o600


def save_from(connection: apsw.Connection, path: str) -> str:
    """Copy all committed rows that `connection` can read to ``<path>.rescued-<time>``.

    Roll an open transaction back first. Errors of SQLite or the system are not raised: they are part of the text.

    Returns:
        The end of a sentence for the log: where the copy is and what to do, or why there is none.
    """
    target = f"{path}.rescued-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
        _copy(connection, target)
    except (apsw.Error, OSError) as error:
        return f"they could not be saved to {target} ({error})"
    return (
        f"everything that was stored is in {target}: stop winlogd, and compare it with {path}, which has what came"
        " later (docs/operate.md, Rescued copy)"
    )


def _copy(connection: apsw.Connection, target: str) -> None:
    """Copy into the new file `target`. Remove it if that fails: half a copy looks like a whole one."""
    copy = apsw.Connection(target)
    try:
        with copy.backup("main", connection, "main") as backup:
            backup.step(-1)
    except apsw.Error:
        with suppress(OSError):
            os.unlink(target)
        raise
    finally:
        copy.close()
