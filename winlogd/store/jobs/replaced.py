"""Removes files that a restored backup has replaced, a week after that, and what killed commands have left.

``<database>.replaced-20260113T081500Z`` is such a file; SQLite's files beside it have longer names. A large file is
shortened first, a piece in each step: to remove gigabytes at once takes a disk long. A file with a second name is not
shortened: somebody has kept it. This file must not know who replaces files, or how a backup is made.
"""

import glob
import os
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final, final

import apsw

from winlogd.sessions.book import Book
from winlogd.store.imported.staging import left_behind
from winlogd.store.jobs.job import DELETES, Long, Step

KEPT_S: Final = 7 * 86_400
"""How long a replaced file is kept, in seconds."""
PART_KEPT_S: Final = 86_400
"""How long the part of a backup is kept after it was written last, in seconds: the check of a large one takes long."""
_LEFT_S: Final = 86_400
"""How old a staging file is that nobody will need any more, in seconds: its import may still wait for its turn."""
_PIECE_BYTES: Final = 8 << 20
"""To cut so much off a file takes some 4 ms."""
_FORM: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"(\d{8}T\d{6}Z)(-\d+)?(-wal|-journal)?")
"""What follows the prefix, as `store.backup.restore` chooses it."""
_RESTORING: Final = (".restoring", ".restoring-wal", ".restoring-shm", ".restoring-journal")
"""The endings of a restore's copy. No restore runs beside this job, which belongs to the owner of the database."""


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
        if match := _NAME.fullmatch(name.removeprefix(prefix)):
            with suppress(ValueError):  # digits that are no time
                if datetime.fromisoformat(match[1]).timestamp() < now_s - KEPT_S:
                    found.append(name)
    return sorted(found)


def old_parts(parts: Iterable[str], now_s: float) -> list[str]:
    """Return the files among `parts` that nobody has written for a day. Their backup was cut short."""
    found = []
    for name in parts:
        with suppress(OSError):
            if os.lstat(name).st_mtime < now_s - PART_KEPT_S:
                found.append(name)
    return found


def left_files(path: str, now_s: float) -> list[str]:
    """Return the files that a killed restore or import has left beside the database. The arguments are as above."""
    found = [path + ending for ending in _RESTORING if os.path.lexists(path + ending)]
    with suppress(OSError):
        for name in left_behind(path):
            with suppress(FileNotFoundError):
                if os.lstat(name).st_mtime < now_s - _LEFT_S:
                    found.append(name)
    return found


@final
class RemoveReplaced(Long):
    """Removes replaced files, old parts of backups, and what killed commands have left: a job. What cannot go stays.

    Args:
        path: the database's real path.
        parts: the paths at which backups are made (`store.backup.files`).

    Attributes:
        outcome: how many files it has removed.
    """

    goes_first = True
    turn = DELETES
    needs_space = False
    needs_transaction = False
    progress: Mapping[str, int] = {}  # read only

    def __init__(self, path: str, parts: Iterable[str] = ()) -> None:
        self._path = path
        self._parts = tuple(parts)
        self._names: list[str] | None = None
        self.outcome = 0

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Remove one file, or the last piece of it."""
        if self._names is None:
            self._names = [
                *old_files(self._path, now_s), *old_parts(self._parts, now_s), *left_files(self._path, now_s)
            ]  # fmt: skip
        if not self._names:
            return Step(is_last=True, wrote=False)
        name = self._names[0]
        with suppress(OSError):  # it is gone, or somebody else's
            status = os.lstat(name)
            if status.st_size > _PIECE_BYTES and status.st_nlink == 1:
                os.truncate(name, status.st_size - _PIECE_BYTES)
                return Step(is_last=False, wrote=False)
            os.unlink(name)
            self.outcome += 1
        self._names.pop(0)
        return Step(is_last=not self._names, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Take note that the step is done: nothing is left to do."""

    def abandon(self) -> None:
        """Release nothing: the next job removes what is left."""
