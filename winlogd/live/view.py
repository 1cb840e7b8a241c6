"""What one kind of reader sees of the state: a scope, and perhaps some rooms. All readers of one view share octets.

Pure. This file must not know tokens, or how a reader has shown one.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from winlogd.events.names import folded
from winlogd.events.patterns import Pattern

WALL: Final = "wall"
NOW: Final = "now"
ALL: Final = "all"


class View(NamedTuple):
    """What some readers see.

    Attributes:
        scope: ``wall`` has no machines, ``now`` has neither last users nor last contacts, ``all`` has everything.
        rooms: a pattern of rooms' names; None for all rooms, and the machines without a room.
        is_past_closed: True while forgotten people may be in the past: nobody sees last users.
    """

    scope: str
    rooms: str | None = None
    is_past_closed: bool = False

    @property
    def has_machines(self) -> bool:
        """Return True if the view names machines."""
        return self.scope != WALL

    @property
    def has_last_users(self) -> bool:
        """Return True if the view names who was on a machine that is free."""
        return self.scope == ALL and not self.is_past_closed

    def sees(self, room: str | None) -> bool:
        """Return True if the view has a room; None stands for the machines without a room."""
        return self.rooms is None or (room is not None and _pattern(self.rooms).matches(folded(room)))


class Watcher(NamedTuple):
    """Who asks for a snapshot or a feed.

    Attributes:
        name: the reader's name. The feeds of one name are counted together.
        view: what the reader sees.
        check: calls what it is given with True if the reader may still read, now or later.
    """

    name: str
    view: View
    check: Callable[[Callable[[bool], None]], None]


@lru_cache(maxsize=256)
def _pattern(text: str) -> Pattern:
    return Pattern(text)
