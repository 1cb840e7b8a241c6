"""Says all about one machine: what the list of machines says, its hardware and each change of it, its last sessions.

A change is found when the rotation moves an inventory. Those of today's inventories are found here, by the same rules.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, cast, final

from winlogd.events.names import folded_host, short_host
from winlogd.events.value import Value
from winlogd.sessions.session import US, second_of
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.past.events import json_list
from winlogd.store.past.inventory import changes
from winlogd.store.past.names import HOST
from winlogd.store.read.days import local_day, silent_before
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.machines import (
    Alike,
    Machine,
    Record,
    machine_of,
    plain,
    records_of,
)
from winlogd.store.read.sessions import Found, find_sessions
from winlogd.store.read.source import PAST, TODAY, Source

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

_LAST_SESSIONS: Final = 10
_MOST_OPEN: Final = 1_000
_MOST_CHANGES: Final = 200
_MOST_REPORTS: Final = 50
"""Inventories of today of one machine that are compared."""

_HARDWARE: Final = as_bytes("e.hardware_info")
_REPORTS: Final = {
    PAST: f"""SELECT i.key, {_HARDWARE} FROM main.winlogd_inventory i JOIN main.events_history e ON e.id = i.history_id
        WHERE i.host = ? ORDER BY i.key DESC LIMIT 1""",
    TODAY: f"""SELECT i.key, {_HARDWARE} FROM temp.today_inventory i JOIN main.events_today e ON e.id = i.event_id
        WHERE i.host = ? ORDER BY i.key DESC LIMIT {_MOST_REPORTS}""",
}
_CHANGES: Final = f"""SELECT key, path, old, new FROM main.winlogd_hardware
    WHERE host IN (SELECT value FROM json_each(?)) ORDER BY key DESC, id LIMIT {_MOST_CHANGES}"""
_LONGER: Final = f"SELECT folded FROM {{}} WHERE kind = {HOST} AND short = ?"


class Change(NamedTuple):
    """A changed value of a machine's hardware.

    Attributes:
        path: leads to the value, such as ``disks.0.size``.
        old: the value before, as JSON; None if there was none.
        new: the value after, as JSON; None if there is none any more.
        at_us: the receipt of the inventory with the new value, to the second, in microseconds since 1970.
    """

    path: str
    old: str | None
    new: str | None
    at_us: int


@final
class MachineDetails(Value):
    """All about one machine.

    Attributes:
        machine: as in the list of machines.
        hardware: its latest inventory, JSON as it was sent; None without one.
        hardware_us: the receipt of it, to the second, in microseconds since 1970.
        changes: what changed in its hardware, newest first; at most the last 200.
        sessions: its last ten sessions, newest first.
    """

    __slots__ = ("changes", "hardware", "hardware_us", "machine", "sessions")

    def __init__(
        self,
        machine: Machine,
        hardware: str | None,
        hardware_us: int | None,
        changes: tuple[Change, ...],
        sessions: tuple[Found, ...],
    ) -> None:
        self.machine: Final = machine
        self.hardware: Final = hardware
        self.hardware_us: Final = hardware_us
        self.changes: Final = changes
        self.sessions: Final = sessions


class _Report(NamedTuple):
    key: int
    hardware: str | None


def find_machine(access: "Access", hostname: str, site: Site, now_us: int, silent_days: int) -> MachineDetails | None:
    """Return all about one machine; None if nobody knows it, or if it is retired.

    Args:
        access: a reader's database.
        hostname: its name, with or without its domain, in any letter case.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        silent_days: as in `find_machines`.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    day = local_day(now_us, site)
    with access.snapshot() as connection:
        names = _names_like(connection, folded_host(hostname))
        alike = Alike(names, site.rooms, day)
        host = alike.host(_meant(folded_host(hostname), names))
        same = [name for name in names if alike.host(name) == host]
        records = [each for source in (PAST, TODAY) for each in records_of(connection, source, same)]
        reports = [_reports(connection, source, records) for source in (PAST, TODAY)]
        changed = [*_changes_of_today(*reports), *_changes(connection, records)]
    open_sessions = _sessions(access, same or [host], site, now_us, _MOST_OPEN, is_open=True)
    machine = machine_of(host, records, open_sessions, site, day, silent_before(access, site, now_us, silent_days))
    if machine is None:
        return None
    latest = max((each for found in reports for each in found), key=lambda each: each.key, default=None)
    return MachineDetails(
        machine=machine,
        hardware=None if latest is None else latest.hardware,
        hardware_us=None if latest is None else second_of(latest.key) * US,
        changes=tuple(changed[:_MOST_CHANGES]),
        sessions=tuple(_sessions(access, same or [host], site, now_us, _LAST_SESSIONS)),
    )


def _names_like(connection: "apsw.Connection", folded: str) -> list[str]:
    """Return all names, folded, with the same first label as a machine's name."""
    label = short_host(folded)
    rows = [row for each in (PAST, TODAY) for row in connection.execute(_LONGER.format(each.names), (label,))]
    return sorted({cast("str", row[0]) for row in rows} - {""})


def _meant(folded: str, names: list[str]) -> str:
    """Return the name that a person means: the very name, or the only one with this first label."""
    return folded if folded in names or len(names) != 1 or short_host(folded) != folded else names[0]


def _sessions(
    access: "Access", names: list[str], site: Site, now_us: int, limit: int, is_open: bool = False
) -> list[Found]:
    """Return the latest sessions of some names, newest first."""
    state = "open" if is_open else None
    pages = [find_sessions(access, Filters(host=plain(name), state=state), site, now_us, limit) for name in names]  # type: ignore[arg-type]  # a Literal
    found = {each.session.key: each for page in pages for each in page.found if each.session.host in names}
    return [found[key] for key in sorted(found, reverse=True)][:limit]


def _reports(connection: "apsw.Connection", source: Source, records: list[Record]) -> list[_Report]:
    """Return the inventories of a machine, newest first: those of today, or the last one of the archive."""
    rows = [
        _Report(cast("int", key), None if hardware is None else text(hardware))
        for each in records
        if each.source is source
        for key, hardware in connection.execute(_REPORTS[source], (each.number,))
    ]
    return sorted(rows, key=lambda report: -report.key)[: 1 if source is PAST else _MOST_REPORTS]


def _changes_of_today(archived: list[_Report], today: list[_Report]) -> list[Change]:
    """Return what changed with the inventories of today, newest first."""
    found = []
    for new, old in pairwise([*today, *archived]):
        if new.hardware is not None and old.hardware is not None:
            at_us = second_of(new.key) * US
            found += [Change(*each, at_us) for each in changes(old.hardware, new.hardware)]
    return found


def _changes(connection: "apsw.Connection", records: list[Record]) -> list[Change]:
    numbers = json_list(each.number for each in records if each.source is PAST)
    return [
        Change(path, old, new, second_of(key) * US) for key, path, old, new in connection.execute(_CHANGES, (numbers,))
    ]
