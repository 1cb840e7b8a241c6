"""Measure how fast a database grows: how many of its sessions are new. This file must not know the disk."""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.sessions.session import US, first_key, second_of
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_ALL: Final = "SELECT count(*) FROM {sessions} p WHERE {holds}"
"""It reads the smallest index, not the rows."""
_LATELY: Final = "SELECT count(*) FROM {sessions} p WHERE key >= ? AND {holds}"
_OLDEST: Final = "SELECT min(key) FROM {sessions} p WHERE {holds}"
_SIZE: Final = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)


class Growth(NamedTuple):
    """What a database holds.

    Attributes:
        used_bytes: the size of the file, without its free pages.
        sessions: how many sessions it has.
        lately: how many of these were received since the given moment.
        oldest_us: the receipt of the oldest, to the second, in microseconds since 1970; None without a session.
    """

    used_bytes: int
    sessions: int
    lately: int
    oldest_us: int | None


def growth(access: "Access", since_us: int) -> Growth:
    """Return what a database holds, and how much of it has come since a moment, in microseconds since 1970.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    with access.snapshot() as connection:
        sessions, lately, oldest = 0, 0, []
        for each in (PAST, TODAY):
            parts = {"sessions": each.sessions, "holds": each.holds}
            sessions += cast("int", connection.execute(_ALL.format(**parts)).get)
            lately += cast("int", connection.execute(_LATELY.format(**parts), (first_key(since_us),)).get)
            oldest.append(cast("int | None", connection.execute(_OLDEST.format(**parts)).get))
        used_bytes = cast("int", connection.execute(_SIZE).get)
    first = min((key for key in oldest if key is not None), default=None)
    return Growth(used_bytes, sessions, lately, None if first is None else second_of(first) * US)
