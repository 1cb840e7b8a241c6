"""Counts the machines of each room. This file must not know how an answer is written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.sessions.machines import MachineState, RoomCounts, room_counts
from winlogd.sessions.session import US, first_key
from winlogd.store.past.rows import OPEN, ORPHAN
from winlogd.store.read.days import local_day
from winlogd.store.read.filters import Site
from winlogd.store.read.machines import Machine, find_machines
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_WEEK_US: Final = 7 * 86_400 * US
_WEEK: Final = f"""SELECT h.name, s.sessions, s.lost FROM
    (SELECT host, count(*) AS sessions, sum(ended_by > 1) AS lost FROM {{sessions}} p
        WHERE key >= ? AND key < ? AND ended_by > {OPEN} AND ended_by < {ORPHAN} AND {{holds}} GROUP BY host) s
    JOIN {{names}} h ON h.id = s.host"""


class RoomsFound(NamedTuple):
    """The rooms of a site.

    Attributes:
        rooms: the counts of each room by its name, sorted as `Rooms.names` sorts them.
        elsewhere: the counts of the machines that stand in no room.
    """

    rooms: dict[str, RoomCounts]
    elsewhere: RoomCounts


class Week(NamedTuple):
    """The sessions of a site's last week, by the room in which their machines stand today.

    Attributes:
        sessions: how many sessions have ended.
        lost: how many of these have no logoff of a client.
    """

    sessions: Counter[str | None]
    lost: Counter[str | None]


def find_rooms(access: "Access", site: Site, now_us: int, silent_days: int) -> RoomsFound:
    """Return the counts of all rooms. The arguments are those of `find_machines`.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    return counted(access, find_machines(access, site, now_us, silent_days), site, now_us)


def counted(access: "Access", machines: Sequence[Machine], site: Site, now_us: int) -> RoomsFound:
    """Return the counts of all rooms, for all machines of `find_machines`.

    A room with many sessions without a logoff has no count of free machines. These are the sessions of the last seven
    days on the machines that stand there today; open sessions do not count.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    states: dict[str | None, list[MachineState]] = {name: [] for name in site.rooms.names()}
    for machine in machines:
        states.setdefault(machine.room, []).append(machine.state)
    week = week_of(access, site, now_us)
    counts = {room: room_counts(each, week.sessions[room], week.lost[room]) for room, each in states.items()}
    elsewhere = counts.pop(None, room_counts((), 0, 0))
    return RoomsFound({room: counts[room] for room in _sorted(counts)}, elsewhere)


def _sorted(rooms: Iterable[str | None]) -> list[str]:
    return sorted((room for room in rooms if room is not None), key=str.casefold)


def week_of(access: "Access", site: Site, now_us: int) -> Week:
    """Return how many sessions of the last week each room has, and how many of them have no logoff of a client.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    day = local_day(now_us, site)
    sessions: Counter[str | None] = Counter()
    lost: Counter[str | None] = Counter()
    span = first_key(max(now_us - _WEEK_US, 0)), first_key(now_us + US)
    with access.snapshot() as connection:
        for source in (PAST, TODAY):
            sql = _WEEK.format(sessions=source.sessions, names=source.names, holds=source.holds)
            for hostname, count, count_lost in connection.execute(sql, span):
                room = site.rooms.room_of(cast("str | None", hostname), day)
                sessions[room] += cast("int", count)
                lost[room] += cast("int", count_lost)
    return Week(sessions, lost)
