"""Lists the machines as they were known at a moment: where each stood, its state then, and who was on.

What has come later counts only for `MachineAt.is_heard_since`. `machines` lists them as they are now. This file must
not know how the sessions are found, or how an answer is written.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.sessions.machines import MachineState
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import US, Session, first_key, second_of
from winlogd.store.past.events import json_list
from winlogd.store.past.names import HOST
from winlogd.store.past.rows import ORPHAN, SELECTED, session_of
from winlogd.store.read.days import local_day, silent_before
from winlogd.store.read.filters import Site
from winlogd.store.read.machines import Alike, Machine, Record, machine_of
from winlogd.store.read.sessions import Found
from winlogd.store.read.source import PAST, TODAY, Source, index_of

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

_NAMES_A_STATEMENT: Final = 500
_LATEST_SESSIONS: Final = 8
"""Of these, logoffs count as contacts, as in `machines`."""

_LOGOFF: Final = f"(key >> 30) * {US} + micros + logoff"
_LATEST: Final = """SELECT key, micros, ended_by, logoff FROM {sessions} p INDEXED BY {index}
    WHERE host = n.id AND {holds}"""
_RECORDS: Final = f"""SELECT n.id, n.name, n.folded,
    (SELECT max(max((key >> 30) * {US} + micros, CASE WHEN ended_by = 1 AND {_LOGOFF} <= ?2 THEN {_LOGOFF} ELSE 0 END))
        FROM ({_LATEST} AND key < ?1 ORDER BY key DESC LIMIT {_LATEST_SESSIONS})),
    (SELECT key FROM {{sessions}} p INDEXED BY {{index}}
        WHERE host = n.id AND key < ?1 AND ended_by < {ORPHAN} AND {{holds}} ORDER BY key DESC LIMIT 1),
    (SELECT max(key) FROM {{inventory}} i WHERE i.host = n.id AND i.key < ?1),
    (SELECT max(key >= ?1 OR (ended_by = 1 AND {_LOGOFF} > ?2))
        FROM ({_LATEST} ORDER BY key DESC LIMIT {_LATEST_SESSIONS}))
        OR EXISTS (SELECT 1 FROM {{inventory}} i WHERE i.host = n.id AND i.key >= ?1)
    FROM {{names}} n WHERE n.kind = {HOST} AND n.name > ?3 ORDER BY n.name LIMIT {_NAMES_A_STATEMENT}"""
"""Of each spelling: the latest contact before a moment, the latest session and inventory then, and if more came."""
_FOUND: Final = f"""SELECT {SELECTED} FROM {{sessions}} p
    JOIN {{names}} u ON u.id = p.user JOIN {{names}} h ON h.id = p.host JOIN {{names}} a ON a.id = p.ip
    JOIN {{names}} n ON n.id = p.os_name JOIN {{names}} v ON v.id = p.os_version
    WHERE p.key IN (SELECT value FROM json_each(?))"""


class MachineAt(NamedTuple):
    """One machine at a moment.

    Attributes:
        machine: the machine, as it was known then. Its open sessions are those that were on.
        is_heard_since: True if an event has come from it since.
    """

    machine: Machine
    is_heard_since: bool


class _Kept(NamedTuple):
    record: Record
    is_heard_since: bool


def find_machines_at(
    access: "Access", site: Site, at_us: int, room: str | None, sessions: Iterable[Found]
) -> list[MachineAt]:
    """Return all machines that were known or expected at a moment, by name; then those of sessions without one.

    A retired machine, and the unknown host, count only while somebody is on.

    Args:
        access: a reader's database.
        site: what is known of the site.
        at_us: the moment, in microseconds since 1970. It is not in the future.
        room: the room in which the machines stood on that day; None for all.
        sessions: those that were on, newest first, with the certainty of that moment.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    day = local_day(at_us, site)
    kept = [*_kept(access, TODAY, at_us), *_kept(access, PAST, at_us)]
    alike = Alike((each.record.folded for each in kept), site.rooms, day)
    known: dict[str, list[_Kept]] = {host: [] for host in site.rooms.expected(day)}
    for each in kept:
        known.setdefault(alike.host(each.record.folded), []).append(each)
    on: dict[str, list[Found]] = {}
    for found in sessions:
        on.setdefault(alike.host(found.session.host), []).append(found)
    silent_since_us = silent_before(access, site, at_us, site.silent_days)
    machines = []
    for host, spellings in sorted(known.items()):
        records = [each.record for each in spellings]
        machine = machine_of(host, records, on.get(host, ()), site, day, silent_since_us)
        if machine is not None and room in (None, machine.room):
            machines.append(MachineAt(machine, any(each.is_heard_since for each in spellings)))
            on.pop(host, None)
    return [*machines, *(_of_sessions(each) for each in on.values())]


def _of_sessions(sessions: Sequence[Found]) -> MachineAt:
    """Return the machine of some sessions that stands on no list: it is retired, or has told no name."""
    newest = sessions[0].session
    state: MachineState = "doubtful" if all(each.certainty == "doubtful" for each in sessions) else "in_use"
    name = newest.hostname or UNKNOWN_HOST
    machine = Machine(name, sessions[0].room, state, tuple(sessions), newest, newest.received_us)
    return MachineAt(machine, is_heard_since=True)


def _kept(access: "Access", source: Source, at_us: int) -> Iterator[_Kept]:
    """Return what a source knows of all spellings, in pieces."""
    sql, key = _of(source, _RECORDS), first_key(max(at_us, 0) + 1)
    after: str | None = ""
    while after is not None:
        with access.snapshot() as connection:
            while True:
                rows = connection.execute(sql, (key, at_us, after)).fetchall()
                yield from _read(connection, source, rows)
                after = cast("str", rows[-1][1]) if len(rows) == _NAMES_A_STATEMENT else None
                if after is None or access.is_piece_over():
                    break


def _read(connection: "apsw.Connection", source: Source, rows: Sequence[tuple[Any, ...]]) -> Iterator[_Kept]:
    sessions = _sessions(connection, source, (row[4] for row in rows if row[4] is not None))
    for number, name, folded, contact_us, key, inventory, is_heard in rows:
        if folded in ("", UNKNOWN_HOST):
            continue
        contacts = [contact_us, None if inventory is None else second_of(inventory) * US]
        latest_us = max((each for each in contacts if each is not None), default=None)
        yield _Kept(Record(source, number, name, folded, latest_us, sessions.get(key)), bool(is_heard))


def _sessions(connection: "apsw.Connection", source: Source, keys: Iterable[int]) -> dict[int, Session]:
    rows = connection.execute(_of(source, _FOUND), (json_list(keys),))
    return {cast("int", row[0]): session_of(row) for row in rows}


def _of(source: Source, sql: str) -> str:
    return sql.format(
        sessions=source.sessions,
        names=source.names,
        inventory=source.inventory,
        holds=source.holds,
        index=index_of(source, "host"),
    )
