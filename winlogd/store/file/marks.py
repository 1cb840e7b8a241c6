"""Marks: small facts about a database, by key, in its table ``winlogd_meta``.

This file must not know what a mark means.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

ROTATED_DAY: Final = "rotated_day"
"""The key of the last rotated day, ``YYYY-MM-DD``."""
TAKEN_OVER: Final = "taken_over"
"""The key of a mark that is ``1`` if the archive is older than the option ``retention.history_days``: an older server,
or a winlogd without that option, has written it. Then the default of the option deletes nothing."""
KEPT_DAYS: Final = "history_kept_days"
"""The key of the days for which the archive is kept: a number, 0 for ever, or `WAITS`."""
WAITS: Final = "waits"
"""The value of `KEPT_DAYS` if the archive was taken over, and nobody has decided how long it is kept."""
RETAINED_AT: Final = "retained_at"
"""The key of the moment at which the retention has last come to its end, in whole seconds since 1970."""
WRITTEN_AT: Final = "written_at"
"""The key of the moment at which a trial for ``/ready`` was written, in seconds since 1970. There is a trial only while
the database cannot be written."""
FORGOTTEN: Final = "forgotten"
"""The key of the mark of the tombstones that were applied (`store.past.tombstones`). Where it is not set, all that
there are have to be applied."""
NO_MARK: Final = "0"
"""The value of `FORGOTTEN` if all tombstones have to be applied."""
DATABASE_ID: Final = "database_id"
"""The key of random digits that tell this database from another one of the same name. Its backups have them, too."""
PAST_IS_DUE: Final = "past_is_due"
"""A key that is in no table. The writer adds it to the marks that it reports at the opening if the past has to be built
(`store.past.progress`)."""
FORGETTING_IS_DUE: Final = "forgetting_is_due"
"""Such a key, too: there is a `winlog.access`, and the database may lack some of its tombstones."""

_READ: Final = "SELECT key, value FROM winlogd_meta"
_SET: Final = "INSERT OR REPLACE INTO winlogd_meta (key, value) VALUES (?, ?)"


def read_marks(connection: "apsw.Connection") -> dict[str, str]:
    """Return all marks by key.

    Raises:
        apsw.Error: SQLite's own.
    """
    return {str(key): str(value) for key, value in connection.execute(_READ)}


def retained_s(marks: "Mapping[str, str]") -> float | None:
    """Return when the retention has last come to its end, in seconds since 1970; None before the first time."""
    text = marks.get(RETAINED_AT, "")
    return float(text) if text.isdecimal() else None


def set_mark(connection: "apsw.Connection", key: str, value: str) -> None:
    """Set a mark inside the transaction that the caller has begun.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_SET, (key, value))
