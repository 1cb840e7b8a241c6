"""Counts what has happened in a span, and which sessions are open now. It names nobody.

The span goes by the times of receipt as text. A receipt that an older server has written in another form than RFC 3339
may be counted on the wrong side of the span's ends. This file must not know who asks.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.events.timestamps import microseconds_text
from winlogd.sessions.session import US
from winlogd.store.read.event_ids import Table, received_between
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.sessions import FIRST_PAGE, find_sessions

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_MARGIN_US: Final = 3_600 * US
"""Rows whose id is an hour away from its neighbours in time are still counted."""
_SESSIONS_A_PAGE: Final = 1_000
_COUNT: Final = """SELECT action, origin, count(*) FROM main.{} NOT INDEXED
    WHERE id BETWEEN ? AND ? AND server_timestamp >= ? AND server_timestamp < ? GROUP BY action, origin"""
_TABLES: Final[tuple[Table, ...]] = ("events_today", "events_history")


class Activity(NamedTuple):
    """What has happened in a span.

    Attributes:
        logons: the events C of clients.
        logoffs: the events D of clients.
        inventories: the events M of clients.
        closed: the sessions that winlogd has ended: at the next logon, or because they were open for too long.
    """

    logons: int
    logoffs: int
    inventories: int
    closed: int


class OpenNow(NamedTuple):
    """The open sessions.

    Attributes:
        sessions: how many there are.
        doubtful: how many of them are doubtful.
        oldest_us: when the logon of the oldest was received, in microseconds since 1970; None if there is none.
    """

    sessions: int
    doubtful: int
    oldest_us: int | None


def find_activity(access: "Access", from_us: int, to_us: int) -> Activity:
    """Return what was received from one moment on until just before another, in microseconds since 1970.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    counts: dict[str, int] = {}
    texts = microseconds_text(from_us), microseconds_text(to_us)
    with access.snapshot() as connection:
        for table in _TABLES:
            ids = received_between(connection, table, from_us, to_us, _MARGIN_US)
            for action, origin, count in connection.execute(_COUNT.format(table), (*ids, *texts)):
                kind = cast("str", action if origin == "client" else origin)
                counts[kind] = counts.get(kind, 0) + cast("int", count)
    closed = counts.get("auto", 0) + counts.get("expired", 0)
    return Activity(counts.get("C", 0), counts.get("D", 0), counts.get("M", 0), closed)


def find_open(access: "Access", site: Site, now_us: int) -> OpenNow:
    """Return the counts of the open sessions at `now_us`, the wall clock in microseconds since 1970.

    Raises:
        PastChangedError: the past has changed during the question.
        QuestionTooLongError, QuestionRefusedError, apsw.Error: as `find_activity`.
    """
    sessions = doubtful = 0
    oldest_us: int | None = None
    key: int | None = FIRST_PAGE
    while key is not None:
        page = find_sessions(access, Filters(state="open"), site, now_us, _SESSIONS_A_PAGE, key)
        sessions += len(page.found)
        doubtful += sum(each.certainty == "doubtful" for each in page.found)
        if page.found:
            oldest_us = page.found[-1].session.received_us
        key = page.next_key
    return OpenNow(sessions, doubtful, oldest_us)
