"""The sessions of today, in temporary tables that catch up with ``events_today`` before each question.

The writer keeps no table of sessions, because that would cost 9 to 15 µs an event. So a reader builds one for itself,
also from what other programs write. A row costs it some 20 µs, once. This file must not know questions.

How far it has read stands in a temporary table, too. So a rollback, whatever caused it, takes all of it back together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.sessions.session import US, Session, second_of
from winlogd.store.file.past_tables import PAST_TABLES
from winlogd.store.past.events import PastEvent, begun_before, events_after, json_list, logoffs_of
from winlogd.store.past.names import HOST, USER, Names
from winlogd.store.past.progress import TODAY_DELETIONS, number
from winlogd.store.past.rows import COLUMNS, OPEN, ORPHAN, end_of, row_of
from winlogd.store.past.take_in import first_logoff, open_session_from, orphan_from, prepare, session_from
from winlogd.store.read.source import EVENTS, TODAY

if TYPE_CHECKING:  # types only
    import apsw

PIECE_ROWS: Final = 2_000
"""Rows that one call of `Tail.catch_up` reads: 35 ms."""
MOST_BEHIND_ROWS: Final = 50_000
"""While more rows than this are to be read, questions are refused: to read them takes nearly a second."""

_SESSION_COLUMNS: Final = (
    PAST_TABLES["winlogd_past"].rstrip(")\n ") + ",\n    event_id INTEGER NOT NULL,\n    uuid TEXT\n)"
)
_TABLES: Final = (
    f"CREATE TABLE {TODAY.names} {PAST_TABLES['winlogd_names']}",
    f"CREATE TABLE {TODAY.sessions} {_SESSION_COLUMNS}",
    f"CREATE TABLE {TODAY.inventory} (host INTEGER NOT NULL, key INTEGER NOT NULL, event_id INTEGER NOT NULL,"
    " PRIMARY KEY (host, key)) WITHOUT ROWID",
    # events_today has no index by name, because each would cost an event more. Here a row costs 4 µs for both.
    f"CREATE TABLE {EVENTS} (id INTEGER PRIMARY KEY, user INTEGER NOT NULL, host INTEGER NOT NULL)",
    # The ids up to which rows of events_today were read, had moved, and were looked at after they had moved.
    "CREATE TABLE temp.today_progress (read INTEGER NOT NULL, moved INTEGER NOT NULL, seen INTEGER NOT NULL,"
    " deletions INTEGER NOT NULL)",
    "INSERT INTO temp.today_progress VALUES (0, 0, 0, 0)",
    "CREATE INDEX temp.today_names_name ON today_names(kind, name)",
    "CREATE INDEX temp.today_names_folded ON today_names(kind, folded)",
    "CREATE INDEX temp.today_names_short ON today_names(kind, short)",
    "CREATE INDEX temp.today_sessions_user ON today_sessions(user)",
    "CREATE INDEX temp.today_sessions_host ON today_sessions(host)",
    "CREATE INDEX temp.today_sessions_ip ON today_sessions(ip)",
    "CREATE INDEX temp.today_sessions_lasting ON today_sessions(since, until) WHERE since IS NOT NULL",
    "CREATE INDEX temp.today_sessions_uuid ON today_sessions(uuid)",
    "CREATE INDEX temp.today_sessions_event ON today_sessions(event_id)",
    "CREATE INDEX temp.today_events_user ON today_events(user)",
    "CREATE INDEX temp.today_events_host ON today_events(host)",
)
_FILLED: Final = (TODAY.names, TODAY.sessions, TODAY.inventory, EVENTS)
_PROGRESS: Final = "SELECT read, moved, seen, deletions FROM temp.today_progress"
_NOTE_PROGRESS: Final = "UPDATE temp.today_progress SET read = ?, moved = ?, seen = ?, deletions = ?"
_BEHIND: Final = f"SELECT count(*) FROM (SELECT 1 FROM main.events_today WHERE id > ? LIMIT {MOST_BEHIND_ROWS + 1})"

_WRITE: Final = f"""INSERT OR REPLACE INTO {TODAY.sessions} ({COLUMNS}, event_id, uuid)
    VALUES ({", ".join("?" * 14)}, ?15, (SELECT session_uuid FROM main.events_today WHERE id = ?15))"""
_END: Final = f"""UPDATE {TODAY.sessions} SET logoff = ?, disconnected = ?, ended_by = ?, since = ?, until = ?
    WHERE key = ?"""
_ROWS: Final = "json_each(?1) j CROSS JOIN main.events_today e ON e.id = j.value"
_KNOWN: Final = f"""SELECT e.id, s.key, s.micros, s.connected, s.logoff FROM {_ROWS}
    CROSS JOIN {TODAY.sessions} s ON s.uuid = e.session_uuid WHERE s.ended_by = {OPEN}
    OR (s.ended_by < {ORPHAN} AND (s.key >> 30) * {US} + s.micros + s.logoff >= ?2)"""
_BEGUN: Final = f"""SELECT e.id FROM {_ROWS} WHERE EXISTS
    (SELECT 1 FROM {TODAY.sessions} s WHERE s.uuid = e.session_uuid AND s.ended_by < {ORPHAN})"""
_REMOVE_ORPHANS: Final = f"""DELETE FROM {TODAY.sessions} WHERE ended_by = {ORPHAN}
    AND uuid IN (SELECT e.session_uuid FROM {_ROWS})"""
_REPORT: Final = f"INSERT OR REPLACE INTO {TODAY.inventory} (host, key, event_id) VALUES (?, ?, ?)"

_NOTE_EVENT: Final = f"INSERT OR REPLACE INTO {EVENTS} (id, user, host) VALUES (?, ?, ?)"

_LAST_MOVED: Final = "SELECT ifnull(max(today_id + count) - 1, 0) FROM main.winlogd_runs"
_LAST_OF_PIECE: Final = f"""SELECT id FROM {EVENTS} WHERE id > ? AND id <= ?
    ORDER BY id LIMIT 1 OFFSET {PIECE_ROWS - 1}"""
_IS_GONE: Final = "NOT EXISTS (SELECT 1 FROM main.events_today e WHERE e.id = event_id)"
_FORGET: Final = f"DELETE FROM {TODAY.sessions} WHERE event_id > ? AND event_id <= ? AND {_IS_GONE}"
_FORGET_EVENTS: Final = f"""DELETE FROM {EVENTS} WHERE id > ? AND id <= ?
    AND NOT EXISTS (SELECT 1 FROM main.events_today e WHERE e.id = {EVENTS}.id)"""
_FORGET_REPORTS: Final = f"DELETE FROM {TODAY.inventory} WHERE event_id <= ? AND {_IS_GONE}"


class _Progress(NamedTuple):
    """The row of ``today_progress``."""

    read: int
    moved: int
    seen: int
    deletions: int


class _Known(NamedTuple):
    """A session in the tables, as far as its end depends on it. `logoff_id` is the id of a new logoff of it."""

    logoff_id: int
    key: int
    micros: int
    connected: int | None
    logoff: int | None


class Tail:
    """The temporary tables of one connection.

    Args:
        connection: a reader's connection. The tables are dropped with it.

    Raises:
        apsw.Error: SQLite's own. The connection must be closed.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: "apsw.Connection") -> None:
        self._connection = connection
        for statement in _TABLES:
            connection.execute(statement)

    def behind(self) -> int:
        """Return how many rows of ``events_today`` are not in the tables yet; at most one over `MOST_BEHIND_ROWS`.

        Raises:
            apsw.Error: SQLite's own.
        """
        progress = self._progress()
        is_sound = number(self._connection, TODAY_DELETIONS) == progress.deletions
        found = self._connection.execute(_BEHIND, (progress.read if is_sound else 0,)).fetchone()
        return cast("int", found[0])  # type: ignore[index]  # always one row

    def catch_up(self, most: int = PIECE_ROWS) -> bool:
        """Read the next rows of ``events_today``, inside a transaction that the caller has begun.

        Args:
            most: at most so many rows.

        Returns:
            True if more rows are left.

        Raises:
            apsw.Error: SQLite's own. The caller rolls back.
        """
        before = self._progress()
        after = self._forget_moved(self._forget_deleted(before))
        events = events_after(self._connection, after.read, most)
        if events:
            self._take(events)
            after = after._replace(read=events[-1].event_id)
        if after != before:
            self._connection.execute(_NOTE_PROGRESS, after)
        return len(events) == most

    def _progress(self) -> _Progress:
        return _Progress(*self._connection.execute(_PROGRESS).fetchone())  # type: ignore[misc]  # always one row

    def _forget_deleted(self, progress: _Progress) -> _Progress:
        """Begin again if another program has deleted rows: each may have been a logoff, or a logon that had one."""
        deletions = number(self._connection, TODAY_DELETIONS)
        if deletions == progress.deletions:
            return progress
        for table in _FILLED:
            self._connection.execute(f"DELETE FROM {table}")
        return progress._replace(read=0, deletions=deletions)

    def _forget_moved(self, progress: _Progress) -> _Progress:
        """Remove some rows that have moved to the archive, which no question sees: they would take memory for ever."""
        connection = self._connection
        moved = cast("int", connection.execute(_LAST_MOVED).fetchone()[0])  # type: ignore[index]  # always one row
        if moved > progress.moved:
            progress = progress._replace(moved=moved, seen=0)
        if progress.seen == progress.moved:
            return progress
        found = connection.execute(_LAST_OF_PIECE, (progress.seen, progress.moved)).fetchone()
        seen = progress.moved if found is None else cast("int", found[0])
        connection.execute(_FORGET, (progress.seen, seen))
        connection.execute(_FORGET_EVENTS, (progress.seen, seen))
        if seen == progress.moved:
            connection.execute(_FORGET_REPORTS, (seen,))
        return progress._replace(seen=seen)

    def _take(self, events: Sequence[PastEvent]) -> None:
        logons = [event for event in events if event.action == "C"]
        logoffs = [event for event in events if event.action == "D"]
        sharing: dict[str | bytes, list[PastEvent]] = {}
        for event in logoffs:
            if event.identity is not None:
                sharing.setdefault(event.identity, []).append(event)
        firsts = {each[0].event_id: each for each in sharing.values()}
        self._connection.execute(_REMOVE_ORPHANS, (json_list(event.event_id for event in logons),))
        self._connection.executemany(_END, _ends(self._known(firsts), firsts))
        begun = {event.identity for event in logons} | self._begun_before(firsts)
        orphans = [event for event in logoffs if event.identity is None or event.identity not in begun]
        ended = [*self._begun(logons), *((event, orphan_from(event)) for event in orphans)]
        self._write(ended, events)

    def _known(self, firsts: Mapping[int, Sequence[PastEvent]]) -> list[_Known]:
        """Return the sessions in the tables that new logoffs may end: those that are open, or ended later.

        Args:
            firsts: the new logoffs that share an identifier, by the id of the first of them.
        """
        if not firsts:
            return []
        first_second = min(event.received_us for each in firsts.values() for event in each) // US
        rows = self._connection.execute(_KNOWN, (json_list(firsts), (first_second + 1) * US))
        return [_Known(*row) for row in cast("Iterable[tuple[Any, ...]]", rows)]

    def _begun(self, logons: Sequence[PastEvent]) -> Iterator[tuple[PastEvent, Session]]:
        """Return the sessions of new logons. A logoff may have come before: another program may have moved rows."""
        logoffs = logoffs_of(self._connection, [event.event_id for event in logons], are_of_today=True)
        for event in logons:
            candidates = logoffs.get(event.event_id)
            logoff = None
            if candidates:
                logoff = first_logoff(event.event_id, event.received_us, candidates, is_of_today=True)
            yield event, open_session_from(event) if logoff is None else session_from(event, logoff)

    def _begun_before(self, firsts: Mapping[int, Sequence[PastEvent]]) -> "set[str | bytes | None]":
        """Return the identifiers of new logoffs whose logon is in the tables, or has moved to the archive."""
        ids = begun_before(self._connection, [*firsts], are_of_today=True)
        ids.update(cast("int", row[0]) for row in self._connection.execute(_BEGUN, (json_list(firsts),)))
        return {firsts[event_id][0].identity for event_id in ids}

    def _write(self, sessions: Sequence[tuple[PastEvent, Session]], events: Sequence[PastEvent]) -> None:
        """Write sessions and inventories, and the names of all events: a question about events looks for them, too."""
        names = Names(self._connection, TODAY.names)
        prepare(names, events)
        rows = [(*row_of(session, names), event.event_id) for event, session in sessions]
        self._connection.executemany(_WRITE, rows)
        number = names.number
        self._connection.executemany(
            _REPORT,
            [(number(HOST, event.hostname), event.key, event.event_id) for event in events if event.action == "M"],
        )
        self._connection.executemany(
            _NOTE_EVENT,
            [(event.event_id, number(USER, event.username), number(HOST, event.hostname)) for event in events],
        )


def _ends(known: Sequence[_Known], firsts: Mapping[int, Sequence[PastEvent]]) -> Iterator[tuple[int | None, ...]]:
    """Return the values of `_END` for those sessions in the tables that new logoffs have ended.

    An earlier logoff stays, unless a new one was received in an earlier second (`take_in.first_logoff`).
    """
    for each in known:
        received_us = second_of(each.key) * US + each.micros
        logoff = min(firsts[each.logoff_id], key=lambda event: event.received_us // US)
        if each.logoff is not None and (received_us + each.logoff) // US <= logoff.received_us // US:
            continue
        connected_us = received_us + (each.connected or 0)
        end = end_of(received_us, connected_us, logoff.ending, logoff.received_us, logoff.sent_us)
        yield (*end, each.key)
