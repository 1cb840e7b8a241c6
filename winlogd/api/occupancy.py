"""GET /api/v1/occupancy: how full each room was on a day, by quarters of an hour."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import Values, room_asked
from winlogd.api.reading import Asked
from winlogd.api.session_fields import local_text
from winlogd.sessions.moments import local_time
from winlogd.store.read.occupancy import find_occupancy

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

PARAMETERS: Final = ("day", "room")


def occupancy(values: Values, asked: Asked) -> "Callable[[Access], object]":
    """Return the question for one day; today, if none is named."""
    site, now_us = asked.site, asked.now_us

    def day_of(text: str) -> date:
        moment = values.moment_of(text, now_us, site.zone)
        if moment.is_instant:
            raise ValueError("must be a day, such as 2026-01-13, today or yesterday")
        if moment.first_us > now_us:
            raise ValueError("must not be in the future")
        return local_time(moment.first_us, site.zone).date()

    day = values.read("day", day_of) or local_time(now_us, site.zone).date()
    room_text = values.read("room", str)

    def find(access: "Access") -> object:
        found = find_occupancy(access, day, site, now_us, room_asked(access, room_text, site))
        return {
            "day": day.isoformat(),
            "now": local_text(now_us, site.zone),
            "begins_at": [local_text(each, site.zone) for each in found.begins_us],
            "rooms": [each._asdict() for each in found.rooms],
            "history": access.history(),
        }

    return find
