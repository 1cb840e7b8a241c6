"""When the daily rotation is due, in a time zone. The clock is the caller's.

A moment that the zone skips or has twice (daylight saving) is taken once, as `datetime` understands it (PEP 495).
"""

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple


def zone_of(name: str) -> tzinfo | None:
    """The time zone `name` of the IANA database; None, the system's, for an empty name.

    Raises:
        KeyError: this machine's database has no such zone.
    """
    if not name:
        return None
    from zoneinfo import ZoneInfo  # slow to load, and most sites keep the system's

    return ZoneInfo(name)


class Moment(NamedTuple):
    """A scheduled moment: the local day that it belongs to, ``YYYY-MM-DD``, and its seconds since 1970."""

    day: str
    at_s: float


class Schedule:
    """Once a day at a time of day.

    Args:
        at: ``HH:MM``.
        zone: the time zone; None for the system's.
    """

    __slots__ = ("_hour", "_minute", "_zone")

    def __init__(self, at: str, zone: tzinfo | None) -> None:
        self._hour, self._minute = map(int, at.split(":"))
        self._zone = zone

    def last(self, now_s: float) -> Moment:
        """The latest scheduled moment that is not after `now_s`."""
        today = self._on(now_s, 0)
        return today if today.at_s <= now_s else self._on(now_s, -1)

    def following(self, now_s: float) -> Moment:
        """The earliest scheduled moment after `now_s`."""
        today = self._on(now_s, 0)
        return today if today.at_s > now_s else self._on(now_s, 1)

    def midnight_s(self, now_s: float) -> float:
        """When the local day of `now_s` began, in seconds since 1970."""
        return self._local(now_s).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()

    def _on(self, now_s: float, days: int) -> Moment:
        local = self._local(now_s).replace(hour=self._hour, minute=self._minute, second=0, microsecond=0, fold=0)
        local += timedelta(days=days)
        return Moment(f"{local:%Y-%m-%d}", local.timestamp())

    def _local(self, now_s: float) -> datetime:
        return datetime.fromtimestamp(now_s, self._zone)  # without a zone: naive, in the system's
