"""Faults that may pass, those after which winlogd must open the file again, and what it says of a damaged file."""

from typing import Final

import apsw

from winlogd.store.errors import LowSpaceError

LOCKS: Final = (apsw.BusyError, apsw.LockedError)
"""Errors that SQLite raises while another connection holds a lock."""

WAIT_FOR: Final = (*LOCKS, apsw.FullError, LowSpaceError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)
"""Faults of the environment that may pass: a lock, a full disk, a disk that fails."""

REOPEN_AFTER: Final = (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)
"""Faults after which the connection may have a wrong view of the file: winlogd opens the file again."""


def damaged(path: str, error: apsw.Error) -> str:
    """Return what to say when a damaged page is read."""
    advice = f"put a backup in its place, or save what can be read with 'sqlite3 {path} .recover'"
    return f"{path} is damaged ({error}): {advice}"


def unreadable(path: str, error: apsw.Error) -> str:
    """Return what to say when the file cannot be opened as a database."""
    is_other = isinstance(error, apsw.NotADBError)
    return f"{path} is not a database, or a damaged one ({error})" if is_other else damaged(path, error)
