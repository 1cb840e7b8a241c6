"""Notices a WAL that only grows, before it fills the disk: checkpoints fail, or a reader never ends.

SQLite reports no error, because no event is lost: a COMMIT succeeds even if its checkpoint fails (wal.html §2.2, §6).
This file looks at the size of a file only; it must not know SQL.
"""

import os
from typing import Final

_LOOK_EVERY_S: Final = 1.0
"""Look at the file at most this often."""
_LARGE_BYTES: Final = 64 << 20
"""A WAL of this size is worth a line in the log. Two thousand events a second, with readers and a rotation, need 6 MiB
(``python -m tests.chaos.soak``)."""


class WalWatch:
    """The size of the WAL of the database at `path`. Without a WAL, as in other journal modes, the size is 0."""

    __slots__ = ("_look_due_s", "_path", "_report_at_bytes")

    def __init__(self, path: str) -> None:
        self._path = f"{path}-wal"
        self._look_due_s = 0.0
        self._report_at_bytes = _LARGE_BYTES

    def grown(self, now_s: float) -> int | None:
        """Return the size in bytes if it is to be reported, otherwise None.

        The size is reported at 64 MiB, and again each time it has doubled. When SQLite has cut the WAL below 64 MiB,
        the next report comes at 64 MiB again.

        Args:
            now_s: the monotonic clock. The file is looked at once a second at most.
        """
        if now_s < self._look_due_s:
            return None
        self._look_due_s = now_s + _LOOK_EVERY_S
        size = self._size()
        if size < _LARGE_BYTES:
            self._report_at_bytes = _LARGE_BYTES
        if size < self._report_at_bytes:
            return None
        self._report_at_bytes = 2 * size
        return size

    def _size(self) -> int:
        try:
            return os.stat(self._path).st_size
        except OSError:
            return 0
