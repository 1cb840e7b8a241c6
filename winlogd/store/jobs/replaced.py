"""Removes files that a restored backup has replaced, a week after that.

``<database>.replaced-20260113T081500Z`` is such a file; SQLite's files beside it have longer names. A large file is
shortened first, a piece in each step: to remove gigabytes at once takes a disk long. This file must not know who
replaces files.
"""

import glob
import os
import time
from calendar import timegm
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.jobs.job import DELETES, Long, Step

KEPT_S: Final = 7 * 86_400
"""How long a replaced file is kept, in seconds."""
_PIECE_BYTES: Final = 64 << 20
_FORM: Final = "%Y%m%dT%H%M%SZ"
_FORM_CHARACTERS: Final = 16


def replaced_path(path: str, now_s: float) -> str:
    """Return where the database at `path` is kept that another file replaces now; `now_s` is in seconds since 1970."""
    return f"{path}.replaced-{time.strftime(_FORM, time.gmtime(now_s))}"


def old_files(path: str, now_s: float) -> list[str]:
    """Return the files that were replaced at `path` more than a week ago. Files with other names are somebody else's.

    Args:
        path: the database's real path.
        now_s: the wall clock, in seconds since 1970.
    """
    prefix = f"{path}.replaced-"
    found = []
    for name in glob.glob(f"{glob.escape(prefix)}*"):
        with suppress(ValueError):
            begun_s = timegm(time.strptime(name[len(prefix) :][:_FORM_CHARACTERS], _FORM))
            if begun_s < now_s - KEPT_S:
                found.append(name)
    return sorted(found)


@final
class RemoveReplaced(Long):
    """Removes replaced files: a job. A file that cannot be removed stays.

    Args:
        path: the database's real path.

    Attributes:
        outcome: how many files it has removed.
    """

    goes_first = True
    turn = DELETES
    needs_space = False
    needs_transaction = False
    progress: Mapping[str, int] = {}  # read only

    def __init__(self, path: str) -> None:
        self._path = path
        self._names: list[str] | None = None
        self.outcome = 0

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Remove one file, or the last piece of it."""
        if self._names is None:
            self._names = old_files(self._path, now_s)
        if not self._names:
            return Step(is_last=True, wrote=False)
        name = self._names[0]
        with suppress(OSError):  # it is gone, or somebody else's
            if (size := os.lstat(name).st_size) > _PIECE_BYTES:
                os.truncate(name, size - _PIECE_BYTES)
                return Step(is_last=False, wrote=False)
            os.unlink(name)
            self.outcome += 1
        self._names.pop(0)
        return Step(is_last=not self._names, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the step is done: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: the next job removes what is left."""
