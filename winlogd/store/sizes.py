"""How large a database's files are, and how much of the disk is free. It looks at the disk: not for the event loop.

This file must not know SQL, or who asks.
"""

import os
from contextlib import suppress
from typing import NamedTuple

from winlogd.store.access_file.tables import access_path


class Sizes(NamedTuple):
    """Sizes in bytes. A file that is missing has 0.

    Attributes:
        database: the database.
        wal: the file of the newest rows beside it.
        access: the readers' file, with the file of its newest rows.
        free: what a program without root's rights may still write to the database's disk.
        disk: the whole disk.
    """

    database: int
    wal: int
    access: int
    free: int
    disk: int


def sizes_of(path: str) -> Sizes:
    """Return the sizes for the database at `path`, a real path.

    Raises:
        OSError: the database's folder cannot be looked at.
    """
    disk = os.statvfs(os.path.dirname(path) or ".")
    access = access_path(path)
    return Sizes(
        _size_of(path),
        _size_of(f"{path}-wal"),
        _size_of(access) + _size_of(f"{access}-wal"),
        disk.f_bavail * disk.f_frsize,
        disk.f_blocks * disk.f_frsize,
    )


def _size_of(path: str) -> int:
    with suppress(FileNotFoundError):
        return os.stat(path).st_size
    return 0
