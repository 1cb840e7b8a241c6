"""Only one winlogd may own a database file: its process locks a file beside the database.

The lock is an flock on ``<real path>.lock``, a file of its own: closing any descriptor on the database itself
would drop SQLite's locks on it (SQLite's "howtocorrupt.html" §2.2). The lock file is never deleted. One process could
still lock the deleted file while another locks a new one, and both would believe that they own the database.
"""

import fcntl
import os
from typing import Final

from winlogd.store.errors import OwnedError

_MODE: Final = 0o600
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
"""O_NOFOLLOW: somebody could put a symbolic link in the place of the lock file, to a file of their choice."""


class Ownership:
    """Ownership of one database file, from construction to `release`, or to the end of the process.

    Args:
        database: path of the database; symbolic links are followed, so one file has one lock.

    Raises:
        OwnedError: another process owns it.
        OSError: the folder cannot be made, or the lock file cannot be opened.
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
        """Give the ownership up: another process may take it."""
        os.close(self._descriptor)
