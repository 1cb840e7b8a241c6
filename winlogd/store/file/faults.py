"""Two sets of faults: those that may pass, and those after which winlogd must open the file again."""

from typing import Final

import apsw

from winlogd.store.errors import LowSpaceError

LOCKS: Final = (apsw.BusyError, apsw.LockedError)
"""Errors that SQLite raises while another connection holds a lock."""

WAIT_FOR: Final = (*LOCKS, apsw.FullError, LowSpaceError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)
"""Faults of the environment that may pass: a lock, a full disk, a disk that fails."""

REOPEN_AFTER: Final = (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)
"""Faults after which the connection may have a wrong view of the file: winlogd opens the file again."""
