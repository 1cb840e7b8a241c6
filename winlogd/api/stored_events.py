"""GET /api/v1/events: the events as they came, newest first. `events` takes new ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import Values, filters_in, one_of, room_asked
from winlogd.api.reading import Asked, Rows
from winlogd.store.read.event_ids import Position
from winlogd.store.read.events import EventFilters, StoredEvent, find_events

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

PARAMETERS: Final = ("user", "host", "room", "ip", "from", "to", "action")
_ACTIONS: Final = ("C", "D", "M")


class EventList:
    """A list of events (`reading.Listing`).

    Args:
        values: the parameters. Faults are noted in them.
        asked: what the question is about.
    """

    name = "events"
    columns = StoredEvent._fields

    def __init__(self, values: Values, asked: Asked) -> None:
        filters = filters_in(values, asked.site, asked.now_us)
        self._site = asked.site
        self._filters = EventFilters(
            user=filters.user,
            host=filters.host,
            room=filters.room,
            ip=filters.ip,
            from_us=filters.from_us,
            to_us=filters.to_us,
            action=values.read("action", one_of(_ACTIONS)),
        )

    def rows(self, access: "Access", cursor: tuple[int, int] | None, limit: int) -> Rows:
        """Return the next events."""
        filters = self._filters.replaced(room=room_asked(access, self._filters.room, self._site))
        position = None if cursor is None else Position(*cursor)
        events, following = find_events(access, filters, self._site, limit, position)
        return Rows([event._asdict() for event in events], following)

    def more(self, access: "Access") -> Mapping[str, object]:
        """Return nothing more."""
        return {}
