"""Holds: persons, machines and spans of time that are exempt from deletion, each with its reason.

A hold means the rows that fit all its conditions. A span means the rows that were received or sent in it, and those of
the sessions that were on in it. This file must not know who deletes.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.sessions.session import US
from winlogd.store.past.events import PastEvent, events_with, json_list, logoffs_of
from winlogd.store.past.names import HOST, USER, compared
from winlogd.store.past.take_in import first_logoff

if TYPE_CHECKING:  # types only
    import apsw

HOLDS: Final = "winlogd_holds"
"""The table."""

WITHOUT_HOST: Final = "unknown"
"""The name under which a hold means rows without a machine's name."""

_FIRST_US: Final = -(1 << 62)
_LAST_US: Final = 1 << 62
_DAY_US: Final = 86_400 * US
"""A session of the archive whose logoff is not known may have been on for so long."""

_ALL: Final = "SELECT id, user, host, from_us, to_us, reason, held_by, held_us FROM winlogd_holds ORDER BY id"
_ADD: Final = """INSERT INTO winlogd_holds (id, user, host, from_us, to_us, reason, held_by, held_us)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_END: Final = "DELETE FROM winlogd_holds WHERE id = ?"
_LOGONS: Final = """SELECT d.id, c.id FROM json_each(?) j CROSS JOIN main.events_history d ON d.id = j.value
    CROSS JOIN main.events_history c ON c.session_uuid = d.session_uuid AND c.action = 'C' LIMIT 10000"""


class Hold(NamedTuple):
    """One hold. A condition that is None lets all rows pass; at least one is set.

    Attributes:
        number: its number, which is never used again.
        user: a user's name; ``alice`` also means ``DOM\\alice`` and ``alice@dom``.
        host: a machine's name, with or without its domain; `WITHOUT_HOST` also means rows without one.
        from_us: the first moment of a span, in microseconds since 1970.
        to_us: its last moment.
        reason: why.
        held_by: who has added it.
        held_us: when.
    """

    number: int
    user: str | None
    host: str | None
    from_us: int | None
    to_us: int | None
    reason: str
    held_by: str
    held_us: int

    def names(self, event: PastEvent) -> bool:
        """Return True if a row fits the user and the host."""
        return _is_named(self.user, USER, event.username) and _is_named(self.host, HOST, event.hostname or WITHOUT_HOST)

    def reaches(self, first_us: int, last_us: int) -> bool:
        """Return True if a span of time, both ends included, touches the span of the hold."""
        from_us = _FIRST_US if self.from_us is None else self.from_us
        to_us = _LAST_US if self.to_us is None else self.to_us
        return first_us <= to_us and last_us >= from_us


def read_holds(connection: "apsw.Connection") -> list[Hold]:
    """Return all holds, in the order of their numbers.

    Raises:
        apsw.Error: SQLite's own.
    """
    return [Hold(*row) for row in cast("Iterable[tuple[Any, ...]]", connection.execute(_ALL))]


def add_hold(connection: "apsw.Connection", hold: Hold, number: int | None = None) -> int:
    """Add a hold, inside the transaction that the caller has begun. Return its number.

    Args:
        connection: the database.
        hold: the hold; `hold.number` does not count.
        number: a number that no hold has; None for the next one.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_ADD, (number, *hold[1:]))
    return connection.last_insert_rowid()


def end_hold(connection: "apsw.Connection", number: int) -> bool:
    """End a hold, inside the transaction that the caller has begun. Return False if there is none of this number.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_END, (number,))
    return connection.changes() == 1


def free_of(connection: "apsw.Connection", events: Sequence[PastEvent], are_of_today: bool) -> list[PastEvent]:
    """Return those rows that no hold means, in their order.

    Args:
        connection: the database.
        events: rows of one table.
        are_of_today: True if they are rows of ``events_today``, False if of ``events_history``.

    Raises:
        apsw.Error: SQLite's own.
    """
    holds = read_holds(connection)
    named = [(event, [hold for hold in holds if hold.names(event)]) for event in events] if holds else []
    if not any(found for _, found in named):
        return list(events)
    spans = _spans(connection, [event for event, found in named if found], are_of_today)
    return [event for event, found in named if not any(hold.reaches(*spans[event.event_id]) for hold in found)]


def _spans(
    connection: "apsw.Connection", events: Sequence[PastEvent], are_of_today: bool
) -> dict[int, tuple[int, int]]:
    """Return for each row, by id, from when to when its session was on by either clock. Other rows are moments."""
    moments = {event.event_id: [event.received_us, event.sent_us] for event in events}
    logons = [event for event in events if event.action == "C"]
    candidates = logoffs_of(connection, [event.event_id for event in logons], are_of_today)
    for event in logons:
        logoff = first_logoff(event.event_id, event.received_us, candidates.get(event.event_id, []), are_of_today)
        if logoff is not None:
            moments[event.event_id] += [logoff.received_us, logoff.sent_us]
        else:
            moments[event.event_id].append(_LAST_US if are_of_today else event.received_us + _DAY_US)
    logoffs = [event for event in events if event.action == "D"]
    begun = {} if are_of_today else _begun(connection, logoffs)
    for event in logoffs:  # events_today has no index that finds a logon: it may be of any time
        moments[event.event_id] += begun.get(event.event_id, [_FIRST_US] if are_of_today else [])
    return {event_id: (min(each), max(each)) for event_id, each in moments.items()}


def _begun(connection: "apsw.Connection", logoffs: Sequence[PastEvent]) -> dict[int, list[int]]:
    """Return when the sessions of logoffs of the archive began, by both clocks, by the logoff's id."""
    found = connection.execute(_LOGONS, (json_list(event.event_id for event in logoffs),)).fetchall()
    pairs = cast("list[tuple[int, int]]", found)
    logons = {event.event_id: event for event in events_with(connection, "events_history", {each for _, each in pairs})}
    begun: dict[int, list[int]] = {}
    for logoff, logon in pairs:
        begun.setdefault(logoff, []).extend((logons[logon].received_us, logons[logon].sent_us))
    return begun


def _is_named(wanted: str | None, kind: int, name: str) -> bool:
    """Return True if a name is the wanted one, or its short form is; `wanted` is None if any name is."""
    return wanted is None or wanted in compared(kind, name)
