"""Which faults may pass, and after which the file has to be opened afresh."""

from typing import Final

import apsw

from winlogd.store.errors import LowSpaceError

LOCKS: Final = (apsw.BusyError, apsw.LockedError)
"""Another connection holds a lock."""

WAIT_FOR: Final = (*LOCKS, apsw.FullError, LowSpaceError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)
"""Faults of the environment that may pass: a lock, a full disk, a disk that fails."""

REOPEN_AFTER: Final = (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)
"""Faults after which the connection's own view of the file is not to be trusted any more."""
