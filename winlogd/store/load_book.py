"""Fills a Book from ``events_today``, and keeps it true when another program writes there.

Knows the table and the Book; not threads, transactions or when it is called.
"""

from collections.abc import Iterable
from typing import Final, cast

import apsw
import orjson

from winlogd.events.timestamps import utc_text
from winlogd.sessions.book import Book
from winlogd.sessions.pair import ACTIONS, Decision, OpenSession, PairKey
from winlogd.store.file.columns import HOST, as_bytes, text

REMEMBERED_S: Final = 600
"""How long an event is remembered for the sake of retries, across a restart too."""

_OPEN_COLUMNS: Final = as_bytes(
    "session_uuid", "timestamp", "username", "hostname", "source_ip", "os_name", "os_version"
)
_OPEN: Final = f"""SELECT id, {_OPEN_COLUMNS} FROM events_today c
    WHERE id > ? AND action = 'C' AND session_uuid IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')
    ORDER BY id"""
_LATEST: Final = f"""SELECT {as_bytes("username", HOST, "action", "timestamp", "session_uuid")}, max(id)
    FROM events_today WHERE id > ? AND origin = 'client' GROUP BY username, {HOST}, action"""
"""The bare columns are those of the row with the greatest id (lang_select.html §2.5)."""
_LOGOFFS: Final = f"SELECT {as_bytes('session_uuid')} FROM events_today WHERE action = 'D' AND session_uuid IS NOT NULL"
_NEW_LOGOFFS: Final = f"SELECT {as_bytes('session_uuid')} FROM events_today WHERE id > ? AND action = 'D'"
_NEWEST_FIRST: Final = f"""SELECT id, {as_bytes("username", HOST, "action", "timestamp", "server_timestamp")}
    FROM events_today WHERE origin = 'client' ORDER BY id DESC"""
_STORED: Final = f"""SELECT {as_bytes("username", HOST, "action", "timestamp", "session_uuid")}
    FROM events_today WHERE id = ? AND origin = 'client'"""
_ARCHIVED: Final = f"""SELECT {as_bytes("session_uuid")} FROM events_history
    WHERE timestamp = ? AND +username = ? AND {HOST} = ? AND action = ? AND origin = 'client'
    ORDER BY id DESC LIMIT 1"""
"""By the index on timestamps: a user may have thousands of rows there."""
_STILL_THERE: Final = "SELECT id FROM events_today WHERE id IN (SELECT value FROM json_each(?))"
_LAST_ID: Final = """SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events_today'), 0),
    ifnull((SELECT max(id) FROM events_today), 0))"""


def load(connection: apsw.Connection, book: Book, now_s: float) -> None:
    """Fills the empty `book` from the database; `now_s` is the wall clock, in seconds since 1970."""
    _observe(connection, book, 0)
    for (session_uuid,) in connection.execute(_LOGOFFS):
        book.identifiers.mark(text(session_uuid))
    _load_recent(connection, book, now_s)
    book.last_id = last_id(connection)


def refresh(connection: apsw.Connection, book: Book) -> None:
    """Brings `book` up to date after another program has committed.

    Rows with higher ids are taken in; sessions and events whose rows are gone are forgotten. A changed row, and a
    logoff that was deleted by hand, are noticed at the next start only.
    """
    logoffs = {text(session_uuid) for (session_uuid,) in connection.execute(_NEW_LOGOFFS, (book.last_id,))}
    there = _still_there(connection, book)
    book.forget_open(lambda session: session.session_uuid in logoffs or session.event_id not in there)
    book.forget_stored(lambda stored: stored.event_id not in there)
    _observe(connection, book, book.last_id)
    book.last_id = max(book.last_id, last_id(connection))


def read_stored(
    connection: apsw.Connection, event_id: int, key: PairKey, action: str, timestamp: str
) -> Decision | None:
    """The event `event_id`, if it is the one of this pair, action and timestamp.

    A rotation may have moved it, if the clock was ahead; the id is not kept in the archive.
    """
    for row in connection.execute(_STORED, (event_id,)):
        *stored_as, session_uuid = map(text, row)
        return Decision(timestamp, event_id, session_uuid) if stored_as == [*key, action, timestamp] else None
    for (archived_uuid,) in connection.execute(_ARCHIVED, (timestamp, *key, action)):
        return Decision(timestamp, event_id, text(archived_uuid))
    return None


def _observe(connection: apsw.Connection, book: Book, after_id: int) -> None:
    for event_id, *row in connection.execute(_OPEN, (after_id,)):
        uuid, timestamp, username, *rest = (None if value is None else text(value) for value in row)
        session = OpenSession(cast("int", event_id), uuid or "", timestamp or "", username or "", *rest)
        book.observe_open(session)
        book.identifiers.mark(session.session_uuid)
    for *row, event_id in connection.execute(_LATEST, (after_id,)):
        username, host, action, timestamp, session_uuid = map(text, row)
        stored = Decision(timestamp, cast("int", event_id), session_uuid)
        book.observe_latest((username, host), action, stored)


def _load_recent(connection: apsw.Connection, book: Book, now_s: float) -> None:
    since = utc_text(now_s - REMEMBERED_S)
    newest: list[tuple[PairKey, str, str, int]] = []
    for event_id, *row in connection.execute(_NEWEST_FIRST):
        username, host, action, timestamp, received = map(text, row)
        if received and received.replace(" ", "T") < since:  # a space in CURRENT_TIMESTAMP's form
            break
        newest.append(((username, host), action, timestamp, cast("int", event_id)))
    book.observe_recent(reversed(newest))


def _still_there(connection: apsw.Connection, book: Book) -> set[int]:
    ids: Iterable[int] = {
        entry.event_id
        for pair in book.pairs.values()
        for entry in (*pair.open, *(pair.of(action).stored for action in ACTIONS))
        if entry is not None
    }
    rows = connection.execute(_STILL_THERE, (orjson.dumps(list(ids)).decode(),))
    return {cast("int", event_id) for (event_id,) in rows}


def last_id(connection: apsw.Connection) -> int:
    """Return the highest id that a row of ``events_today`` has or had."""
    return cast("int", connection.execute(_LAST_ID).fetchone()[0])  # type: ignore[index]  # max() gives one row
