"""The rooms, machines and people of a simulated school. This file must not know lessons, events or servers."""

from random import Random
from typing import Final, NamedTuple

from tests.support.school_truth import HOUR_US

DAY_US: Final = 24 * HOUR_US
DOMAIN: Final = "SCHOOL"
TERMINAL_SERVER: Final = "TS-1"

_FIRST_NAMES: Final = (
    *("alice", "bruno", "chloé", "david", "emma", "françois", "gül", "hugo", "inès", "jürgen"),
    *("karim", "lea", "maël", "noëlle", "oscar", "paula", "quentin", "rosa", "sören", "thea"),
)
_LAST_NAMES: Final = (
    *("arnaud", "becker", "costa", "dubois", "ernst", "fontaine", "garcia", "huber", "ilić", "joly"),
    *("keller", "lopez", "martin", "noël", "ott", "petit", "roux", "strauß", "thomas", "weber"),
)
_SYSTEMS: Final = (
    *(("Windows", "11 (26100)", "26100"), ("Windows", "11 (22631)", "22631")),
    *(("Windows", "10 (19045)", "19045"), ("Debian GNU/Linux", "12", "6.1.0-28-amd64")),
)
_MACHINES_A_ROOM: Final = 25
_ROOMS_A_FLOOR: Final = 6
_PUPILS_A_CLASS: Final = 25


class Machine(NamedTuple):
    """A machine, or the terminal server.

    Attributes:
        hostname: its name as it is written on the machine.
        room: the room in which it stands.
        address: its IP address.
        system: what it reports of its operating system: name, version and version of the kernel.
        clock_us: by how much its clock is ahead; negative if it is behind.
        first_us: used from this instant on. All instants are microseconds since 1970.
        until_us: gone from this instant on.
        is_mute: True if its client was never installed.
    """

    hostname: str
    room: str
    address: str
    system: tuple[str, str, str]
    clock_us: int
    first_us: int
    until_us: int
    is_mute: bool = False

    def is_there(self, from_us: int, until_us: int) -> bool:
        """Return True if the machine can be used for the whole span, and reports it."""
        return self.first_us <= from_us and until_us <= self.until_us and not self.is_mute


class Replacement(NamedTuple):
    """A machine that was replaced by another, with another name.

    Attributes:
        old: the hostname that stopped.
        new: the hostname that began.
        at_us: when, in microseconds since 1970.
    """

    old: str
    new: str
    at_us: int


class Person(NamedTuple):
    """A pupil or a teacher.

    Attributes:
        name: the name without a domain.
        domain_share: how often the person logs on as ``SCHOOL\\name``: from 0.0, never, to 1.0, always.
    """

    name: str
    domain_share: float


class Building(NamedTuple):
    """Machines and people.

    Attributes:
        rooms: the machines of each room by its name. The first of a room is the teacher's.
        terminal_server: a machine that many people use at once.
        replaced: the machines that were replaced.
        classes: the pupils.
        teachers: the teachers.
    """

    rooms: dict[str, list[Machine]]
    terminal_server: Machine
    replaced: list[Replacement]
    classes: list[list[Person]]
    teachers: list[Person]

    @property
    def machines(self) -> list[Machine]:
        """Return all machines, room by room, and last the terminal server."""
        return [machine for room in self.rooms.values() for machine in room] + [self.terminal_server]


def build(rng: Random, machines: int, first_us: int, days: int, wrong_clocks: bool) -> Building:
    """Return a school with rooms of 20 to 30 machines, five pupils a machine, and four teachers for 15 machines.

    Some machines are special, and there are three of each hundred of each kind: replaced on a day, gone on a day, and
    without a client. With `wrong_clocks` one clock is a day ahead and another a day behind.
    """
    rooms = _rooms(rng, machines)
    places = [(name, number) for name, room in rooms.items() for number in range(1, len(room))]
    some = max(1, machines // 100)
    special = iter(rng.sample(places, 2 + 3 * some))
    for clock_us in (DAY_US, -DAY_US):
        _change(rooms, next(special), clock_us=clock_us if wrong_clocks else 0)
    replaced = []
    for _ in range(some):
        at_us = first_us + rng.randrange(1, max(days, 2)) * DAY_US
        old = _change(rooms, place := next(special), until_us=at_us)
        new = old._replace(hostname=f"{old.hostname}N", first_us=at_us, until_us=_FOREVER_US)
        rooms[place[0]].append(new)
        replaced.append(Replacement(old.hostname, new.hostname, at_us))
        _change(rooms, next(special), until_us=first_us + rng.randrange(1, max(days, 2)) * DAY_US)
        _change(rooms, next(special), is_mute=True)
    terminal_server = Machine(
        TERMINAL_SERVER, "", "10.9.0.1", ("Windows", "Server 2022 (20348)", "20348"), 0, 0, _FOREVER_US
    )
    pupils = [_person(rng, f"{_name(rng)}{number}") for number in range(machines * 5)]
    teachers = [_person(rng, f"{_name(rng)}.t{number}") for number in range(max(machines * 4 // 15, 2))]
    classes = [pupils[at : at + _PUPILS_A_CLASS] for at in range(0, len(pupils), _PUPILS_A_CLASS)]
    return Building(rooms, terminal_server, replaced, classes, teachers)


_FOREVER_US: Final = 1 << 62


def _rooms(rng: Random, machines: int) -> dict[str, list[Machine]]:
    count = max(round(machines / _MACHINES_A_ROOM), 1)
    sizes = [machines // count + (number < machines % count) for number in range(count)]
    for number in range(0, count - 1, 2):
        moved = rng.randint(-5, 5)
        if all(20 <= size <= 30 for size in (sizes[number] + moved, sizes[number + 1] - moved)):
            sizes[number] += moved
            sizes[number + 1] -= moved
    rooms = {}
    for number, size in enumerate(sizes):
        floor, door = divmod(number, _ROOMS_A_FLOOR)
        name = f"{chr(ord('A') + floor)}{101 + door}"
        rooms[name] = [
            Machine(f"{name}-{place:02d}", name, f"10.1.{number}.{place}", rng.choice(_SYSTEMS), 0, 0, _FOREVER_US)
            for place in range(1, size + 1)
        ]
    return rooms


def _change(rooms: dict[str, list[Machine]], place: tuple[str, int], **changes: int) -> Machine:
    name, number = place
    rooms[name][number] = changed = rooms[name][number]._replace(**changes)  # type: ignore[arg-type]  # is_mute is a bool
    return changed


def _name(rng: Random) -> str:
    return f"{rng.choice(_FIRST_NAMES)}.{rng.choice(_LAST_NAMES)}"


def _person(rng: Random, name: str) -> Person:
    drawn = rng.random()
    return Person(name, 1.0 if drawn < 0.05 else 0.5 if drawn < 0.07 else 0.0)
