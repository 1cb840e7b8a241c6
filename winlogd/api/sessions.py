"""GET /api/v1/sessions/current: who is where, from memory.

Sorting and writing thousands of sessions takes longer than the event loop may stand still, so that happens on a
thread of its own, on a copy of immutable values.
"""

import asyncio
from functools import partial
from typing import Final

import orjson

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.message import Head, Response
from winlogd.session import Book, OpenSession
from winlogd.store.store import Store
from winlogd.timestamps import instant

_FAILED: Final = Response(500, b'{"error":"Internal server error"}')
_UNAVAILABLE: Final = Response(503, b'{"error":"Service unavailable"}', (("Retry-After", "1"),))


class CurrentSessions:
    """The endpoint.

    Args:
        loop: the event loop that answers are sent on.
        store: knows the open sessions.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store[Exchange]) -> None:
        self._loop = loop
        self._store = store

    def bind(self, head: Head) -> Handler:
        """What handles requests with `head`: any will do."""
        return self._respond

    def _respond(self, exchange: Exchange, body: bytes) -> None:
        self._store.with_book(partial(self._respond_from, exchange))

    def _respond_from(self, exchange: Exchange, book: Book | None) -> None:
        if book is None:
            exchange.respond(_UNAVAILABLE)
            return
        listing = self._loop.run_in_executor(None, as_json, book)
        listing.add_done_callback(partial(_answer, exchange))


def _answer(exchange: Exchange, listing: asyncio.Future[bytes]) -> None:
    if listing.exception() is not None:
        exchange.respond(_FAILED)
    exchange.respond(Response(200, listing.result()))  # raises here what went wrong, for the log


def as_json(book: Book) -> bytes:
    """The open sessions as a JSON array, ordered by hostname (those without one first), then time of logon."""
    sessions = sorted(book.open_sessions(), key=_order)
    return orjson.dumps([_fields(session) for session in sessions])


def _order(session: OpenSession) -> tuple[str, str, int]:
    return session.hostname or "", instant(session.connected_at), session.event_id


def _fields(session: OpenSession) -> dict[str, str | None]:
    return {
        "username": session.username,
        "hostname": session.hostname,
        "connected_at": session.connected_at,
        "session_uuid": session.session_uuid,
        "source_ip": session.source_ip,
        "os_name": session.os_name,
        "os_version": session.os_version,
    }
