"""Fills a Book from ``events_today``, and updates it when another program has written there.

This file must not know threads, or when it is called: the writer's thread and a command without a server both use it.
"""

import gc
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

import apsw
import orjson

from winlogd.events.timestamps import utc_text
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import OPPOSITES, Decision, OpenSession, PairKey, pair_key, username_of
from winlogd.sessions.retries import RecentEvents
from winlogd.store.file.columns import HOST, as_bytes, text
from winlogd.store.past import runs

if TYPE_CHECKING:  # types only
    from winlogd.store.file.database import Database
    from winlogd.store.recheck import Recheck

REMEMBERED_S: Final = 600
"""How long an event is remembered to recognise a retry, also across a restart."""
_MANY_PAIRS: Final = 20_000
"""With fewer pairs there is little to give back: some 200 bytes each."""
_NO_ID: Final = 2**63 - 1
"""No row has a higher id."""

_OPEN_COLUMNS: Final = as_bytes(
    "session_uuid", "timestamp", "username", "hostname", "source_ip", "os_name", "os_version"
)
_OPEN: Final = f"""SELECT id,
        EXISTS (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D'), {_OPEN_COLUMNS}
    FROM events_today c
    WHERE id > ? AND action = 'C' AND session_uuid IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D' AND d.id > c.id)
    ORDER BY id"""
"""Logons that no logoff followed. The second column is true if an earlier logoff has the same identifier: somebody
used the identifier again, and the logon counts as ended."""
_LATEST: Final = f"""SELECT {as_bytes("username", HOST, "action", "timestamp", "session_uuid")}, max(id)
    FROM events_today WHERE id > ? AND origin = 'client' GROUP BY username, {HOST}, action"""
"""The columns outside max() are those of the row with the greatest id (lang_select.html §2.5). SQL cannot fold names:
each spelling is a group of its own, and a pair may have several."""
_NEW_WHOLE_SECONDS: Final = f"""SELECT {as_bytes("username", HOST, "action", "timestamp")}, id FROM events_today
    WHERE id > ? AND origin = 'client' AND action IN ('C', 'D') AND instr(timestamp, '.') = 0"""
_WHOLE_SECONDS: Final = f"""{_NEW_WHOLE_SECONDS} AND (lower(username) || ' ' || action || timestamp IN
    (SELECT value FROM json_each(?)) OR length(username) <> octet_length(username))"""
"""Find the few rows of a million that Python has to look at. SQL folds ASCII names; rows with other names all pass."""
_LOGOFFS: Final = f"SELECT {as_bytes('session_uuid')} FROM events_today WHERE action = 'D' AND session_uuid IS NOT NULL"
_NEW_LOGOFFS: Final = f"SELECT {as_bytes('session_uuid')} FROM events_today WHERE id > ? AND action = 'D'"
_RECEIVED: Final = "replace(server_timestamp, ' ', 'T')"
"""SQL for the time of receipt. An administrator's row has CURRENT_TIMESTAMP, with a space instead of T."""
_FIRST_RECENT: Final = f"""SELECT min(id) FILTER (WHERE received <= ?2), min(id) FROM
    (SELECT id, {_RECEIVED} AS received FROM events_today) WHERE received >= ?1"""
_RECENT: Final = f"""SELECT id, {as_bytes("username", HOST, "action", "timestamp")} FROM events_today
    WHERE id >= ?1 AND origin = 'client' AND (id >= ?2 OR {_RECEIVED} > ?3) ORDER BY id"""
_STORED: Final = f"""SELECT {as_bytes("username", HOST, "action", "timestamp", "session_uuid")}
    FROM events_today WHERE id = ? AND origin = 'client'"""
_ARCHIVED: Final = f"""SELECT {as_bytes("username", HOST, "action", "timestamp", "session_uuid")}
    FROM events_history WHERE id = ? AND origin = 'client'"""
_LOGOFF: Final = "SELECT 1 FROM events_today WHERE session_uuid = ? AND action = 'D' LIMIT 1"
_LAST_ID: Final = """SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events_today'), 0),
    ifnull((SELECT max(id) FROM events_today), 0))"""


def load_whole(connection: apsw.Connection) -> Book:
    """Return a new Book of all that is committed now, read in one transaction.

    A later commit of another program is not in the Book: `begin` adds it.

    Raises:
        apsw.Error: SQLite's own.
    """
    book = Book(RecentEvents(time.monotonic()), Identifiers())
    with connection:
        load(connection, book, time.time())
    return book


def begin(database: "Database", book: Book, recheck: "Recheck") -> None:
    """Begin a write transaction, and add the rows that other programs have committed since the last one to `book`.

    If another program has committed, `recheck` is due afterwards: it finds the rows that are gone.

    Raises:
        apsw.Error: SQLite's own.
    """
    if database.begin():
        refresh(database.connection, book)
        recheck.begin()
        database.note_changes()


def load(connection: apsw.Connection, book: Book, now_s: float) -> None:
    """Fill the empty `book` from the database; `now_s` is the wall clock, in seconds since 1970.

    The garbage collector is off meanwhile, and never looks at the loaded objects later. It would find no garbage, and
    would take 0.5 of 1.2 s for 100 000 open sessions.

    Raises:
        apsw.Error: SQLite's own.
    """
    with _without_collector():
        _load(connection, book, now_s)
    if len(book.pairs) >= _MANY_PAIRS:
        _give_memory_back(connection)


def _give_memory_back(connection: apsw.Connection) -> None:
    """Give the memory back that the load needed for sorting, and that the C library keeps.

    With 300 000 open sessions the server has 583 bytes of memory for each afterwards, instead of some 800
    (`python -m bench.open_sessions`). Only GNU's C library has malloc_trim(3).
    """
    import ctypes  # only large sites need it

    connection.execute("PRAGMA shrink_memory")
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _load(connection: apsw.Connection, book: Book, now_s: float) -> None:
    _observe(connection, book, 0)
    wanted = list(_whole_seconds_wanted(book))
    if wanted:
        _observe_whole_seconds(book, connection.execute(_WHOLE_SECONDS, (0, orjson.dumps(wanted).decode())))
    for (session_uuid,) in connection.execute(_LOGOFFS, can_cache=False):
        book.identifiers.mark(text(session_uuid))
    _load_recent(connection, book, now_s)
    book.last_id = last_id(connection)


def refresh(connection: apsw.Connection, book: Book) -> None:
    """Add the rows that another program has written to `book`: those with higher ids.

    `recheck` finds the rows that are gone. A changed row, and a logoff that was deleted by hand, are noticed only at
    the next start.

    Raises:
        apsw.Error: SQLite's own.
    """
    for (session_uuid,) in connection.execute(_NEW_LOGOFFS, (book.last_id,)):
        book.close_whoever_has(text(session_uuid))
    _observe(connection, book, book.last_id)
    _observe_whole_seconds(book, connection.execute(_NEW_WHOLE_SECONDS, (book.last_id,)))
    book.last_id = max(book.last_id, last_id(connection))
    if (changes := book.changes) is not None:
        changes.note(())


def take_in(connection: apsw.Connection, book: Book, stored: Mapping[int, Decision]) -> None:
    """Take in winlogd's own rows like another program's, because that program's trigger has added some to them.

    Args:
        connection: the database; the rows are committed.
        book: knows nothing of them yet.
        stored: winlogd's own events among them, by fingerprint.
    """
    refresh(connection, book)
    book.recent.extend(stored, [each.event_id for each in stored.values()])


def read_stored(
    connection: apsw.Connection, event_id: int, key: PairKey, action: str, timestamp: str
) -> Decision | None:
    """Return the stored event `event_id` if it has this pair, action and timestamp; otherwise None.

    A rotation may have moved the event if the clock was ahead. Then it is searched in the archive.

    Raises:
        apsw.Error: SQLite's own.
    """
    row = connection.execute(_STORED, (event_id,)).fetchone()
    if row is None and (history_id := runs.history_id_of(connection, event_id)) is not None:
        row = connection.execute(_ARCHIVED, (history_id,)).fetchone()
    if row is None:
        return None
    username, host, *stored_as, session_uuid = map(text, row)
    is_it = stored_as == [action, timestamp] and pair_key(username, host) == key
    return Decision(timestamp, event_id, session_uuid) if is_it else None


def _observe(connection: apsw.Connection, book: Book, after_id: int) -> None:
    """Add open sessions and latest events to `book`, from rows with higher ids than `after_id`."""
    for event_id, is_ended, *row in connection.execute(_OPEN, (after_id,)):
        uuid, timestamp, username, hostname, source_ip, *of_system = row
        system = book.system_of(*map(_optional, of_system))
        session = OpenSession(
            cast("int", event_id), text(uuid), text(timestamp), text(username), _optional(hostname),
            _optional(source_ip), system,
        )  # fmt: skip
        if is_ended:
            book.observe_reused(session)
        else:
            book.observe_open(session)
        book.identifiers.mark(session.session_uuid)
    for *row, event_id in connection.execute(_LATEST, (after_id,)):
        username, host, action, timestamp, session_uuid = map(text, row)
        stored = Decision(timestamp, cast("int", event_id), session_uuid)
        book.observe_latest(pair_key(username, host), action, stored)


def _optional(value: object) -> str | None:
    return None if value is None else text(value)


def _observe_whole_seconds(book: Book, rows: Iterable[tuple[object, ...]]) -> None:
    """Note the latest events that cannot be retried any more, because of the opposite events in `rows`."""
    for *row, event_id in rows:
        username, host, action, timestamp = map(text, row)
        book.observe_whole_second(pair_key(username, host), action, timestamp, cast("int", event_id))


def _whole_seconds_wanted(book: Book) -> Iterator[str]:
    """Return the opposite events that would end the retries of the latest ones, in the form of `_WHOLE_SECONDS`."""
    for key, pair in book.pairs.items():
        for action, opposite in OPPOSITES.items():
            latest, other = pair.of(action).stored, pair.of(opposite).stored
            if latest is None or other is None or other.event_id < latest.event_id:
                continue
            if "." not in latest.timestamp:
                yield f"{username_of(key)} {opposite}{latest.timestamp}"


def _load_recent(connection: apsw.Connection, book: Book, now_s: float) -> None:
    """Remember, to recognise retries, all events that may have been received in the last ten minutes.

    A time of receipt can be wrong: the clock may have been set, or an administrator may have written the row. The order
    of ids is the order of arrival, whatever the clock did. So an event counts if it arrived after any row that was
    received in the last ten minutes, even if its own time is older. It also counts if its own time is in the future.
    After a clock was set, these may be more than ten minutes of events. A later row never makes them fewer.
    One scan finds the first such row. It reads only the times of receipt.
    """
    since, now = utc_text(now_s - REMEMBERED_S), utc_text(now_s)
    [(first, first_or_future)] = connection.execute(_FIRST_RECENT, (since, now), can_cache=False)
    if first_or_future is None:
        return
    from_id = _NO_ID if first is None else first
    book.observe_recent(_recent_events(connection.execute(_RECENT, (first_or_future, from_id, now), can_cache=False)))


def _recent_events(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[PairKey, str, str, int]]:
    for event_id, *row in rows:
        username, host, action, timestamp = map(text, row)
        yield pair_key(username, host), action, timestamp, cast("int", event_id)


@contextmanager
def _without_collector() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def has_logoff(connection: apsw.Connection, session_uuid: str) -> bool:
    """Return True if ``events_today`` has a logoff with an identifier."""
    return connection.execute(_LOGOFF, (session_uuid,)).fetchone() is not None


def last_id(connection: apsw.Connection) -> int:
    """Return the highest id that a row of ``events_today`` has or had."""
    return cast("int", connection.execute(_LAST_ID).fetchone()[0])  # type: ignore[index]  # max() gives one row
