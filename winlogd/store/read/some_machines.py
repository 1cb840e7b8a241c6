"""Finds some machines, as `machines` lists all: those of a room or a name, or those that somebody follows.

A machine is asked for by the first label of its name, because all names with one label decide which of them are one
machine. To list 5 000 machines takes 0.2 s, 200 of them 10 ms, and one 2 ms. This file must not know who asks.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.events.names import short_host
from winlogd.events.patterns import Pattern
from winlogd.sessions.session import US, second_of
from winlogd.store.past.events import events_after, json_list
from winlogd.store.past.names import HOST
from winlogd.store.past.progress import EPOCH, TODAY_DELETIONS, number
from winlogd.store.past.rows import OPEN, SELECTED, session_of
from winlogd.store.read.days import local_day, silent_before
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.machines import (
    Alike,
    Machine,
    Record,
    find_machines,
    machine_of,
    of_today_alone,
    records_of,
)
from winlogd.store.read.sessions import Found, Search
from winlogd.store.read.source import PAST, TODAY, index_of

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

MOST_NEW_ROWS: Final = 5_000
"""`look` reads at most this many new rows. If there are more, any machine may have changed."""

_MOST_LABELS: Final = 200
"""Up to so many machines of a room are looked up. Of a larger room all are listed: that goes on with new snapshots."""

_LIKE: Final = f"""SELECT folded FROM {{}} WHERE kind = {HOST} AND name <> ''
    AND short IN (SELECT value FROM json_each(?))"""
_LABELS: Final = "SELECT DISTINCT short FROM {} WHERE id IN (SELECT value FROM json_each(?))"
_OPEN: Final = f"""SELECT {SELECTED} FROM {TODAY.sessions} p INDEXED BY {index_of(TODAY, "host")}
    CROSS JOIN {TODAY.names} u ON u.id = p.user CROSS JOIN {TODAY.names} h ON h.id = p.host
    CROSS JOIN {TODAY.names} a ON a.id = p.ip CROSS JOIN {TODAY.names} n ON n.id = p.os_name
    CROSS JOIN {TODAY.names} v ON v.id = p.os_version
    WHERE p.host IN (SELECT id FROM {TODAY.names} WHERE kind = {HOST} AND folded IN (SELECT value FROM json_each(?)))
    AND p.ended_by = {OPEN} AND {TODAY.holds} ORDER BY p.key DESC"""
_LAST_ID: Final = "SELECT ifnull(max(id), 0) FROM main.events_today"
_NEW_HOSTS: Final = f"""SELECT DISTINCT hostname FROM
    (SELECT hostname FROM main.events_today WHERE id > ? ORDER BY id LIMIT {MOST_NEW_ROWS})"""
_LAST_EVENT: Final = "SELECT id FROM main.events_today WHERE origin = 'client' ORDER BY id DESC LIMIT 1"
_LAST_KEY: Final = f"SELECT max(key) FROM {PAST.sessions}"


class Sight(NamedTuple):
    """How far the tables had come at a look.

    Attributes:
        last_id: the highest id of ``events_today``.
        deletions: changes when another program has deleted rows there.
        epoch: changes when the past is built again.
        history: how much of the archive is in the past (`Access.history`).
    """

    last_id: int
    deletions: int
    epoch: int
    history: str


class Look(NamedTuple):
    """What has come since another look.

    Attributes:
        sight: how far the tables have come.
        hosts: the machines of new rows, as they spell themselves.
        is_partial: True if there are more new rows, or if rows have gone: any machine may have changed.
    """

    sight: Sight
    hosts: list[str]
    is_partial: bool


def look(access: "Access", before: Sight | None) -> Look:
    """Return what has come since `before`; None only looks how far the tables have come.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    with access.snapshot() as connection:
        last_id = cast("int", connection.execute(_LAST_ID).fetchone()[0])  # type: ignore[index]  # always one row
        deletions, epoch = number(connection, TODAY_DELETIONS), number(connection, EPOCH)
        sight = Sight(last_id, deletions, epoch, access.history())
        if before is None:
            return Look(sight, [], is_partial=False)
        hosts = [row[0] for row in connection.execute(_NEW_HOSTS, (before.last_id,)) if isinstance(row[0], str)]
    is_partial = (
        last_id - before.last_id > MOST_NEW_ROWS
        or (deletions, epoch) != (before.deletions, before.epoch)
        or (sight.history != before.history and sight.history == "complete")
    )
    return Look(sight, hosts, is_partial)


def last_event_us(access: "Access") -> int | None:
    """Return the receipt of the latest event of today, or of the latest logon of the archive, to the second.

    It is in microseconds since 1970; None if there is none. What winlogd itself writes is no event. A later logoff or
    inventory of the archive is the last contact of its machine.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    with access.snapshot() as connection:
        key = cast("int | None", connection.execute(_LAST_KEY).fetchone()[0])  # type: ignore[index]  # always one row
        found = cast("tuple[int] | None", connection.execute(_LAST_EVENT).fetchone())
        events = [] if found is None else events_after(connection, found[0] - 1, 1)
    moments = [event.received_us for event in events]
    if key is not None:
        moments.append(second_of(key) * US)
    return max(moments, default=None)


def find_narrowed(
    access: "Access", site: Site, now_us: int, silent_days: int, room: str | None, host: Pattern | None
) -> list[Machine]:
    """Return all machines of a room and a name, as `find_machines` returns them. Others may be among them.

    Args:
        access: a reader's database.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        silent_days: that of `find_machines`.
        room: the room's name of today; None for all rooms.
        host: the machine's name; None for all names.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    labels = _labels(access, site, now_us, room, host)
    if labels is None or len(labels) > _MOST_LABELS:
        return find_machines(access, site, now_us, silent_days)
    return find_some(access, labels, site, now_us, silent_before(access, site, now_us, silent_days))


def _labels(
    access: "Access", site: Site, now_us: int, room: str | None, host: Pattern | None
) -> "Collection[str] | None":
    """Return the first labels that the machines of a room or a name have; None if they may have any.

    A machine's room is told by one of its names, or by its row in the site's list.
    """
    if host is not None and host.is_plain:
        # A folded name that is folded again may be another one, such as that of ".." or of "ß" with an accent.
        return {short_host(host.text), host.text.partition(".")[0], host.text}
    if room is None:
        return None
    expected = site.rooms.expected(local_day(now_us, site))
    labels = {short_host(each) for each, place in expected.items() if place.room == room}
    with access.snapshot() as connection:
        for source in (PAST, TODAY):
            numbers = access.room_hosts.numbers(connection, source, site.rooms, room)
            rows = connection.execute(_LABELS.format(source.names), (json_list(numbers),))
            labels.update(cast("str", row[0]) for row in rows)
    return labels


def find_some(
    access: "Access", labels: Collection[str], site: Site, now_us: int, silent_since_us: int | None
) -> list[Machine]:
    """Return all machines whose names have one of some first labels, as `find_machines` returns them.

    Args:
        access: a reader's database.
        labels: the first labels, as `short_host` returns them.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        silent_since_us: what `silent_before` returns.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    day = local_day(now_us, site)
    wanted = frozenset(labels)
    known: dict[str, tuple[list[Record], list[Found]]] = {
        host: ([], []) for host in site.rooms.expected(day) if short_host(host) in wanted
    }
    with access.snapshot() as connection:
        names = _names_like(connection, wanted)
        alike = Alike(names, site.rooms, day)
        records = records_of(connection, TODAY, names)
        records += records_of(connection, PAST, names - of_today_alone(connection, records))
        for record in records:
            known.setdefault(alike.host(record.folded), ([], []))[0].append(record)
        for found in _open_sessions(connection, access, names, site, now_us):
            known.setdefault(alike.host(found.session.host), ([], []))[1].append(found)
    machines = [
        machine_of(host, records_of_host, opened, site, day, silent_since_us)
        for host, (records_of_host, opened) in sorted(known.items())
    ]
    return [machine for machine in machines if machine is not None]


def _names_like(connection: "apsw.Connection", labels: Collection[str]) -> set[str]:
    """Return all names, folded, with some first labels."""
    values = (json_list(labels),)
    return {
        cast("str", row[0]) for each in (PAST, TODAY) for row in connection.execute(_LIKE.format(each.names), values)
    }


def _open_sessions(
    connection: "apsw.Connection", access: "Access", names: Collection[str], site: Site, now_us: int
) -> list[Found]:
    """Return the open sessions of some names, newest first."""
    rows = connection.execute(_OPEN, (json_list(names),)).fetchall()
    search = Search(connection, access.room_hosts, Filters(state="open"), site, now_us)
    return list(search.judged([session_of(row) for row in rows]))
