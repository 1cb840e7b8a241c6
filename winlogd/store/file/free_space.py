"""Checks, before each write, that the database's disk has enough free space.

On a completely full disk the log, other services and SQLite's own checkpoints fail, too. So winlogd stops writing
before the disk is full. It goes on by itself when there is space again. Runs on the thread that writes.
"""

import os
from typing import Final

from winlogd.store.errors import LowSpaceError

_LOOK_EVERY_S: Final = 1.0
"""Ask the system for the free space at most this often."""
_MB_BYTES: Final = 1_000_000


class FreeSpace:
    """The free space of the disk that holds a file.

    Args:
        path: the database file.
        least_bytes: the space that must be free; 0 turns the check off.
    """

    def __init__(self, path: str, least_bytes: int) -> None:
        self._folder = os.path.dirname(path) or "."
        self._least_bytes = least_bytes
        self._look_due_s = 0.0
        self._free_bytes = least_bytes

    def require(self, now_s: float) -> None:
        """Check the free space. The figure may be a second old.

        Args:
            now_s: the monotonic clock.

        Raises:
            LowSpaceError: less space is free than `least_bytes`.
        """
        least_bytes = self._least_bytes  # once: another thread may change it meanwhile
        if least_bytes and now_s >= self._look_due_s:
            self._look_due_s = now_s + _LOOK_EVERY_S
            self._free_bytes = self._look()
        if least_bytes and self._free_bytes < least_bytes:
            raise LowSpaceError(
                f"only {self._free_bytes // _MB_BYTES} MB are free on its disk, of at least"
                f" {least_bytes // _MB_BYTES} MB (limits.min_free_disk)"
            )

    def change(self, least_bytes: int) -> None:
        """Take another `least_bytes`, and look at the disk before the next write. Any thread may call this."""
        self._least_bytes = least_bytes
        self._look_due_s = 0.0

    def _look(self) -> int:
        try:
            status = os.statvfs(self._folder)
        except OSError:  # the folder is gone or the disk fails: SQLite meets the same error and describes it better
            return self._least_bytes
        return status.f_bavail * status.f_frsize
