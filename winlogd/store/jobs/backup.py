"""Copies the database by SQLite's online backup, a few pages in each step. It changes nothing.

The steps run on the writer's own connection. What it commits between two steps goes into the copy, too. A backup from
another connection would begin again after each commit (backup.html). The copy has what was committed when the last step
ran. A server has it synced piece by piece (`store.backup.syncing`). The last piece is not on the disk at the end, and
nothing is checked: `store.backup.make` does that on another thread. This file must not know the copy's final name.
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

import apsw

from winlogd.sessions.book import Book
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.files import make_part
from winlogd.store.backup.syncing import Syncing
from winlogd.store.errors import LowSpaceError
from winlogd.store.file.faults import LOCKS
from winlogd.store.file.free_space import FreeSpace
from winlogd.store.jobs.job import MOVES_OR_COPIES, Long, NotYetError, Step
from winlogd.store.jobs.steps import Steps

BESIDE_EVENTS: Final = Steps(0.0004, 1, 128)
"""Steps in a server, in pages of mostly 4 KiB. A step has one page if a disk takes 10 ms to read it."""
ALONE: Final = Steps(0.2, 256, 65_536)
"""Steps without a server."""

_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_NOFOLLOW
_CACHE_KIB: Final = 128
"""The copy's cache. The last step writes what is left in it."""
_MOST_RESTARTS: Final = 100
"""Give up when other programs have written this often: each time the backup begins again."""
_MB_BYTES: Final = 1_000_000


class Copied(NamedTuple):
    """What a backup has done.

    Attributes:
        pages: the pages of the copy.
        seconds: from the begin of its first step to its end.
        longest_step_s: how long the longest step took: an event may have waited for it.
        restarts: how often it began again, because another program has written.
    """

    pages: int
    seconds: float
    longest_step_s: float
    restarts: int


class Backup(Long):
    """Copies the database: a job. It runs before deletions and builds, so that no night's backup waits for hours.

    Args:
        to: the path of the copy, at which there is nothing. If the job does not come to its end, the caller removes it.
        least_free_bytes: the space that must stay free on the copy's disk.
        steps: the size of its steps.
        syncing: syncs the copy piece by piece; None if only the whole copy is synced.
    """

    goes_first = True
    turn = MOVES_OR_COPIES
    needs_space = False
    needs_transaction = False

    def __init__(
        self, to: str, least_free_bytes: int, steps: Steps = BESIDE_EVENTS, syncing: Syncing | None = None
    ) -> None:
        self._to = to
        self._least_free_bytes = least_free_bytes
        self._space = FreeSpace(to, least_free_bytes)
        self._steps = steps
        self._size = steps.fewest
        self._syncing = syncing
        self._begun_s: float | None = None
        self._source: apsw.Connection | None = None
        self._target: apsw.Connection | None = None
        self._backup: apsw.Backup
        self._copied = self._pages = self._restarts = 0
        self._longest_step_s = 0.0

    @property
    def outcome(self) -> Copied:
        """Return what the backup has done so far."""
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        return Copied(self._copied, seconds, self._longest_step_s, self._restarts)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many pages are copied, and how many there are."""
        return {"pages_copied": self._copied, "pages": self._pages}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        """Copy some pages. Begin again if the database was opened again.

        Raises:
            BackupFailedError: the copy cannot be written, or other programs write all the time. Faults of the copy's
                disk are no reason to open the database again, so they are no errors of SQLite's.
            NotYetError: a piece of the copy is not on the disk yet.
            apsw.BusyError, apsw.LockedError: another program has locked the database.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
        try:
            if self._syncing is not None and self._syncing.is_under_way():
                raise NotYetError
            if self._target is None or connection is not self._source:
                self._begin(connection)
            self._space.require(time.monotonic())
            is_last = self._copy_some()
            if self._syncing is not None:
                self._syncing.wrote(self._size)
        except LOCKS:
            raise
        except (apsw.Error, OSError, LowSpaceError) as error:
            raise BackupFailedError(f"the copy cannot be written to {os.path.dirname(self._to)}: {error}") from None
        return Step(is_last, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        """Choose the number of pages of the next step."""
        self._longest_step_s = max(self._longest_step_s, took_s)
        self._size = self._steps.after(self._size, took_s)

    def abandon(self) -> None:
        """Close the copy."""
        if self._target is not None:
            self._backup.close(True)
            with suppress(apsw.Error):
                self._target.close(True)
            self._target = None

    def _begin(self, connection: apsw.Connection) -> None:
        if self._target is not None:
            self.abandon()
            os.unlink(self._to)
        self._require_room_for(connection)
        make_part(self._to)
        target = apsw.Connection(self._to, _FLAGS)
        target.execute("PRAGMA journal_mode = OFF")  # nobody uses half a copy
        target.execute("PRAGMA synchronous = OFF")  # synced later, on another thread
        target.execute("PRAGMA locking_mode = EXCLUSIVE")
        target.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._backup = target.backup("main", connection, "main")
        self._source, self._target, self._copied = connection, target, 0

    def _require_room_for(self, connection: apsw.Connection) -> None:
        """Raise `BackupFailedError` if the disk has no room for the whole copy."""
        status = os.statvfs(os.path.dirname(self._to))
        pages, page_bytes = (int(str(connection.pragma(name))) for name in ("page_count", "page_size"))
        needed, free = pages * page_bytes, status.f_bavail * status.f_frsize
        if free < needed + self._least_free_bytes:
            raise BackupFailedError(
                f"{os.path.dirname(self._to)} has {free // _MB_BYTES} MB free. The copy needs {needed // _MB_BYTES} MB,"
                f" and {self._least_free_bytes // _MB_BYTES} MB have to stay free (limits.min_free_disk)"
            )

    def _copy_some(self) -> bool:
        """Copy the next pages. Return True if the copy is whole."""
        backup = self._backup
        backup.step(self._size)
        copied = backup.page_count - backup.remaining
        if not backup.done and copied < self._copied + self._size:  # SQLite began again, inside this step
            self._restarts += 1
            if self._restarts >= _MOST_RESTARTS:
                raise BackupFailedError(
                    f"another program has written to the database {_MOST_RESTARTS} times meanwhile, and the copy began"
                    " again each time: stop that program, and try again"
                )
        self._copied, self._pages = copied, backup.page_count
        if backup.done and self._target is not None:
            backup.finish()
            self._target.close()
            self._target = None
        return backup.done
