"""Notices a WAL that only grows, before the disk is full of it: checkpoints that fail, or a reader that never ends.

Nothing is lost by it, and so SQLite keeps it to itself: a COMMIT whose checkpoint fails succeeds (wal.html §2.2, §6).
Knows the size of a file; no SQL.
"""

import os
from typing import Final

_LOOKS_EVERY_S: Final = 1.0
_LARGE_BYTES: Final = 64 << 20
"""Ordinary work keeps far below: two thousand events a second with readers and a rotation have 6 MiB
(``python -m tests.chaos.soak``)."""


class WalWatch:
    """The WAL of the database at `path`; one that is not there, as in other journal modes, has 0 bytes."""

    __slots__ = ("_look_due_s", "_path", "_tell_at_bytes")

    def __init__(self, path: str) -> None:
        self._path = f"{path}-wal"
        self._look_due_s = 0.0
        self._tell_at_bytes = _LARGE_BYTES

    def grown(self, now_s: float) -> int | None:
        """Its size in bytes, when that is worth telling: at 64 MiB, and then whenever it has doubled.

        Once SQLite has cut it, it is told again from the beginning.

        Args:
            now_s: the monotonic clock; the file is looked at once a second at most.
        """
        if now_s < self._look_due_s:
            return None
        self._look_due_s = now_s + _LOOKS_EVERY_S
        size = self._size()
        if size < _LARGE_BYTES:
            self._tell_at_bytes = _LARGE_BYTES
        if size < self._tell_at_bytes:
            return None
        self._tell_at_bytes = 2 * size
        return size

    def _size(self) -> int:
        try:
            return os.stat(self._path).st_size
        except OSError:
            return 0
