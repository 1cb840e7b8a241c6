"""Measure how fast a database grows: how many of its sessions are new. This file must not know the disk."""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.sessions.session import US, first_key, second_of
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

_COUNT: Final = "SELECT count(*), min(key) FROM {sessions} p WHERE key >= ? AND {holds}"
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
        sessions, oldest = _counted(connection, 0)
        lately, _ = _counted(connection, since_us)
        used_bytes = cast("int", connection.execute(_SIZE).get)
    return Growth(used_bytes, sessions, lately, None if oldest is None else second_of(oldest) * US)


def _counted(connection: "apsw.Connection", since_us: int) -> tuple[int, int | None]:
    """Return how many sessions were received since a moment, and the lowest key of them."""
    rows = [
        cast("tuple[int, int | None]", connection.execute(sql, (first_key(since_us),)).fetchone())
        for each in (PAST, TODAY)
        for sql in [_COUNT.format(sessions=each.sessions, holds=each.holds)]
    ]
    keys = [key for _, key in rows if key is not None]
    return sum(count for count, _ in rows), min(keys, default=None)
