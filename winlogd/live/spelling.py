"""How machines, rooms and moments are written for a reader. The API knows the fields; this room only carries them."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import NamedTuple

from winlogd.sessions.machines import RoomCounts
from winlogd.store.read.machines import Machine


class Spelling(NamedTuple):
    """The functions that write.

    Attributes:
        machine: returns the fields of a machine, with ``last_user``, for a time zone.
        room: returns the fields of a room, by its name and counts.
        moment: returns a moment as text, for a time zone; None for none.
    """

    machine: Callable[[Machine, tzinfo | None], dict[str, object]]
    room: Callable[[str | None, RoomCounts], Mapping[str, object]]
    moment: Callable[[int | None, tzinfo | None], str | None]
