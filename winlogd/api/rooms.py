"""GET /api/v1/rooms: how many machines of each room are in use, free, doubtful or silent."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import Values, room_asked
from winlogd.api.reading import Asked
from winlogd.sessions.machines import RoomCounts
from winlogd.store.read.rooms import find_rooms

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

PARAMETERS: Final = ("room",)


def rooms(values: Values, asked: Asked) -> "Callable[[Access], object]":
    """Return the question for the rooms. The machines without a room are the room null, if there are any."""
    site, room_text = asked.site, values.read("room", str)

    def find(access: "Access") -> object:
        wanted = room_asked(access, room_text, site)
        found = find_rooms(access, site, asked.now_us, site.silent_days)
        counts: list[tuple[str | None, RoomCounts]] = list(found.rooms.items())
        if found.elsewhere.machines:
            counts.append((None, found.elsewhere))
        return {
            "rooms": [
                room_fields(name, each)
                for name, each in counts
                if (wanted is None or name == wanted) and asked.asker.sees_room(name)
            ],
            "history": access.history(),
        }

    return find


def room_fields(name: str | None, counts: RoomCounts) -> dict[str, object]:
    """Return the fields of a room in a list."""
    return {
        "name": name,
        "machines": counts.machines,
        "in_use": counts.in_use,
        "doubtful": counts.doubtful,
        "free": counts.free,
        "free_unknown": counts.free_unknown,
        "silent": counts.silent,
        "never_seen": counts.never_seen,
        "out_of_order": counts.out_of_order,
    }
