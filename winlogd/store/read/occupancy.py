"""Counts, for each room and each quarter of an hour of a day, the machines that somebody was on.

Times are those of receipt. A machine counts once in a cell, so that the count is the number of machines which a drawing
of the day's sessions shows there. This file must not know how an answer is written.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import US, first_key
from winlogd.store.past.names import HOST
from winlogd.store.past.rows import OPEN, ORPHAN
from winlogd.store.read.days import midnight_us
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.machines import Alike
from winlogd.store.read.sessions import FIRST_PAGE, Found, back_us, find_sessions
from winlogd.store.read.source import PAST, TODAY, Source, index_of

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

CELL_S: Final = 900
"""How long a cell is. The last one of a day may be shorter."""
_CELL_US: Final = CELL_S * US
_OPEN_A_PAGE: Final = 1_000
_ROWS_A_LOOK: Final = 512
"""After this many rows a question looks at the clock."""

_HOSTS: Final = f"SELECT DISTINCT folded FROM {{names}} WHERE kind = {HOST} AND name <> ''"
_BEGIN: Final = f"(p.key >> 30) * {US} + p.micros"
_ENDED: Final = f"""SELECT p.key, h.folded, p.ended_by = 1, {_BEGIN}, {_BEGIN} + CASE ended_by
        WHEN 1 THEN max(0, ifnull(logoff, 0)) ELSE min(?2, max(0, ifnull(logoff, ?2))) END AS until_us
    FROM {{sessions}} p {{index}} CROSS JOIN {{names}} h ON h.id = p.host
    WHERE {{which}} AND ended_by > {OPEN} AND ended_by < {ORPHAN} AND until_us >= ?1 AND {{holds}}"""
_NEAR: Final = "p.key > ?3 AND p.key < ?4"
_LASTING: Final = "since IS NOT NULL AND until >= ?1 AND p.key < ?3 AND ended_by = 1"


class RoomCells(NamedTuple):
    """One room.

    Attributes:
        name: its name; None for the machines that stand in no room.
        machines: how many machines stood there on the day: those of the list, and all that were ever heard of.
        in_use: the machines, by cells, that somebody was on for certain, or presumably.
        doubtful: the machines, by cells, on which somebody may have been. None of them is in `in_use`.
    """

    name: str | None
    machines: int
    in_use: list[int]
    doubtful: list[int]


class Occupancy(NamedTuple):
    """One day of a site.

    Attributes:
        begins_us: when each cell of the day begins, in microseconds since 1970. 96 of them, or some more or fewer on a
            day on which the clocks change.
        rooms: the rooms by name; last the machines without a room, if there are any. Their cells end with that of now.
    """

    begins_us: list[int]
    rooms: list[RoomCells]


def find_occupancy(access: "Access", day: date, site: Site, now_us: int, room: str | None = None) -> Occupancy:
    """Return how full each room was on a day.

    Args:
        access: a reader's database.
        day: the day, by the site's clocks. It has begun.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        room: count this room only, by its name of today.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        PastChangedError: the epoch has changed during the question.
        apsw.Error: SQLite's own.
    """
    first_us, end_us = midnight_us(day, site), midnight_us(day + timedelta(days=1), site)
    marks = _Marks(first_us, min(end_us - 1, now_us))
    # A session that ends or moves meanwhile is read twice, which changes nothing. The other order could miss it.
    for found in _open(access, site, first_us, end_us - 1, now_us):
        marks.mark_open(found, site.rules.keep_open_us, now_us)
    for source in (TODAY, PAST):
        _read_ended(access, source, marks, (first_us, end_us, site))
    machines = _machines(access, site, day, marks)
    names = sorted((each for each in machines if each is not None), key=str.casefold)
    ordered: list[str | None] = [*names, *([None] if None in machines else [])]
    rooms = [marks.cells(each, machines[each]) for each in ordered if room in (None, each)]
    return Occupancy(list(range(first_us, end_us, _CELL_US)), rooms)


class _Marks:
    """Which machine was in use in which cells of a day: bit 0 is the first cell.

    Args:
        first_us: the begin of the day.
        last_us: the last microsecond of the day, or now.
    """

    def __init__(self, first_us: int, last_us: int) -> None:
        self._first_us = first_us
        self._cells = (last_us - first_us) // _CELL_US + 1
        self.in_use: dict[str, int] = {}
        self.doubtful: dict[str, int] = {}

    def mark(self, marks: dict[str, int], host: str, begin_us: int, until_us: int) -> None:
        """Mark the cells of a span that ends before `until_us`. A span without a length is in one cell."""
        first = max(0, (begin_us - self._first_us) // _CELL_US)
        last = min(self._cells - 1, max(begin_us - self._first_us, until_us - self._first_us - 1) // _CELL_US)
        if first <= last:
            marks[host] = marks.get(host, 0) | (2 << last) - (1 << first)

    def mark_open(self, found: Found, keep_open_us: int, now_us: int) -> None:
        """Mark the cells of an open session: presumed until something speaks against it, then doubtful."""
        session, doubt = found.session, found.doubt
        until_us = min(now_us + 1, session.received_us + keep_open_us)
        doubtful_us = until_us if doubt is None else min(until_us, doubt.since_us)
        if doubtful_us > session.received_us:
            self.mark(self.in_use, session.host, session.received_us, doubtful_us)
        if until_us > doubtful_us:
            self.mark(self.doubtful, session.host, doubtful_us, until_us)

    def cells(self, room: str | None, hosts: Iterable[Iterable[str]]) -> RoomCells:
        """Return the counts of a room.

        Args:
            room: its name.
            hosts: the names of each machine in it, folded.
        """
        machines = [(_union(self.in_use, names), _union(self.doubtful, names)) for names in hosts]
        return RoomCells(
            room,
            len(machines),
            self._counted([in_use for in_use, _ in machines if in_use]),
            self._counted([left for in_use, doubtful in machines if (left := doubtful & ~in_use)]),
        )

    def _counted(self, marks: list[int]) -> list[int]:
        return [sum(mark >> at & 1 for mark in marks) for at in range(self._cells)]


def _union(marks: dict[str, int], names: Iterable[str]) -> int:
    found = 0
    for name in names:
        found |= marks.get(name, 0)
    return found


def _open(access: "Access", site: Site, from_us: int, to_us: int, now_us: int) -> Iterable[Found]:
    """Return the sessions that are open now and may have been on in a span."""
    key: int | None = FIRST_PAGE
    while key is not None:
        page = find_sessions(
            access, Filters(from_us=from_us, to_us=to_us, state="open"), site, now_us, _OPEN_A_PAGE, key
        )
        yield from page.found
        key = page.next_key


def _read_ended(access: "Access", source: Source, marks: _Marks, span: tuple[int, int, Site]) -> None:
    """Mark the sessions of one source that have ended, piece by piece."""
    first_us, end_us, site = span
    low, high = first_key(max(0, first_us - back_us(site))), first_key(end_us + US - 1)
    values = first_us, site.rules.keep_open_us
    near, lasting = (
        _ENDED.format(sessions=source.sessions, names=source.names, holds=source.holds, index=index, which=which)
        for index, which in (("NOT INDEXED", _NEAR), (f"INDEXED BY {index_of(source, 'lasting')}", _LASTING))
    )
    after = low - 1
    is_first, is_over = True, False
    while not is_over:
        with access.snapshot() as connection:
            if is_first:
                for row in connection.execute(lasting, (*values, low)):
                    _mark(marks, row)
            is_first = False
            is_over = True
            rows = connection.execute(near + " ORDER BY p.key", (*values, after, high))
            for number, row in enumerate(rows, 1):
                _mark(marks, row)
                if number % _ROWS_A_LOOK == 0 and access.is_piece_over():
                    after, is_over = cast("int", row[0]), False
                    rows.close()
                    break


def _mark(marks: _Marks, row: object) -> None:
    _, host, is_known, begin_us, until_us = cast("tuple[int, str, int, int, int]", row)
    marks.mark(marks.in_use if is_known else marks.doubtful, host, begin_us, until_us)


def _machines(access: "Access", site: Site, day: date, marks: _Marks) -> dict[str | None, list[set[str]]]:
    """Return the machines of each room on a day, each as the set of its names. Retired machines are left out."""
    with access.snapshot() as connection:
        hosts = {
            cast("str", row[0])
            for source in (PAST, TODAY)
            for row in connection.execute(_HOSTS.format(names=source.names))
        }
    hosts |= {*marks.in_use, *marks.doubtful}
    alike = Alike(hosts, site.rooms, day)
    known: dict[str, set[str]] = {host: {host} for host in site.rooms.expected(day)}
    for host in hosts - {"", UNKNOWN_HOST}:
        known.setdefault(alike.host(host), set()).add(host)
    rooms: dict[str | None, list[set[str]]] = {name: [] for name in site.rooms.names()}
    for host, names in known.items():
        place = site.rooms.place_of(host, day)
        if place is None or place.state != "retired":
            rooms.setdefault(site.rooms.room_of(host, day), []).append(names)
    return rooms
