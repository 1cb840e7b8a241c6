"""The files of backups: parts that nobody takes for whole ones, then their names. It must not know SQL.

A part gets its name only when it is checked and on the disk, and never replaces another file.
"""

import errno
import fcntl
import os
import re
import stat
import time
from calendar import timegm
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from winlogd.store.backup.errors import BackupFailedError

MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_PART: Final = ".part"
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite may have left beside a copy when the process was killed."""
_LOCKS_NO_FOLDER: Final = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP)
_CLOCK_S: Final = 60.0
"""A clock may have been set back this far since a backup was made."""
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Whole(NamedTuple):
    """A whole backup: the path of the database in it, and when it was made, in seconds since 1970."""

    path: str
    made_s: float


class Names(NamedTuple):
    """The names of a database's backups in a folder.

    Attributes:
        folder: where they are.
        stem: the name of the database without its ending: ``winlog``.
    """

    folder: str
    stem: str

    @property
    def database_part(self) -> str:
        """Return the path at which the copy of the database is made."""
        return os.path.join(self.folder, f"{self.stem}.db{_PART}")

    @property
    def access_part(self) -> str:
        """Return the path at which the copy of the readers' file is made."""
        return os.path.join(self.folder, f"{self.stem}.access{_PART}")

    @property
    def parts(self) -> list[str]:
        """Return the paths of all files that a backup that was cut short may have left."""
        return [part + suffix for part in (self.database_part, self.access_part) for suffix in _BESIDE]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if it is missing, and let no other backup be made there meanwhile.

        Raises:
            BackupFailedError: another one is being made.
            OSError: the folder cannot be made or opened.
        """
        os.makedirs(self.folder, _FOLDER_MODE, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not _try_to_lock(descriptor):
                raise BackupFailedError(f"another backup is being made in {self.folder}: try again when it is done")
            yield
        finally:
            os.close(descriptor)

    def remove_parts(self) -> None:
        """Remove the parts, and what a killed `publish` has left. The caller has locked the folder.

        Raises:
            OSError: one cannot be removed.
        """
        _remove(self.parts)
        for base in [base for base, size_bytes in self._named() if not size_bytes]:
            _remove(os.path.join(self.folder, f"{base}.{ending}") for ending in ("db", "access"))

    def name_parts(self, has_access: bool, now_s: float) -> tuple[str, str | None]:
        """Give the parts the first names of this second that are free. Return the two paths.

        The database comes last: where it is, the backup is whole.

        Raises:
            OSError: a name cannot be given.
        """
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        number = 1
        while True:
            base = os.path.join(self.folder, f"{self.stem}-{stamp}" + (f"-{number}" if number > 1 else ""))
            database, access = f"{base}.db", f"{base}.access"
            if not os.path.lexists(database) and not os.path.lexists(access):
                break
            number += 1
        if has_access:
            publish(self.access_part, access)
        publish(self.database_part, database)
        sync_folder(self.folder)
        return database, access if has_access else None

    def backups(self) -> list[str]:
        """Return the names of the whole backups, without the ending ``.db``, the oldest first.

        Raises:
            OSError: the folder cannot be read.
        """
        return sorted((base for base, size_bytes in self._named() if size_bytes), key=_age)

    def _named(self) -> list[tuple[str, int]]:
        """Return the names of all files that are named like backups, without the ending ``.db``, with their sizes.

        An empty one is no backup: `publish` was cut short.

        Raises:
            OSError: the folder cannot be read.
        """
        form, named = re.compile(rf"({re.escape(self.stem)}-\d{{8}}T\d{{6}}Z(?:-\d+)?)\.db"), []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if match := form.fullmatch(entry.name):
                    with suppress(FileNotFoundError):  # it was removed meanwhile
                        status = entry.stat(follow_symlinks=False)
                        if not stat.S_ISDIR(status.st_mode):
                            named.append((match[1], status.st_size))
        return named

    def made_s(self, base: str) -> float:
        """Return when one of `backups` was made, by its name, in seconds since 1970.

        Raises:
            ValueError: its name holds no time that exists.
        """
        stamp = base.removeprefix(f"{self.stem}-").partition("Z")[0]
        return timegm(time.strptime(stamp, "%Y%m%dT%H%M%S"))

    def last(self, now_s: float) -> Whole | None:
        """Return the last whole backup; None if there is none.

        A name from the future counts for nothing: a clock was wrong, or somebody has given a file such a name. It would
        hide that no later backup is made.

        Args:
            now_s: the present time, in seconds since 1970.

        Raises:
            OSError: the folder cannot be read.
        """
        try:
            bases = self.backups()
        except FileNotFoundError:
            return None
        for base in reversed(bases):
            with suppress(ValueError):  # somebody has given a file a name with a time that does not exist
                made_s = self.made_s(base)
                if made_s <= now_s + _CLOCK_S:
                    return Whole(os.path.join(self.folder, f"{base}.db"), made_s)
        return None

    def remove_old(self, keep: int, newest: str, is_ours: Callable[[str], bool]) -> int:
        """Remove all backups of the database but the last `keep`. Return how many were removed.

        Args:
            keep: at least 1.
            newest: the backup that was just made. It stays, and it counts as the last, whatever the clock says.
            is_ours: returns True if the file at a path is a backup of the same database. Other databases may have the
                same name.

        Raises:
            OSError: one cannot be removed.
        """
        newest_base = os.path.basename(newest).removesuffix(".db")
        ours = [base for base in self.backups() if is_ours(os.path.join(self.folder, f"{base}.db"))]
        oldest_first = [base for base in ours if base != newest_base]
        old = oldest_first[: max(len(oldest_first) - (keep - 1), 0)]
        for base in old:  # the database first: an ending alone is no backup
            _remove(os.path.join(self.folder, f"{base}.{ending}") for ending in ("db", "access"))
        return len(old)


def names_of(folder: str, database: str) -> Names:
    """Return the names of the backups of a database.

    Args:
        folder: where they are. Links on its path are followed, because SQLite opens no copy through a link.
        database: the database's real path.
    """
    return Names(os.path.realpath(folder), os.path.splitext(os.path.basename(database))[0])


def make_part(path: str) -> None:
    """Make a new, empty file that only its owner can read.

    Raises:
        OSError: there is something at `path`, or it cannot be made.
    """
    os.close(os.open(path, _NEW, MODE))


def publish(part: str, target: str) -> None:
    """Rename `part` to `target`, and never replace a file.

    On a disk without hard links an empty file holds the name for a moment, and stays if the process is killed then.

    Raises:
        FileExistsError: there is something at `target`.
        OSError: that fails.
    """
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links
        make_part(target)
        os.rename(part, target)
    else:
        os.unlink(part)


def sync(path: str) -> None:
    """Wait until a file is on the disk.

    Raises:
        OSError: the disk fails.
    """
    _sync(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def sync_folder(path: str) -> None:
    """Wait until the names in a folder are on the disk.

    Raises:
        OSError: the disk fails.
    """
    _sync(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None  # fsync does not name the file
    finally:
        os.close(descriptor)


def _try_to_lock(descriptor: int) -> bool:
    """Lock a folder. Return False if another process has locked it. Some network disks lock no folder."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _LOCKS_NO_FOLDER:
            raise
    return True


def _age(base: str) -> tuple[str, int]:
    """Return what sorts the names of backups by their age."""
    stamp, _, number = base.partition("Z-")
    return stamp.removesuffix("Z"), int(number or 1)


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path)
