"""Whether the database's disk has room enough left: looked at before a batch is written, on the writer's thread.

A disk that fills up to the last byte takes the log, the system's other services and SQLite's own checkpoints with
it; so winlogd stops before that, and goes on by itself when somebody has made room.
"""

import os
from typing import Final

from winlogd.store.errors import LowSpaceError

_LOOKS_EVERY_S: Final = 1.0
_MB_BYTES: Final = 1_000_000


class FreeSpace:
    """The free space beside a file.

    Args:
        path: the database's.
        least_bytes: how much must be free; 0 for no look at all.
    """

    def __init__(self, path: str, least_bytes: int) -> None:
        self._folder = os.path.dirname(path) or "."
        self._least_bytes = least_bytes
        self._look_due_s = 0.0
        self._free_bytes = least_bytes

    def require(self, now_s: float) -> None:
        """Checks it, with what was found in the last second.

        Args:
            now_s: the monotonic clock.

        Raises:
            LowSpaceError: there is less.
        """
        if self._least_bytes and now_s >= self._look_due_s:
            self._look_due_s = now_s + _LOOKS_EVERY_S
            self._free_bytes = self._look()
        if self._free_bytes < self._least_bytes:
            raise LowSpaceError(
                f"only {self._free_bytes // _MB_BYTES} MB are free on its disk, of at least"
                f" {self._least_bytes // _MB_BYTES} MB (limits.min_free_disk)"
            )

    def _look(self) -> int:
        try:
            status = os.statvfs(self._folder)
        except OSError:  # a folder that is gone or a disk that fails: SQLite meets that itself, and tells it better
            return self._least_bytes
        return status.f_bavail * status.f_frsize
