"""Which machine is expected where, and when. Pure: `rooms_file` reads the list, `rooms` joins it with other rules."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, final

from winlogd.events.names import folded_host, short_host
from winlogd.events.value import Value

_CACHED_DAYS: Final = 2
"""Days of which the machines are remembered: of 5 000 machines, that saves 8 ms a question."""

PlaceState = Literal["", "out_of_order", "retired"]
"""The state of a machine by the list. Nothing means that it works. A retired machine counts nowhere."""


@final
class Place(Value):
    """One row of the list of machines: where a machine stands for some time.

    Attributes:
        hostname: the machine's name, with or without its domain.
        room: the room's name.
        from_date: the first day; None if the row holds from the beginning.
        to_date: the last day, included; None if the row holds for ever.
        state: the machine's state in this time.
    """

    __slots__ = ("from_date", "hostname", "room", "state", "to_date")

    def __init__(
        self,
        hostname: str,
        room: str,
        from_date: date | None = None,
        to_date: date | None = None,
        state: PlaceState = "",
    ) -> None:
        self.hostname: Final = hostname
        self.room: Final = room
        self.from_date: Final = from_date
        self.to_date: Final = to_date
        self.state: Final[PlaceState] = state

    @property
    def host(self) -> str:
        """Return the machine's name in the form in which it is compared."""
        return folded_host(self.hostname)

    @property
    def begins(self) -> date:
        """Return the first day, as a date that can be compared."""
        return self.from_date or date.min

    def holds(self, day: date) -> bool:
        """Return True if the row holds on a day."""
        from_date, to_date = self.from_date, self.to_date
        return (from_date is None or from_date <= day) and (to_date is None or day <= to_date)


@final
class Places:
    """The list of machines, by name and day.

    Where several rows of a machine hold on a day, the one that begins last counts: a machine that moves needs a new row
    only. Of rows that begin on the same day, the last one of the list counts.

    Args:
        places: the rows, in the order of the list.

    Attributes:
        standing: returns the row of each machine that is expected on a day, by folded name. Retired ones are left out.
    """

    __slots__ = ("_by_label", "_by_name", "standing")

    def __init__(self, places: Iterable[Place]) -> None:
        self._by_name: Final[dict[str, list[Place]]] = {}
        self._by_label: Final[dict[str, list[Place]]] = {}
        self.standing: Final = lru_cache(_CACHED_DAYS)(self._find_standing)
        for place in places:
            host = place.host
            self._by_name.setdefault(host, []).append(place)
            if (label := short_host(host)) != host:
                self._by_label.setdefault(label, []).append(place)

    def at(self, folded_host: str, day: date) -> Place | None:
        """Return the row of a machine that counts on a day; None if there is none.

        A name without a domain and the same name with one are the same machine. Two names with different domains are
        two machines. A row with exactly this name comes before the others.
        """
        found = _latest(self._by_name.get(folded_host, ()), day)
        if found is not None:
            return found
        label = short_host(folded_host)
        other = self._by_label.get(label, ()) if label == folded_host else self._by_name.get(label, ())
        return _latest(other, day)

    def ever(self, folded_host: str) -> list[Place]:
        """Return all rows of a machine, by the rules of `at`."""
        label = short_host(folded_host)
        other = self._by_label.get(label, []) if label == folded_host else self._by_name.get(label, [])
        return [*self._by_name.get(folded_host, []), *other]

    def _find_standing(self, day: date) -> Mapping[str, Place]:
        rows = ((host, _latest(places, day)) for host, places in self._by_name.items())
        found = {host: place for host, place in rows if place is not None and place.state != "retired"}
        return MappingProxyType(found)


def _latest(places: Iterable[Place], day: date) -> Place | None:
    """Return the row of some of one machine that counts on a day; None if none holds then."""
    latest: Place | None = None
    for place in places:
        if place.holds(day) and (latest is None or place.begins >= latest.begins):
            latest = place
    return latest
