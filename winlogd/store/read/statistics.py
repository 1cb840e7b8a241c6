"""Counts logons, distinct users and the most sessions at once, by hour, day, or hour of the week.

All is counted from the sessions' rows, also where ``winlogd_hours`` has a sum: so there is one way, for every zone and
every room. A year of 2.4 million sessions takes some seconds. Times are those of receipt. This file must not know how
an answer is written.
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from winlogd.sessions.session import US, first_key, second_of
from winlogd.store.past.events import json_list
from winlogd.store.past.rows import OPEN, ORPHAN
from winlogd.store.read.buckets import Count, Received, Sweep, begins_of
from winlogd.store.read.days import local_day, midnight_us
from winlogd.store.read.source import PAST, TODAY, Source, index_of

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site
    from winlogd.store.read.room_hosts import RoomHosts

By = Literal["hour", "day", "weekday_hour"]

MOST_DAYS: Final = 400
_DAY_S: Final = 86_400
_BEFORE_S: Final = _DAY_S + 3600
"""A session that was received earlier than this before the span, and is on in it, is *lasting* (`store.past.rows`)."""

_END: Final = f"""CASE WHEN ended_by = 1 AND logoff >= 0 THEN 2 * ((key >> 30) * {US} + micros + logoff)
    WHEN ended_by = {OPEN} AND key >= ?1 THEN 2 * max(?2, (key >> 30) * {US} + micros) END"""
_BEGIN: Final = f"""CASE WHEN (ended_by = 1 AND logoff >= 0) OR (ended_by = {OPEN} AND key >= ?1)
    THEN 2 * ((key >> 30) * {US} + micros) + 1 END"""
"""SQL for the begin and the end of a session as `Sweep` takes them; NULL if the end is not known."""
_ROWS: Final = f"""SELECT user, {_BEGIN}, {_END}{{place}} FROM {{sessions}} p NOT INDEXED
    WHERE key >= ?3 AND key < ?4 AND ended_by < {ORPHAN} AND {{hosts}} AND {{holds}}"""
_LASTING: Final = f"""SELECT user, NULL, {_END}{{place}} FROM {{sessions}} p INDEXED BY {{index}}
    WHERE since IS NOT NULL AND until >= ?3 AND key < ?4 AND ended_by = 1 AND {{hosts}} AND {{holds}}"""
_NAME: Final = "SELECT name, folded FROM {} WHERE id = ?"


class WeekHour(NamedTuple):
    """One hour of the week, over all weeks of a span.

    Attributes:
        weekday: 0 for Monday to 6 for Sunday.
        hour: 0 to 23, by the site's clocks.
        hours: how many such hours the span has. Logons by hours are a mean.
        logons: how many logons were received in all of them.
        users: of how many users in one of them, at most.
        most: how many sessions were on at once in one of them, at most.
        most_us: when the latest hour with so many began, in microseconds since 1970.
    """

    weekday: int
    hour: int
    hours: int
    logons: int
    users: int
    most: int
    most_us: int


def find_counts(
    access: "Access",
    by: Literal["hour", "day"],
    from_us: int,
    to_us: int,
    site: "Site",
    now_us: int,
    room: str | None = None,
) -> list[Count]:
    """Return the counts of each hour or day of a span, also of those without a logon.

    A session is on at once with others if a client told its end. The open sessions that began today are on until now.
    The others may be ghosts, and count as logons only.

    Args:
        access: a reader's database.
        by: what is counted by. Hours and days are those of the site's clocks.
        from_us: the span begins with the hour or day of this moment, in microseconds since 1970.
        to_us: the span ends with the hour or day of the last microsecond before this moment.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        room: count only sessions on machines that stood in this room, by its name of today, on the day of the logon.

    Raises:
        ValueError: the span is empty, or longer than `MOST_DAYS` days.
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    if not 0 <= from_us < to_us <= from_us + (MOST_DAYS * _DAY_S + 3600) * US:  # the clocks may be set back meanwhile
        raise ValueError(f"the span must not be empty, and must not be longer than {MOST_DAYS} days")
    spans = list(pairwise(begins_of(by, from_us, to_us, site.zone)))
    users = _Users(PAST.names, {})
    counts: list[Count] = []
    sweep: Sweep | None = None
    while len(counts) < len(spans):
        with access.snapshot() as connection:
            reading = _Reading(connection, access.room_hosts, site, now_us, room, users)
            if sweep is None:
                sweep = Sweep(reading.ends_on_at(spans[0][0]))
            for begin_s, until_s in spans[len(counts) :]:
                counts.append(sweep.count(begin_s, until_s, reading.received(begin_s, until_s)))
                if access.is_piece_over():
                    break
    return counts


def find_week(
    access: "Access", from_us: int, to_us: int, site: "Site", now_us: int, room: str | None = None
) -> list[WeekHour]:
    """Return the counts of each hour of the week that the span has. Arguments and exceptions as in `find_counts`."""
    found: dict[tuple[int, int], WeekHour] = {}
    for count in find_counts(access, "hour", from_us, to_us, site, now_us, room):
        local = datetime.fromtimestamp(count.begins_us // US, site.zone)
        at = local.weekday(), local.hour
        _, _, hours, logons, users, *before = found.get(at, WeekHour(*at, 0, 0, 0, 0, 0))
        most, most_us = max((before[0], before[1]), (count.most, count.begins_us))
        found[at] = WeekHour(*at, hours + 1, logons + count.logons, max(users, count.users), most, most_us)
    return [found[at] for at in sorted(found)]


class _Users(dict[int, int]):
    """One number for all spellings of a user, by the number of a spelling in a table of names."""

    def __init__(self, table: str, numbers: dict[str, int]) -> None:
        super().__init__()
        self._sql = _NAME.format(table)
        self.numbers = numbers
        self.connection: apsw.Connection | None = None

    def __missing__(self, number: int) -> int:
        """Look a number up."""
        row = self.connection and self.connection.execute(self._sql, (number,)).fetchone()
        folded = cast("tuple[str, str]", row)[1]
        known = self[number] = self.numbers.setdefault(folded, len(self.numbers))
        return known


class _Reading:
    """Reads sessions in one snapshot. Each is in the past or in today's then, and keeps its key when it moves."""

    def __init__(
        self,
        connection: "apsw.Connection",
        room_hosts: "RoomHosts",
        site: "Site",
        now_us: int,
        room: str | None,
        past_users: _Users,
    ) -> None:
        self._connection = connection
        self._room_hosts = room_hosts
        self._site = site
        self._room = room
        self._open_values = first_key(midnight_us(local_day(now_us, site), site)), now_us
        self._users = {PAST: past_users, TODAY: _Users(TODAY.names, past_users.numbers)}
        self._rooms: dict[tuple[str, int, date], bool] = {}
        for users in self._users.values():
            users.connection = connection
        self._hosts = {source: self._in_room(source) for source in (PAST, TODAY)}

    def _in_room(self, source: Source) -> str:
        """Return SQL for the machines that were ever in the room."""
        room, rooms = self._room, self._site.rooms
        if room is None:
            return "1"
        numbers = self._room_hosts.numbers(self._connection, source, rooms, room)
        return f"host IN (SELECT value FROM json_each('{json_list(numbers)}'))"

    def received(self, begin_s: int, until_s: int) -> Received:
        """Return the sessions that were received in a span."""
        keys = first_key(begin_s * US), first_key(until_s * US)
        found = Received((), (), ())
        for source, numbers in self._users.items():
            rows = self._rows(source, _ROWS, keys)
            if rows:
                users, begins, ends, *_ = zip(*rows, strict=True)
                found = Received(
                    (*found.users, *map(numbers.__getitem__, users)), (*found.begins, *begins), (*found.ends, *ends)
                )
        return found

    def ends_on_at(self, begin_s: int) -> Iterator[int]:
        """Return the ends of the sessions that were received before a second and may be on then."""
        before_s = begin_s - _BEFORE_S
        for source in self._users:
            near = self._rows(source, _ROWS, (first_key(before_s * US), first_key(begin_s * US)))
            far = self._rows(source, _LASTING, (begin_s * US, first_key(before_s * US)))
            yield from (row[2] for row in (*near, *far) if row[2] is not None)

    def _rows(self, source: Source, sql: str, values: tuple[int, int]) -> list[tuple[Any, ...]]:
        hosts, index = self._hosts[source], index_of(source, "lasting")
        place = "" if self._room is None else ", host, key"
        sql = sql.format(sessions=source.sessions, holds=source.holds, hosts=hosts, index=index, place=place)
        found = self._connection.execute(sql, (*self._open_values, *values)).fetchall()
        rows = cast("list[tuple[Any, ...]]", found)
        if self._room is None:
            return rows
        return [row for row in rows if self._is_in_room(source, row[3], second_of(row[4]))]

    def _is_in_room(self, source: Source, host: int, second: int) -> bool:
        day = local_day(second * US, self._site)
        known = self._rooms.get((source.names, host, day))
        if known is None:
            row = self._connection.execute(_NAME.format(source.names), (host,)).fetchone()
            name, _ = cast("tuple[str | None, str]", row)
            known = self._rooms[source.names, host, day] = self._site.rooms.room_of(name, day) == self._room
        return known
