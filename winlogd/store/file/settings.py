"""Where the database is, and how SQLite is to treat it. A value; knows no SQLite."""

from typing import NamedTuple


class Settings(NamedTuple):
    """Where the database is and how SQLite is to treat it (pragma.html).

    Attributes:
        path: the file's real path.
        journal_mode: WAL, DELETE, TRUNCATE or PERSIST.
        synchronous: NORMAL, FULL or EXTRA.
        busy_timeout_ms: how long a command that works without the server waits for a lock.
        cache_size: pages, or KiB when negative.
        min_free_bytes: while its disk has less free space than this, nothing is written.
    """

    path: str
    journal_mode: str
    synchronous: str
    busy_timeout_ms: int
    cache_size: int
    min_free_bytes: int = 0
