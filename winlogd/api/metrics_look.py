"""What a scrape finds on the disk, in ``/proc`` and in a large memory: it may take long, so a thread of its own looks.

This file must not know how the figures are written.
"""

import sys
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import apsw
import orjson
from uvloop._version import __version__ as uvloop_version

from winlogd import VERSION
from winlogd.metrics import process
from winlogd.metrics.text import Sample
from winlogd.store.backup.files import Names, names_of
from winlogd.store.sizes import Sizes, sizes_of

if TYPE_CHECKING:  # types only
    from winlogd.sessions.book import Book

_NO_BACKUP_S: Final = 0.0


class Look(NamedTuple):
    """What was found.

    Attributes:
        sizes: of the database's files and disk.
        backup_s: when the last backup was made, in seconds since 1970; 0 if there is none; None if this user may not
            look.
        open_sessions: how many sessions are open; None until they are in memory.
        process: the figures of the process.
        versions: of winlogd and of what it uses, by name.
    """

    sizes: Sizes
    backup_s: float | None
    open_sessions: int | None
    process: tuple[Sample, ...]
    versions: Mapping[str, str]


def look(database: str, backups: str, book: "Book | None") -> Look:
    """Look at the disk, the process and the open sessions. Any thread may call this.

    Args:
        database: the database's real path.
        backups: the folder of the backups.
        book: has the open sessions.

    Raises:
        OSError: the database's folder or ``/proc`` cannot be looked at.
    """
    return Look(
        sizes_of(database),
        _last_backup_s(names_of(backups, database)),
        None if book is None else sum([len(pair.open) for pair in list(book.pairs.values())]),
        tuple(process.samples()),
        _versions(),
    )


def _last_backup_s(names: Names) -> float | None:
    try:
        last = names.last(time.time())
    except OSError:
        return None
    return _NO_BACKUP_S if last is None else last.made_s


@cache
def _versions() -> Mapping[str, str]:
    return {
        "version": VERSION,
        "python": ".".join(map(str, sys.version_info[:3])),
        "sqlite": apsw.sqlite_lib_version(),
        "apsw": apsw.apsw_version(),
        "uvloop": uvloop_version,
        "orjson": orjson.__version__,
    }
