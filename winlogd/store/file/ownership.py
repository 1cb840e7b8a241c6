"""Only one winlogd may own a database file: a lock beside it says whose it is.

The lock is an flock on ``<real path>.lock``, a file of its own: closing any descriptor on the database itself
would drop SQLite's locks on it (SQLite's "howtocorrupt.html" §2.2). It is never deleted, because a file deleted by
one process can still be locked by another, and both would believe they own the database.
"""

import fcntl
import os
from typing import Final

from winlogd.store.errors import OwnedError

_MODE: Final = 0o600
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
"""A link in the place of the lock would lead to a file that somebody else has chosen."""


class Ownership:
    """Ownership of one database file, from construction to `release`, or to the end of the process.

    Args:
        database: path of the database; symbolic links are followed, so one file has one lock.

    Raises:
        OwnedError: another process owns it.
        OSError: the folder cannot be made, or the lock file not be opened.
    """

    def __init__(self, database: str) -> None:
        self.path: Final = os.path.realpath(database)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self._descriptor = os.open(f"{self.path}.lock", _FLAGS, _MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise OwnedError(f"another winlogd is using {self.path}") from None

    def release(self) -> None:
        """Lets another process have it."""
        os.close(self._descriptor)
