"""The days of a site by its clocks, and the days on which it had sessions. This file must not know machines."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Final, cast

from winlogd.sessions.machines import silent_since
from winlogd.sessions.session import US, first_key, second_of
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site

_BEFORE: Final = "SELECT key FROM {sessions} p WHERE key < ? AND {holds} ORDER BY key DESC LIMIT 1"


def silent_before(access: "Access", site: "Site", now_us: int, silent_days: int) -> int | None:
    """Return the moment before which a silent machine sent its last event; None if no machine can be silent yet.

    A day is one on which a session, or a logoff without a logon, was received. One seek finds the day before another.

    Raises:
        apsw.Error: SQLite's own.
    """
    days_us: list[int] = []
    with access.snapshot() as connection:
        before_us = now_us
        while len(days_us) < silent_days:
            found = [
                connection.execute(
                    _BEFORE.format(sessions=each.sessions, holds=each.holds), (first_key(before_us),)
                ).fetchone()
                for each in (PAST, TODAY)
            ]
            keys = [cast("int", row[0]) for row in found if row is not None]
            if not keys:
                break
            before_us = midnight_us(local_day(second_of(max(keys)) * US, site), site)
            days_us.append(before_us)
    return silent_since(days_us[::-1], silent_days)


def local_day(moment_us: int, site: "Site") -> date:
    """Return the day of a moment by the site's clocks."""
    return datetime.fromtimestamp(moment_us // US, site.zone).date()


def midnight_us(day: date, site: "Site") -> int:
    """Return the begin of a day by the site's clocks, in microseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=site.zone).timestamp()) * US
