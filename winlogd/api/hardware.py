"""GET /api/v1/hardware: the machines with their latest inventory, newest first, searched for words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import Values, room_asked
from winlogd.api.reading import Asked, Rows
from winlogd.api.session_fields import local_text
from winlogd.events.names import folded
from winlogd.store.read.hardware import find_hardware

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

PARAMETERS: Final = ("q", "room")


class HardwareList:
    """A list of machines with their hardware (`reading.Listing`).

    Args:
        values: the parameters. Faults are noted in them.
        asked: what the question is about.
    """

    name = "hardware"
    columns = ("hostname", "room", "received_at", "hardware_info")

    def __init__(self, values: Values, asked: Asked) -> None:
        self._words = tuple(folded(values.read("q", str) or "").split())
        self._room = values.read("room", str)
        self._asked = asked
        self._history = ""

    def rows(self, access: "Access", cursor: tuple[int, int] | None, limit: int) -> Rows:
        """Return the next machines."""
        site = self._asked.site
        room = room_asked(access, self._room, site)
        page = find_hardware(access, self._words, room, site, self._asked.now_us, limit, cursor)
        self._history = page.history
        rows = [
            {
                "hostname": each.hostname,
                "room": each.room,
                "received_at": local_text(each.received_us, site.zone),
                "hardware_info": each.text,
            }
            for each in page.found
        ]
        return Rows(rows, page.next)

    def more(self, access: "Access") -> Mapping[str, object]:
        """Return how much of the archive is in the page that was read last."""
        return {"history": self._history}
