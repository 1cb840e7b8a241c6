"""In which room a machine stands. Pure: no files, no clock. The caller passes the names of machines, and the days.

The list of machines comes first, then the patterns in their order, then the template of machines' names. Names of rooms
compare in folded form. They are shown as the patterns spell them, or else the aliases, or else the list of machines.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Final, final

from winlogd.events.names import folded, folded_host
from winlogd.events.patterns import Pattern
from winlogd.sessions.host_template import HostTemplate
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.places import Place, Places

_CACHED_HOSTS: Final = 32_768
"""Machines whose room by name is remembered: more than a large site has, because a list of all machines asks for each
in turn. They take some 3 MB at most, and as much again by `room_at`. To compare a name with 100 patterns takes some
0.15 ms."""


@final
class Rooms:
    """The rooms of a site. Treat it as immutable: threads share it.

    Args:
        patterns: the patterns of each room's machines. The first room that matches counts.
        from_hostname: how machines' names hold the room; None if they do not.
        places: the rows of the list of machines.
        aliases: former names of rooms, with the names of today.

    Raises:
        ValueError: aliases lead in a circle. The message is a sentence for the person who wrote them.
    """

    __slots__ = ("_from_hostname", "_names", "_patterns", "_places", "_room_by_name", "_unmoved")

    def __init__(
        self,
        patterns: Mapping[str, Sequence[Pattern]],
        from_hostname: HostTemplate | None = None,
        places: Iterable[Place] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        rows = tuple(places)
        self._names: Final = _names([*patterns, *(aliases or {}).values(), *(row.room for row in rows)], aliases or {})
        self._places: Final = Places(row.replaced(room=self._names[folded(row.room)]) for row in rows)
        self._patterns: Final = [(self._names[folded(room)], tuple(each)) for room, each in patterns.items()]
        self._from_hostname: Final = from_hostname
        self._room_by_name: Final = lru_cache(_CACHED_HOSTS)(self._find_by_name)
        self._unmoved: Final = lru_cache(_CACHED_HOSTS)(self._find_unmoved)

    def room_of(self, hostname: str | None, day: date) -> str | None:
        """Return the room in which a machine stood on a day; None if no rule names one.

        A retired machine keeps the room of its row, so that its past stays there. The unknown host has no room.
        """
        host = folded_host(hostname or UNKNOWN_HOST)
        if host == UNKNOWN_HOST:
            return None
        place = self._places.at(host, day)
        return self._room_by_name(host) if place is None else place.room

    def room_at(self, hostname: str | None, second: int, zone: tzinfo | None) -> str | None:
        """Return the room in which a machine stood on the day of a moment. Most machines never move: 0.1 µs, not 0.7.

        Args:
            hostname: the machine's name.
            second: the moment, in seconds since 1970.
            zone: the time zone whose midnight ends the day; None for the system's own.
        """
        unmoved = self._unmoved(hostname)
        return self.room_of(hostname, datetime.fromtimestamp(second, zone).date()) if unmoved is None else unmoved[0]

    def place_of(self, hostname: str | None, day: date) -> Place | None:
        """Return the row of a machine that counts on a day; None if the list has none. Its room is that of `room_of`.

        `Place.host` is the machine's key in `expected`, whatever domain the machine itself reports.
        """
        host = folded_host(hostname or UNKNOWN_HOST)
        return None if host == UNKNOWN_HOST else self._places.at(host, day)

    def was_in(self, hostname: str | None, room: str) -> bool:
        """Return True if a machine was in a room on some day, or is there by its name.

        Args:
            hostname: the machine's name.
            room: the room's name of today.
        """
        return room in self.ever(hostname)

    def ever(self, hostname: str | None) -> set[str]:
        """Return the rooms, by their names of today, in which a machine was on some day, or is by its name."""
        host = folded_host(hostname or UNKNOWN_HOST)
        if host == UNKNOWN_HOST:
            return set()
        rooms = {place.room for place in self._places.ever(host)}
        if (by_name := self._room_by_name(host)) is not None:
            rooms.add(by_name)
        return rooms

    def expected(self, day: date) -> Mapping[str, Place]:
        """Return the row of each machine that is expected on a day, by folded name. Retired machines are left out."""
        return self._places.standing(day)

    def canonical(self, name: str, hostnames: Iterable[str] = ()) -> str | None:
        """Return the name of today of a room; None if there is no such room.

        Args:
            name: the room's name or an alias, in any letter case.
            hostnames: the machines that are known. Rooms that only their names tell are found among these.
        """
        wanted = folded(name)
        known = self._names.get(wanted)
        if known is not None or self._from_hostname is None:
            return known
        return next((room for room in self._rooms_by_name(hostnames) if folded(room) == wanted), None)

    def names(self, hostnames: Iterable[str] = ()) -> list[str]:
        """Return the names of today of all rooms, sorted. The arguments are those of `canonical`."""
        return sorted({*self._names.values(), *self._rooms_by_name(hostnames)}, key=folded)

    def _rooms_by_name(self, hostnames: Iterable[str]) -> set[str]:
        if self._from_hostname is None:  # `_names` has the rooms of the patterns
            return set()
        hosts = {folded_host(each) for each in hostnames} - {UNKNOWN_HOST}
        return {room for room in map(self._room_by_name, hosts) if room is not None}

    def _find_unmoved(self, hostname: str | None) -> tuple[str | None] | None:
        """Return the room of a machine in a tuple if it is the same on every day; None if it is not."""
        places = self._places.ever(folded_host(hostname or UNKNOWN_HOST))
        if any(place.from_date is not None or place.to_date is not None for place in places):
            return None
        return (self.room_of(hostname, date.min),)

    def _find_by_name(self, host: str) -> str | None:
        """Return the room that a machine's folded name alone tells; None if it tells none."""
        for room, patterns in self._patterns:
            if any(each.matches_host(host) for each in patterns):
                return room
        room_in_name = self._from_hostname and self._from_hostname.room_of(host)
        return self._names.get(folded(room_in_name), room_in_name) if room_in_name else None


def _names(rooms: Iterable[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """Return the names of today by the folded form of all names. The first spelling of a room counts.

    Raises:
        ValueError: aliases lead in a circle.
    """
    names: dict[str, str] = {}
    for room in rooms:
        names.setdefault(folded(room), room)
    newer = {folded(old): folded(new) for old, new in aliases.items()}
    today = dict(names)
    for old in aliases:
        room, passed = folded(old), set[str]()
        while room in newer:
            if room in passed:
                raise ValueError(f"The alias {old!r} leads back to itself.")
            passed.add(room)
            room = newer[room]
        today[folded(old)] = names[room]
    return today
