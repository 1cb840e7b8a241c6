"""Remembers which machines were in a room: to ask the site's rules about 5 000 names takes 15 ms, and names only come.

It keeps numbers of names, so it must forget them when a number may come to mean another name. This file must not know
what the numbers are for.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.store.past.names import HOST
from winlogd.store.past.progress import EPOCH, TODAY_DELETIONS, number
from winlogd.store.read.source import TODAY, Source

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.sessions.rooms import Rooms

_LAST: Final = "SELECT ifnull(max(id), 0) FROM {}"
_NEW: Final = f"SELECT id, name FROM {{}} WHERE id > ? AND kind = {HOST} AND name IS NOT NULL ORDER BY id"


class _Known(NamedTuple):
    """What is known of the names of one source.

    Attributes:
        rooms: the rules.
        version: changes when numbers may mean other names.
        last: the highest number that was looked at.
        hosts: the numbers of the machines that were in each room.
    """

    rooms: "Rooms"
    version: int
    last: int
    hosts: dict[str, list[int]]


class RoomHosts:
    """The machines of rooms, for one connection."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Source, _Known] = {}

    def forget(self) -> None:
        """Forget all: a rollback has taken names back."""
        self._known.clear()

    def numbers(self, connection: "apsw.Connection", source: Source, rooms: "Rooms", room: str) -> list[int]:
        """Return the numbers of the names of all machines that were ever in a room, by its name of today.

        Raises:
            apsw.Error: SQLite's own.
        """
        version = number(connection, TODAY_DELETIONS if source is TODAY else EPOCH)
        last = cast("int", connection.execute(_LAST.format(source.names)).fetchone()[0])  # type: ignore[index]
        known = self._known.get(source)
        if known is None or known.rooms is not rooms or known.version != version or known.last > last:
            known = _Known(rooms, version, 0, {})
        if known.last < last:
            for each, name in connection.execute(_NEW.format(source.names), (known.last,)).fetchall():
                for found in rooms.ever(cast("str", name)):
                    known.hosts.setdefault(found, []).append(cast("int", each))
        self._known[source] = known._replace(last=last)
        return known.hosts.get(room, [])
