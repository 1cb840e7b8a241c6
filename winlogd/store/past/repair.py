"""Takes what followed from deleted rows of the archive out of the past, and leaves the rest as it is.

A trigger notes the rows that others delete in ``winlogd_gone``. A session depends on the rows with its identifier. So
this file removes the sessions with an identifier of a deleted row, and takes in again the rows that are left. They keep
their keys: no cursor ends. Whatever this file does not expect is left to a rebuild, which is always right. This file
must not know steps, or when it is called.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, cast

from winlogd.events.names import folded_host
from winlogd.sessions.session import FROM_ARCHIVE, US, Session, first_key
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.file.marks import set_mark
from winlogd.store.past import inventory
from winlogd.store.past.events import PastEvent, json_list, of_archive, past_event
from winlogd.store.past.names import HOST, Names
from winlogd.store.past.progress import (
    DELETIONS,
    DELETIONS_SEEN,
    TAKEN_IN,
    ask_for_hours,
    ask_for_rebuild,
    number,
)
from winlogd.store.past.rows import ORPHAN, SELECTED, session_of
from winlogd.store.past.take_in import take_in
from winlogd.store.past.unused import remove_unused

if TYPE_CHECKING:  # types only
    import apsw

_MOST_OF_A_SECOND: Final = 1000
"""Sessions of one second. Rows without a time of receipt may all be of one second: a rebuild is faster then."""
_MOST_EVENTS: Final = 20_000
"""Rows with the identifiers of one call. Another program may have given all rows one identifier."""

_GONE: Final = f"""SELECT id, {as_bytes("action")}, x'', {as_bytes("hostname")}, NULL,
    {as_bytes("timestamp", "server_timestamp", "created_at")}, NULL, NULL, {as_bytes("session_uuid")}, NULL, NULL
    FROM winlogd_gone"""
_SOME: Final = f"{_GONE} ORDER BY id LIMIT ?"
_WITH_IDENTIFIERS: Final = (
    f"{_GONE} WHERE action IN ('C', 'D') AND session_uuid IN (SELECT value FROM json_each(?)) LIMIT ?"
)
_COUNT: Final = "SELECT count(*) FROM winlogd_gone"
_ARE_BACK: Final = "SELECT 1 FROM events_history WHERE id IN (SELECT value FROM json_each(?)) LIMIT 1"
_LOGOFFS_BEFORE: Final = f"""SELECT {as_bytes("session_uuid")} FROM events_history
    WHERE action = 'D' AND session_uuid IS NOT NULL AND id IN (SELECT value - 1 FROM json_each(?))"""
_LEFT: Final = """SELECT id FROM events_history
    WHERE action IN ('C', 'D') AND session_uuid IN (SELECT value FROM json_each(?)) LIMIT ?"""
_RANGES: Final = "SELECT first, last FROM winlogd_ranges"
_OF_A_SECOND: Final = f"""SELECT {SELECTED}, p.user, p.host, p.ip FROM winlogd_past p
    JOIN winlogd_names u ON u.id = p.user JOIN winlogd_names h ON h.id = p.host JOIN winlogd_names a ON a.id = p.ip
    JOIN winlogd_names n ON n.id = p.os_name JOIN winlogd_names v ON v.id = p.os_version
    WHERE p.key >= ? AND p.key < ? LIMIT {_MOST_OF_A_SECOND + 1}"""
_REMOVE: Final = "DELETE FROM winlogd_past WHERE key IN (SELECT value FROM json_each(?))"
_REPORT: Final = """SELECT host, key FROM winlogd_inventory
    WHERE host IN (SELECT id FROM winlogd_names WHERE kind = ? AND name IS ?) AND key >= ? AND key < ?
    AND history_id = ?"""
_NEXT_REPORT: Final = """SELECT host, key, history_id FROM winlogd_inventory
    WHERE host IN (SELECT id FROM winlogd_names WHERE kind = ? AND folded = ?) AND key > ? ORDER BY key LIMIT 1"""
_REMOVE_REPORT: Final = "DELETE FROM winlogd_inventory WHERE host = ? AND key = ?"
_REMOVE_CHANGES: Final = "DELETE FROM winlogd_hardware WHERE host = ? AND key = ?"
_REMOVE_GONE: Final = "DELETE FROM winlogd_gone WHERE id IN (SELECT value FROM json_each(?))"
_GIVE_UP: Final = "DELETE FROM winlogd_gone"
_REMOVE_LOOSE: Final = """DELETE FROM winlogd_past WHERE key = ? AND identifier IS NULL
    RETURNING ended_by, user, host, ip"""


class _UnexpectedError(Exception):
    """The past is not as it should be: a rebuild is needed."""


def is_possible(connection: "apsw.Connection") -> bool:
    """Return True if all rows are noted that others have deleted, and nothing else asks for a rebuild.

    Raises:
        apsw.Error: SQLite's own.
    """
    deleted = number(connection, DELETIONS) - number(connection, DELETIONS_SEEN)
    return deleted > 0 and connection.execute(_COUNT).get == deleted


def repair_some(connection: "apsw.Connection", most: int) -> int:
    """Take what followed from some of the noted rows out of the past, inside the caller's transaction.

    Args:
        connection: the database. All other rows of the archive are in the past, or in ``winlogd_ranges``.
        most: how many rows to begin with; further ones with their identifiers are added.

    Returns:
        How many rows were repaired; 0 if that needs a rebuild. Nothing is noted any more then.

    Raises:
        apsw.Error: SQLite's own.
    """
    try:
        repaired = _Repair(connection).repair(most)
    except _UnexpectedError:
        connection.execute(_GIVE_UP)
        return 0
    set_mark(connection, DELETIONS_SEEN, str(number(connection, DELETIONS_SEEN) + repaired))
    return repaired


def repair_ends(connection: "apsw.Connection", identifiers: set[str]) -> None:
    """Let sessions of the past end anew: logoffs with their identifiers were deleted from ``events_today``.

    Call this inside the transaction that deletes them. Where it is not possible, it asks for a rebuild.

    Raises:
        apsw.Error: SQLite's own.
    """
    try:
        _Repair(connection).repair_ends(identifiers)
    except _UnexpectedError:
        ask_for_rebuild(connection)


class _Repair:
    """One call of `repair_some`."""

    def __init__(self, connection: "apsw.Connection") -> None:
        self._connection = connection
        self._ranges = cast("list[tuple[int, int]]", connection.execute(_RANGES).fetchall())
        self._taken_in = number(connection, TAKEN_IN)
        self._names: set[int] = set()

    def repair(self, most: int) -> int:
        connection = self._connection
        gone = [past_event(row, FROM_ARCHIVE) for row in connection.execute(_SOME, (most,))]
        ids = {event.event_id for event in gone}
        if connection.execute(_ARE_BACK, (json_list(ids),)).fetchone() is not None:
            raise _UnexpectedError
        self._remove_loose([event for event in gone if event.session_uuid is None and self._is_taken_in(event)])
        identifiers = self._identifiers(gone)
        with_them = self._gone_with(identifiers)
        self._repair_sessions(identifiers, with_them)
        for event in gone:
            if event.action == "M" and self._is_taken_in(event):
                self._repair_report(event)
        ids |= {event.event_id for event in with_them}
        connection.execute(_REMOVE_GONE, (json_list(ids),))
        remove_unused(connection, self._names)
        return len(ids)

    def repair_ends(self, identifiers: set[str]) -> None:
        """Take in the rows with some identifiers again."""
        self._repair_sessions(identifiers, [])

    def _is_taken_in(self, event: PastEvent) -> bool:
        event_id = event.event_id
        return event_id <= self._taken_in and not any(first <= event_id <= last for first, last in self._ranges)

    def _remove_loose(self, gone: Iterable[PastEvent]) -> None:
        """Remove what followed from logons and logoffs without an identifier: nothing else depends on such a row."""
        for event in gone:
            if event.action not in ("C", "D"):
                continue
            found = self._connection.execute(_REMOVE_LOOSE, (event.key,)).fetchone()
            if found is None or (found[0] == ORPHAN) != (event.action == "D"):
                raise _UnexpectedError
            self._names |= cast("set[int]", set(found[1:]))
            if event.action == "C":
                ask_for_hours(self._connection, event.key)

    def _identifiers(self, gone: Iterable[PastEvent]) -> set[str]:
        """Return the identifiers of sessions that may have changed.

        A logoff just before a deleted logon may have counted as automatic (`older`).
        """
        found = {event.session_uuid for event in gone if event.action in ("C", "D") and event.session_uuid is not None}
        logons = [event.event_id for event in gone if event.action == "C"]
        found.update(text(row[0]) for row in self._connection.execute(_LOGOFFS_BEFORE, (json_list(logons),)))
        if any(not each or "\N{REPLACEMENT CHARACTER}" in each for each in found):
            raise _UnexpectedError
        return found

    def _gone_with(self, identifiers: Iterable[str]) -> list[PastEvent]:
        rows = self._connection.execute(_WITH_IDENTIFIERS, (json_list(identifiers), _MOST_EVENTS)).fetchall()
        if len(rows) == _MOST_EVENTS:
            raise _UnexpectedError
        return [past_event(row, FROM_ARCHIVE) for row in rows]

    def _left_with(self, identifiers: Iterable[str]) -> list[PastEvent]:
        connection = self._connection
        found = connection.execute(_LEFT, (json_list(identifiers), _MOST_EVENTS)).fetchall()
        if len(found) == _MOST_EVENTS:
            raise _UnexpectedError
        ids = sorted(cast("int", row[0]) for row in found)
        return [event for each in ids for event in of_archive(connection, each, each, 1, FROM_ARCHIVE)]

    def _repair_sessions(self, identifiers: set[str], gone: Sequence[PastEvent]) -> None:
        left = self._left_with(identifiers)
        begun = {event.session_uuid for event in (*left, *gone) if event.action == "C"}
        taken_in = [event for event in (*left, *gone) if self._is_taken_in(event)]
        before = self._sessions_of(taken_in, identifiers)
        self._check(before, taken_in, begun)
        again = [_with_key(event, before) for event in left if self._is_taken_in(event)]
        self._connection.execute(_REMOVE, (json_list(session.key for session in before),))
        keys = [session.key for session in before if not session.is_orphan]
        if keys:
            ask_for_hours(self._connection, min(keys))
        take_in(self._connection, again, [event.event_id for event in again], are_of_today=False)

    def _sessions_of(self, events: Iterable[PastEvent], identifiers: set[str]) -> list[Session]:
        """Return the sessions and orphans that followed from some rows."""
        found = []
        for second in sorted({event.received_us // US for event in events}):
            span = first_key(second * US), first_key((second + 1) * US)
            rows = self._connection.execute(_OF_A_SECOND, span).fetchall()
            if len(rows) > _MOST_OF_A_SECOND:
                raise _UnexpectedError
            for *row, user, host, ip in rows:
                session = session_of(tuple(row))
                if session.session_uuid in identifiers:
                    found.append(session)
                    self._names |= cast("set[int]", {user, host, ip})
        return found

    def _check(self, sessions: Sequence[Session], events: Sequence[PastEvent], begun: "set[str | None]") -> None:
        """Check that each logon was a session, and each logoff of an identifier without a logon an orphan."""
        logons = sorted(event.session_uuid or "" for event in events if event.action == "C")
        loose = sorted(event.session_uuid or "" for event in events if event.session_uuid not in begun)
        orphans = [session for session in sessions if session.is_orphan and session.session_uuid not in begun]
        if logons != _sorted(session for session in sessions if not session.is_orphan) or loose != _sorted(orphans):
            raise _UnexpectedError

    def _repair_report(self, event: PastEvent) -> None:
        """Remove a deleted report, and compare the next one of its machine with the one before it."""
        connection = self._connection
        second_us = event.received_us // US * US
        span = first_key(second_us), first_key(second_us + US)
        report = connection.execute(_REPORT, (HOST, event.hostname, *span, event.event_id)).fetchone()
        if report is None:
            raise _UnexpectedError
        host, key = cast("tuple[int, int]", report)
        self._names.add(host)
        connection.execute(_REMOVE_REPORT, report)
        connection.execute(_REMOVE_CHANGES, report)
        if not event.hostname:
            return
        found = connection.execute(_NEXT_REPORT, (HOST, folded_host(event.hostname), key)).fetchone()
        if found is not None:
            next_host, next_key, next_id = cast("tuple[int, int, int]", found)
            connection.execute(_REMOVE_CHANGES, (next_host, next_key))
            for each in of_archive(connection, next_id, next_id, 1, FROM_ARCHIVE):  # none if it was deleted, too
                inventory.note(connection, Names(connection), each._replace(key=next_key), next_id)


def _sorted(sessions: Iterable[Session]) -> list[str]:
    return sorted(session.session_uuid or "" for session in sessions)


def _with_key(event: PastEvent, before: Iterable[Session]) -> PastEvent:
    """Return a row with the key that its session or orphan had. The rotation may have given it one of today's ids."""
    keys = [
        session.key
        for session in before
        if session.session_uuid == event.session_uuid
        and session.is_orphan == (event.action == "D")
        and session.received_us == event.received_us
    ]
    if event.key in keys or not keys:
        return event
    if len(keys) > 1:
        raise _UnexpectedError
    return event._replace(key=keys[0])
