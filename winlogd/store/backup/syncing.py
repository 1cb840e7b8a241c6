"""Put a copy on the disk piece by piece, while another thread still writes it.

A sync of a whole copy takes long, and the sync of each event's COMMIT waits behind it. The thread that copies says when
a piece is written, and waits until that piece is on the disk. This file must not know SQL.
"""

import time
from errno import ETIMEDOUT
from os import strerror
from queue import SimpleQueue
from typing import Any, Final

from winlogd.store.backup.files import sync

_PIECE_PAGES: Final = 256
"""The pages of a piece: mostly 1 MiB."""
_PATIENCE_S: Final = 60.0
"""A disk that takes longer for a piece hangs. Rotations and deletions wait behind a backup."""


class Syncing:
    """The pieces of one copy. One thread copies, another one syncs.

    Args:
        path: the copy.
        piece_pages: the pages of a piece.
    """

    def __init__(self, path: str, piece_pages: int = _PIECE_PAGES) -> None:
        self._path: Final = path
        self._piece_pages: Final = piece_pages
        self._unsynced_pages = 0
        self._asked: Final[SimpleQueue[tuple[bool, Any]]] = SimpleQueue()
        self._is_under_way = False
        self._asked_s = 0.0
        self._fault: OSError | None = None

    # The thread that copies calls these.

    def wrote(self, pages: int) -> None:
        """Take note of written pages. Have them synced if they make a piece."""
        self._unsynced_pages += pages
        if self._unsynced_pages >= self._piece_pages:
            self._unsynced_pages = 0
            self._is_under_way, self._asked_s = True, time.monotonic()
            self._asked.put((False, None))

    def is_under_way(self) -> bool:
        """Return True if the last piece is not on the disk yet: more must not be written.

        Raises:
            OSError: the disk has failed, or does not answer. The copy is useless: a later sync may not report it again.
        """
        if self._is_under_way and time.monotonic() > self._asked_s + _PATIENCE_S:
            self._fault = self._fault or OSError(ETIMEDOUT, strerror(ETIMEDOUT), self._path)
        if self._fault is not None:
            raise self._fault
        return self._is_under_way

    def end(self, outcome: Any) -> None:  # noqa: ANN401  # any outcome
        """Have `until_end` return `outcome`. Any thread may call this."""
        self._asked.put((True, outcome))

    # The thread that syncs calls this.

    def until_end(self) -> Any:  # noqa: ANN401  # any outcome
        """Sync the pieces until `end` is called. Return the outcome that it was given.

        Raises:
            OSError: a piece could not be synced.
        """
        while True:
            is_end, outcome = self._asked.get()
            if is_end:
                break
            try:
                sync(self._path)
            except OSError as error:
                self._fault = error
            finally:
                self._is_under_way = False
        if self._fault is not None and not isinstance(outcome, Exception):
            raise self._fault
        return outcome
