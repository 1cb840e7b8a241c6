"""Compute when the daily rotation is due, in a time zone. Pure: the caller passes the time.

Daylight saving makes a zone skip some local times and repeat others. Each counts once, as `datetime` understands it
(PEP 495). This file must not know what a rotation does.
"""

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple


def zone_of(name: str) -> tzinfo | None:
    """Return the time zone `name` of the IANA database; None, the system's own, for an empty name.

    Raises:
        KeyError: this machine's database has no such zone.
    """
    if not name:
        return None
    from zoneinfo import ZoneInfo  # slow to load, and most sites keep the system's zone

    return ZoneInfo(name)


class Moment(NamedTuple):
    """A scheduled moment: its local day as ``YYYY-MM-DD``, and its time in seconds since 1970."""

    day: str
    at_s: float


class Day(NamedTuple):
    """A day of a time zone: when it begins, and when the next one does, in seconds since 1970."""

    begins_s: float
    ends_s: float


class Schedule:
    """A schedule of one moment each day.

    Args:
        at: the time of day, ``HH:MM``.
        zone: the time zone; None for the system's own.
    """

    __slots__ = ("_hour", "_minute", "_zone")

    def __init__(self, at: str, zone: tzinfo | None) -> None:
        self._hour, self._minute = map(int, at.split(":"))
        self._zone = zone

    def last(self, now_s: float) -> Moment:
        """Return the latest scheduled moment that is not after `now_s` (seconds since 1970)."""
        today = self._on(now_s, 0)
        return today if today.at_s <= now_s else self._on(now_s, -1)

    def following(self, now_s: float) -> Moment:
        """Return the earliest scheduled moment after `now_s` (seconds since 1970)."""
        today = self._on(now_s, 0)
        return today if today.at_s > now_s else self._on(now_s, 1)

    def on_day_s(self, day: str) -> float:
        """Return the scheduled moment of a local day, in seconds since 1970.

        Args:
            day: ``YYYY-MM-DD``.

        Raises:
            ValueError: there is no such day.
        """
        local = datetime.fromisoformat(day).replace(hour=self._hour, minute=self._minute, tzinfo=self._zone)
        return local.timestamp()

    def midnight_s(self, now_s: float) -> float:
        """Return when the local day of `now_s` began; both are seconds since 1970."""
        return self._local(now_s).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()

    def _on(self, now_s: float, days: int) -> Moment:
        local = self._local(now_s).replace(hour=self._hour, minute=self._minute, second=0, microsecond=0, fold=0)
        local += timedelta(days=days)
        return Moment(f"{local:%Y-%m-%d}", local.timestamp())

    def _local(self, now_s: float) -> datetime:
        return datetime.fromtimestamp(now_s, self._zone)  # without a zone: naive, in the system's zone
