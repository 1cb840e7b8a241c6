"""Lists the machines that the database or the site's list knows: where each stands, its state, and who is on.

Two names are one machine if the site's list has one row for both. So they are if one is the other without its domain,
and no third name has the same first label. The host `UNKNOWN_HOST` is many machines, and not listed. What one machine
reported of its hardware is in `machine`. This file must not know how an answer is written.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final

from winlogd.events.names import folded_host, short_host
from winlogd.events.patterns import Pattern
from winlogd.events.value import Value
from winlogd.sessions.machines import MachineState, machine_state
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.session import US, Session, second_of
from winlogd.store.past.events import json_list
from winlogd.store.past.names import HOST
from winlogd.store.past.rows import ORPHAN, SELECTED, session_of
from winlogd.store.read.days import local_day, silent_before
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.sessions import FIRST_PAGE, Found, find_sessions
from winlogd.store.read.source import PAST, TODAY, Source, index_of

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

_NAMES_A_STATEMENT: Final = 500
_LATEST_SESSIONS: Final = 8
"""Of these, the latest logoff counts as a contact. On a machine of many users an older session may end later."""
_OPEN_A_PAGE: Final = 1_000

_RECORDS: Final = f"""SELECT n.id, n.name, n.folded,
    (SELECT max((key >> 30) * {US} + micros + CASE ended_by WHEN 1 THEN max(0, ifnull(logoff, 0)) ELSE 0 END) FROM
        (SELECT key, micros, ended_by, logoff FROM {{sessions}} p INDEXED BY {{index}}
            WHERE host = n.id AND {{holds}} ORDER BY key DESC LIMIT {_LATEST_SESSIONS})),
    (SELECT key FROM {{sessions}} p INDEXED BY {{index}}
        WHERE host = n.id AND ended_by < {ORPHAN} AND {{holds}} ORDER BY key DESC LIMIT 1),
    (SELECT max(key) FROM {{inventory}} i WHERE i.host = n.id)
    FROM {{names}} n WHERE n.kind = {HOST} AND n.name > ? AND {{which}} ORDER BY n.name LIMIT {_NAMES_A_STATEMENT}"""
_ALL_BUT: Final = "n.folded NOT IN (SELECT value FROM json_each(?))"
_THESE: Final = "n.folded IN (SELECT value FROM json_each(?))"
_FOLDED: Final = f"SELECT DISTINCT folded FROM {{names}} WHERE kind = {HOST} AND name <> ''"
_HIGHEST_KEY: Final = f"SELECT ifnull(max(key), 0) FROM {PAST.sessions}"
_SESSIONS: Final = f"""SELECT {SELECTED} FROM {{sessions}} p
    JOIN {{names}} u ON u.id = p.user JOIN {{names}} h ON h.id = p.host JOIN {{names}} a ON a.id = p.ip
    JOIN {{names}} n ON n.id = p.os_name JOIN {{names}} v ON v.id = p.os_version
    WHERE p.key IN (SELECT value FROM json_each(?))"""


@final
class Machine(Value):
    """One machine.

    Attributes:
        hostname: its name, in the spelling that came last.
        room: the room in which it stands today; None if that is not known.
        state: its state now.
        open_sessions: its open sessions with their certainty, newest first.
        last_session: its latest session: the last user, the operating system, and the address. None without one.
        last_contact_us: the receipt of its latest logon, logoff or inventory, in microseconds since 1970. None if it
            was never heard of.
    """

    __slots__ = ("hostname", "last_contact_us", "last_session", "open_sessions", "room", "state")

    def __init__(
        self,
        hostname: str,
        room: str | None,
        state: MachineState,
        open_sessions: tuple[Found, ...],
        last_session: Session | None,
        last_contact_us: int | None,
    ) -> None:
        self.hostname: Final = hostname
        self.room: Final = room
        self.state: Final[MachineState] = state
        self.open_sessions: Final = open_sessions
        self.last_session: Final = last_session
        self.last_contact_us: Final = last_contact_us


class Record(NamedTuple):
    """What one of the two sources knows of one spelling of a machine's name.

    Attributes:
        source: the source.
        number: the number of the spelling there.
        name: the spelling.
        folded: the spelling, as it is compared.
        contact_us: the receipt of the latest event; None if only a name is left.
        last_session: the latest session.
    """

    source: Source
    number: int
    name: str
    folded: str
    contact_us: int | None
    last_session: Session | None


def find_machines(access: "Access", site: Site, now_us: int, silent_days: int) -> list[Machine]:
    """Return all machines, by name. Retired ones are left out.

    Args:
        access: a reader's database.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        silent_days: a machine is silent without an event on this many of the site's last days with sessions; 1 or more.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    day = local_day(now_us, site)
    records = list(_records(access, TODAY, ()))
    with access.snapshot() as connection:
        on_today = of_today_alone(connection, records)
    records += _records(access, PAST, on_today)
    alike = Alike(_hosts(access), site.rooms, day)
    known: dict[str, list[Record]] = {host: [] for host in site.rooms.expected(day)}
    for each in records:
        known.setdefault(alike.host(each.folded), []).append(each)
    open_sessions: dict[str, list[Found]] = {}
    for found in _open_sessions(access, site, now_us):
        open_sessions.setdefault(alike.host(found.session.host), []).append(found)
    silent_since_us = silent_before(access, site, now_us, silent_days)
    machines = [
        machine_of(host, records, open_sessions.get(host, ()), site, day, silent_since_us)
        for host, records in sorted(known.items())
    ]
    return [machine for machine in machines if machine is not None]


def machine_of(
    host: str,
    records: Iterable[Record],
    open_sessions: Iterable[Found],
    site: Site,
    day: date,
    silent_since_us: int | None,
) -> Machine | None:
    """Return a machine; None if it is retired, or if nobody knows more than a name.

    Args:
        host: its name, as `Alike.host` returns it.
        records: what is known of its spellings.
        open_sessions: its open sessions.
        site: what is known of the site.
        day: the day, by the site's clocks.
        silent_since_us: what `silent_before` returns.
    """
    place = site.rooms.place_of(host, day)
    heard = [each for each in records if each.contact_us is not None]
    if (place is None and not heard) or (place is not None and place.state == "retired"):
        return None
    latest = max(heard, key=lambda each: each.contact_us or 0, default=None)
    sessions = [each.last_session for each in heard if each.last_session is not None]
    opened = tuple(open_sessions)
    contact_us = None if latest is None else latest.contact_us
    return Machine(
        hostname=_hostname(host, place) if latest is None else latest.name,
        room=site.rooms.room_of(host, day) if place is None else place.room,
        state=machine_state(place, contact_us, (found.certainty for found in opened), silent_since_us),
        open_sessions=opened,
        last_session=max(sessions, key=lambda session: session.key, default=None),
        last_contact_us=contact_us,
    )


def _hostname(host: str, place: Place | None) -> str:
    return host if place is None else place.hostname


class Alike:
    """Which names are one machine.

    Args:
        hosts: all names that are known, folded.
        rooms: the site's list.
        day: the day, by the site's clocks.
    """

    __slots__ = ("_by_label", "_day", "_known", "_rooms")

    def __init__(self, hosts: Iterable[str], rooms: Rooms, day: date) -> None:
        self._rooms = rooms
        self._day = day
        self._by_label: dict[str, set[str]] = {}
        self._known: dict[str, str] = {}
        for host in hosts:
            if (label := short_host(host)) != host:
                self._by_label.setdefault(label, set()).add(host)

    def host(self, folded: str) -> str:
        """Return the name under which a machine is kept: that of its place, or the longest of its names."""
        known = self._known.get(folded)
        if known is None:
            longer = self._by_label.get(folded, ())
            name = next(iter(longer)) if len(longer) == 1 else folded
            place = self._rooms.place_of(name, self._day)
            known = self._known[folded] = name if place is None else place.host
        return known


def _records(access: "Access", source: Source, but: Collection[str]) -> Iterator[Record]:
    """Return what a source knows of all spellings, but those of some machines, in pieces."""
    sql, others = _of(source, _RECORDS, _ALL_BUT), json_list(but)
    after: str | None = ""
    while after is not None:
        with access.snapshot() as connection:
            while True:
                rows = connection.execute(sql, (after, others)).fetchall()
                yield from _read(connection, source, rows)
                after = cast("str", rows[-1][1]) if len(rows) == _NAMES_A_STATEMENT else None
                if after is None or access.is_piece_over():
                    break


def records_of(connection: "apsw.Connection", source: Source, folded: Iterable[str]) -> list[Record]:
    """Return what a source knows of some machines' names.

    Raises:
        apsw.Error: SQLite's own.
    """
    sql, names, after = _of(source, _RECORDS, _THESE), json_list(folded), ""
    records: list[Record] = []
    while True:
        rows = connection.execute(sql, (after, names)).fetchall()
        records += _read(connection, source, rows)
        if len(rows) < _NAMES_A_STATEMENT:
            return records
        after = cast("str", rows[-1][1])


def of_today_alone(connection: "apsw.Connection", records: Iterable[Record]) -> set[str]:
    """Return the names, of `TODAY`, of which the past knows nothing that counts.

    Raises:
        apsw.Error: SQLite's own.
    """
    # logons of yesterday may still be among those of today
    highest = cast("int", connection.execute(_HIGHEST_KEY).fetchone()[0])  # type: ignore[index]  # always one row
    return {each.folded for each in records if each.last_session and each.last_session.key > highest}


def _hosts(access: "Access") -> list[str]:
    """Return all names of machines, folded."""
    with access.snapshot() as connection:
        return [cast("str", row[0]) for each in (PAST, TODAY) for row in connection.execute(_of(each, _FOLDED))]


def _read(connection: "apsw.Connection", source: Source, rows: list[tuple[Any, ...]]) -> Iterator[Record]:
    keys = json_list(row[4] for row in rows if row[4] is not None)
    sessions = {row[0]: session_of(row) for row in connection.execute(_of(source, _SESSIONS), (keys,))}
    for number, name, folded, contact_us, key, inventory in rows:
        if folded not in ("", UNKNOWN_HOST):
            reported_us = None if inventory is None else second_of(inventory) * US
            contacts = [each for each in (contact_us, reported_us) if each is not None]
            yield Record(source, number, name, folded, max(contacts, default=None), sessions.get(key))


def _of(source: Source, sql: str, which: str = "") -> str:
    return sql.format(
        which=which,
        sessions=source.sessions,
        names=source.names,
        inventory=source.inventory,
        holds=source.holds,
        index=index_of(source, "host"),
    )


def _open_sessions(access: "Access", site: Site, now_us: int) -> Iterator[Found]:
    key: int | None = FIRST_PAGE
    while key is not None:
        page = find_sessions(access, Filters(state="open"), site, now_us, _OPEN_A_PAGE, key)
        yield from page.found
        key = page.next_key


def plain(hostname: str) -> Pattern:
    """Return a pattern that finds at least the sessions of one machine, also if its name has a star."""
    host = folded_host(hostname)
    return Pattern(host if "*" not in host else host.partition("*")[0] + "*")
