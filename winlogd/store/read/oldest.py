"""Finds how far back the database reaches. This file must not know who asks."""

from typing import TYPE_CHECKING, Final, cast

from winlogd.sessions.session import US, second_of

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_OLDEST: Final = "SELECT min(key) FROM main.winlogd_past"


def oldest_us(access: "Access") -> int | None:
    """Return the second in which the oldest session of the archive was received, in microseconds since 1970.

    None while there is no session in the archive.

    Raises:
        apsw.Error: SQLite's own.
    """
    with access.snapshot() as connection:
        key = cast("int | None", connection.execute(_OLDEST).get)
    return None if key is None else second_of(key) * US
