"""Make a backup of the database and of the readers' file: copy, check, sync, name it, remove old ones.

It takes long, and runs on a thread of its own or in a command. This file must not know who copies, or where it runs.
"""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import apsw

from winlogd.store.backup.check import Counts, check_access, check_database, database_id
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.files import Names
from winlogd.store.jobs.backup import Copied
from winlogd.store.pauses import Pauses


class Copying(NamedTuple):
    """What copies the two files to a path at which there is nothing.

    Attributes:
        database: copies the database, which has the mark `DATABASE_ID`.
        access: copies the readers' file. Returns False if there is none.
        pauses: makes pauses in the check of the copies; None for a check without pauses.
    """

    database: Callable[[str], Copied]
    access: Callable[[str], bool]
    pauses: Pauses | None = None


class Made(NamedTuple):
    """A backup.

    Attributes:
        file: the path of the copy of the database.
        access: the path of the copy of the readers' file; None if there is none.
        counts: the rows of the database's copy.
        copied: how it was copied.
        seconds: how long all of it took.
        removed: how many older backups were removed.
    """

    file: str
    access: str | None
    counts: Counts
    copied: Copied
    seconds: float
    removed: int

    @property
    def sentence(self) -> str:
        """Return these figures as a sentence for a person."""
        today, history = self.counts
        return (
            f"checked, and complete: events_today {today} rows, events_history {history} rows; {self.seconds:.1f} s"
            + ("; with the readers' file" if self.access else "")
            + (f"; older backups removed: {self.removed}" if self.removed else "")
        )


def make(names: Names, copying: Copying, keep: int | None, checking: Callable[[Mapping[str, object]], None]) -> Made:
    """Make a backup.

    Args:
        names: of the backups.
        copying: copies the files.
        keep: how many backups stay; None for all.
        checking: called with the progress when the check begins.

    Raises:
        BackupFailedError: there is no new backup, or old ones could not be removed. The text says which.
        JobCutShortError, StoppedError, ...: the errors of `copying` that are neither SQLite's nor the system's.
    """
    begun_s = time.monotonic()
    try:
        with names.locked():
            names.remove_parts()  # of a backup that was cut short
            try:
                copied = copying.database(names.database_part)
                has_access = copying.access(names.access_part)
                checking({"checking_the_pages": copied.pages})
                counts = check_database(names.database_part, copying.pauses)
                if has_access:
                    check_access(names.access_part, copying.pauses)
                file, access = names.name_parts(has_access, time.time())
            finally:
                names.remove_parts()
    except (apsw.Error, OSError) as error:
        raise BackupFailedError(f"nothing was backed up: {_text(error)}") from None
    removed = _remove_old(names, keep, file)
    return Made(file, access, counts, copied, time.monotonic() - begun_s, removed)


def _remove_old(names: Names, keep: int | None, newest: str) -> int:
    if keep is None:
        return 0
    ours = database_id(newest)
    try:
        return names.remove_old(keep, newest, lambda path: ours is not None and database_id(path) == ours)
    except OSError as error:
        raise BackupFailedError(f"{newest} is complete, but old backups were not removed: {_text(error)}") from None


def _text(error: apsw.Error | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return str(error)
