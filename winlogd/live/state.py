"""The state of all machines and rooms at one moment, and what differs from another.

The reader's thread makes a whole state, and compares it with the one before, which nobody changes meanwhile. The event
loop updates a state with some machines, of which there are few. Pure. This file must not know readers or feeds.
"""

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, final

import orjson

from winlogd.live.held import Held
from winlogd.live.known import Known
from winlogd.live.spelling import Spelling
from winlogd.sessions.machines import MachineState, room_counts
from winlogd.store.read.filters import Site
from winlogd.store.read.rooms import Week

Pair = tuple[Held | None, Held | None]
"""A machine before and after. None before: it is new. None after: it is gone."""


class Difference(NamedTuple):
    """What has changed.

    Attributes:
        machines: the machines, before and after.
        rooms: the rooms with their octets, after.
        site: the octets of the site's figures, after; None if they are the same.
        history: how much of the archive is taken in, after; None if it is the same.
    """

    machines: list[Pair]
    rooms: list[tuple[str | None, bytes]]
    site: bytes | None
    history: str | None

    @property
    def is_empty(self) -> bool:
        """Return True if nothing has changed."""
        return not (self.machines or self.rooms) and self.site is None and self.history is None


@final
class State:
    """The state.

    Args:
        machines: all machines.
        rooms: the names of the rooms that the site names.
        week: the sessions of the last week.
        site: what is known of the site.
        known: what else was known.
        timezone: the name of the site's time zone.
        spelling: writes rooms and moments.

    Attributes:
        machines: the machines by the first label of their names, and by their names.
        rooms: the octets of each room by its name; None is the machines without a room.
        site: what is known of the site.
        timezone: the name of its time zone.
        known: what else is known.
        site_octets: the site's figures as JSON.
    """

    __slots__ = (
        "_by_room",
        "_last_contact_us",
        "_seen",
        "_spelling",
        "_total",
        "_turns",
        "_week",
        "known",
        "machines",
        "rooms",
        "site",
        "site_octets",
        "timezone",
    )

    def __init__(
        self,
        machines: Iterable[Held],
        rooms: Iterable[str],
        week: Week,
        site: Site,
        known: Known,
        timezone: str,
        spelling: Spelling,
    ) -> None:
        self._spelling = spelling
        self._week = week
        self.site: Final = site
        self.timezone: Final = timezone
        self.known = known
        self.machines: dict[str, dict[str, Held]] = {}
        self._by_room: dict[str | None, dict[str, MachineState]] = {room: {} for room in rooms}
        self._total = self._seen = 0
        self._last_contact_us = known.last_event_us or 0
        self._turns: list[tuple[int, str]] = []
        for each in machines:
            self.machines.setdefault(each.label, {})[each.hostname] = each
            self._place(each)
            if each.turns_us is not None:
                self._turns.append((each.turns_us, each.label))
        heapify(self._turns)
        self.rooms: dict[str | None, bytes] = {room: self._room(room) for room in self._by_room}
        self.site_octets = self._site()

    @property
    def next_turn_us(self) -> int | None:
        """Return the next moment at which time alone may change a machine; None if there is none."""
        return self._turns[0][0] if self._turns else None

    def turned(self, now_us: int) -> set[str]:
        """Return the first labels of the machines that time may have changed by `now_us`, once each time."""
        labels = set()
        while self._turns and self._turns[0][0] <= now_us:
            labels.add(heappop(self._turns)[1])
        return labels

    def since(self, before: "State | None") -> Difference:
        """Return what differs from another state; with None, all."""
        machines = {} if before is None else before.machines
        pairs: list[Pair] = []
        for label in machines.keys() | self.machines.keys():
            pairs += _pairs(machines.get(label, {}), self.machines.get(label, {}))
        rooms = {} if before is None else before.rooms
        gone = [room for room in rooms if room not in self.rooms]
        for room in gone:  # its page has to learn that nothing stands there any more
            self.rooms[room] = self._room(room)
        return Difference(
            pairs,
            [(room, octets) for room, octets in self.rooms.items() if rooms.get(room) != octets],
            None if before is not None and before.site_octets == self.site_octets else self.site_octets,
            None if before is not None and before.history == self.history else self.history,
        )

    def update(self, machines: Mapping[str, Iterable[Held]], known: Known) -> Difference:
        """Take some machines, all of the same first label together, and return what differs."""
        history, site = self.history, self.site_octets
        pairs: list[Pair] = []
        rooms: set[str | None] = set()
        for label, group in machines.items():
            before, after = self.machines.get(label, {}), {each.hostname: each for each in group}
            pairs += _pairs(before, after)
            rooms |= self._replace(label, before, after)
        self.known = known
        self.site_octets = self._site()
        return Difference(
            pairs,
            [(room, self.rooms[room]) for room in rooms if self._counts_anew(room)],
            None if site == self.site_octets else self.site_octets,
            None if history == self.history else self.history,
        )

    @property
    def history(self) -> str:
        """Return how much of the archive is taken in."""
        return self.known.sight.history

    def _replace(self, label: str, before: dict[str, Held], after: dict[str, Held]) -> set[str | None]:
        """Put the machines of a label in place of others. Return the rooms that may have changed."""
        rooms = {each.room for group in (before, after) for each in group.values()}
        for each in before.values():
            self._by_room[each.room].pop(each.hostname, None)
            self._total -= 1
            self._seen -= each.last_contact_us is not None
        for each in after.values():
            self._place(each)
            if each.turns_us is not None:
                heappush(self._turns, (each.turns_us, label))
        if after:
            self.machines[label] = after
        else:
            self.machines.pop(label, None)
        return rooms

    def _place(self, machine: Held) -> None:
        self._by_room.setdefault(machine.room, {})[machine.hostname] = machine.state
        self._total += 1
        self._seen += machine.last_contact_us is not None
        self._last_contact_us = max(self._last_contact_us, machine.last_contact_us or 0)

    def _counts_anew(self, room: str | None) -> bool:
        """Count a room again. Return True if its octets differ."""
        before = self.rooms.get(room)
        self.rooms[room] = after = self._room(room)
        return before != after

    def _room(self, room: str | None) -> bytes:
        states = self._by_room.get(room, {}).values()
        counts = room_counts(states, self._week.sessions[room], self._week.lost[room])
        return orjson.dumps(self._spelling.room(room, counts))

    def _site(self) -> bytes:
        last_us = max(self._last_contact_us, self.known.last_event_us or 0)
        last_event_at = self._spelling.moment(last_us or None, self.site.zone)
        return orjson.dumps({"last_event_at": last_event_at, "expected": self._total, "seen": self._seen})


def _pairs(before: Mapping[str, Held], after: Mapping[str, Held]) -> list[Pair]:
    """Return the machines that differ."""
    gone: list[Pair] = [(was, None) for hostname, was in before.items() if hostname not in after]
    for hostname, each in after.items():
        was = before.get(hostname)
        if was is None or was.octets != each.octets:
            gone.append((was, each))
    return gone
