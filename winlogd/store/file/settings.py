"""Settings of the database, as a value. This file must not load SQLite."""

from typing import NamedTuple


class Settings(NamedTuple):
    """Where the database is, and how SQLite treats it (pragma.html).

    Attributes:
        path: the real path of the file.
        journal_mode: WAL, DELETE, TRUNCATE or PERSIST.
        synchronous: NORMAL, FULL or EXTRA.
        busy_timeout_ms: how long a command without a server waits for a lock. So does a reader, but no longer than its
            question may take.
        cache_size: SQLite's cache of each connection in pages, or in KiB if negative.
        min_free_bytes: winlogd writes nothing while the disk has less free space than this; 0 turns the check off.
    """

    path: str
    journal_mode: str
    synchronous: str
    busy_timeout_ms: int
    cache_size: int
    min_free_bytes: int = 0
