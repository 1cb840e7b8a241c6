"""Put a backup in the place of a database that this process owns, and keep the replaced file.

The backup is copied beside the database, checked and synced before anything changes. It gets the holds that it lacks:
what is exempt from deletion must not come back to be deleted. Then the old file and its WAL get
second names, its WAL loses the first name, and the copy takes the database's name. If the process is killed between
these steps, the database has two names, and no winlogd starts with it: it says so. The next `restore` begins again.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

import apsw

from winlogd.store.backup.carry import carry_holds
from winlogd.store.backup.check import Counts, check_database, opened_defensively
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.files import make_part, sync_folder
from winlogd.store.errors import SchemaError
from winlogd.store.file import schema

_MAGIC: Final = b"SQLite format 3\0"
_PIECE_BYTES: Final = 1 << 20
_MB_BYTES: Final = 1_000_000
_WIDEST_MODE: Final = 0o640
_LOGS: Final = ("-wal", "-journal")
"""What belongs to a database that was not closed."""


class Restored(NamedTuple):
    """What a restore has done.

    Attributes:
        counts: the rows of the restored database.
        replaced: the path of the file that was replaced; None if there was none.
        holds: how many holds of that file the backup lacked, and has now; None if that file cannot be read.
    """

    counts: Counts
    replaced: str | None
    holds: int | None


Report = Callable[[Mapping[str, int]], None]
"""Takes the progress."""


def restore(descriptor: int, database: str, least_free_bytes: int, report: Report) -> Restored:
    """Restore a backup.

    Args:
        descriptor: the backup, open for reading.
        database: the database's real path. The caller owns it (`store.file.ownership`).
        least_free_bytes: the space that must stay free on its disk.
        report: called with the progress: how many bytes are copied, and then how many are checked now.

    Raises:
        BackupFailedError: the backup is damaged or no database of winlogd's, or the disk is full.
        OSError: the system refuses a step.
        apsw.Error: SQLite's own, of the backup.
    """
    part, folder = f"{database}.restoring", os.path.dirname(database)
    _remove(part)
    try:
        if os.pread(descriptor, len(_MAGIC), 0) != _MAGIC:
            raise BackupFailedError("it is no SQLite database")
        size_bytes = os.fstat(descriptor).st_size
        _require_room(size_bytes + least_free_bytes, folder)
        make_part(part)
        _copy(descriptor, part, lambda copied: report({"bytes_copied": copied, "bytes_in_all": size_bytes}))
        report({"checking_the_bytes": size_bytes})
        counts = check_database(part)
        _require_winlogds(part)
        with suppress(FileNotFoundError):
            os.chmod(part, os.stat(database).st_mode & _WIDEST_MODE)
        _close_cleanly(database)
        holds = carry_holds(database, part)
        replaced = _keep(database)
        sync_folder(folder)
        for log in (*_LOGS, "-shm"):
            _unlink(database + log)
        sync_folder(folder)
        os.rename(part, database)
        sync_folder(folder)
    finally:
        _remove(part)
    return Restored(counts, replaced, holds)


def _require_room(needed_bytes: int, folder: str) -> None:
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < needed_bytes:
        raise BackupFailedError(
            f"{folder} has {free // _MB_BYTES} MB free, and {needed_bytes // _MB_BYTES} MB are needed, of which"
            " limits.min_free_disk stays free"
        )


def _copy(descriptor: int, part: str, report: Callable[[int], None]) -> None:
    out = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        at_byte = 0
        while piece := os.pread(descriptor, _PIECE_BYTES, at_byte):
            at_byte += len(piece)
            while piece:
                piece = piece[os.write(out, piece) :]
            report(at_byte)
    finally:
        os.close(out)


def _require_winlogds(part: str) -> None:
    connection = opened_defensively(part)
    try:
        schema.check(connection)
    except SchemaError as error:
        raise BackupFailedError(f"it {error}") from None
    finally:
        connection.close()


def _close_cleanly(database: str) -> None:
    """Have SQLite move the WAL into the old file, if it can. Else the WAL is kept beside the replaced file.

    A file with two names stays as it is: its WAL may be beside the second name already.
    """
    if os.path.lexists(database) and os.stat(database).st_nlink == 1:
        with suppress(apsw.Error):
            connection = opened_defensively(database)
            try:
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # opens the WAL
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            finally:
                connection.close(True)


def _keep(database: str) -> str | None:
    """Give the old file and its WAL second names. Return the file's; None if there is no file."""
    if not os.path.lexists(database):
        return None
    replaced = _earlier_name(database) or _free_name(database)
    for log in ("", *_LOGS):
        with suppress(FileNotFoundError, FileExistsError):
            os.link(database + log, replaced + log, follow_symlinks=False)
    return replaced


def _earlier_name(database: str) -> str | None:
    """Return the second name that a restore gave the file before it was killed."""
    status, prefix = os.stat(database), f"{os.path.basename(database)}.replaced-"
    for name in os.listdir(os.path.dirname(database)):
        path = os.path.join(os.path.dirname(database), name)
        if name.startswith(prefix) and os.path.samestat(os.lstat(path), status):
            return path
    return None


def _free_name(database: str) -> str:
    """Return a name that no file has, nor a WAL that belongs to it."""
    base = f"{database}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    name, number = base, 1
    while any(os.path.lexists(name + log) for log in ("", *_LOGS)):
        number += 1
        name = f"{base}-{number}"
    return name


def _remove(part: str) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        _unlink(part + suffix)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
