"""GET /api/v1/sessions/current: list the open sessions, from memory.

To sort and encode thousands of sessions takes longer than the event loop may stand still. So a thread of its own does
that, on a copy of immutable values, and in small pieces: a call into C holds Python's global lock until it returns, and
the event loop waits for the lock.

One listing is made at a time. All requests with the same filters that come meanwhile share the next listing, so that
many requests cost no more than one. A listing is made after its requests have come, so that it is never older.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import orjson

from winlogd.events.timestamps import instant
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Refusal
from winlogd.http.wire.message import Body, Head, Response
from winlogd.sessions.book import Book
from winlogd.sessions.pair import OpenSession
from winlogd.store.store import Store

if TYPE_CHECKING:  # types only
    from winlogd.api.current_filter import Wanted
    from winlogd.store.read.filters import Site
    from winlogd.store.read.reader import Reader

_FAILED: Final = Response(500, b'{"error":"Internal server error"}')
_ANSWERS_IN_A_TURN: Final = 16
"""Send this many answers, then let the event loop go on. Of each some 256 KiB are written at once.

Between turns the octets that peers have read are freed, and connections that exceed the memory limit end."""
_MOST_GONE: Final = 1000
"""The waiting requests may include this many whose peers have gone, and as many again as peers still wait."""
_PIECE_SESSIONS: Final = 500
"""Sort and encode about this many sessions in one call: 0.5 ms. One call for 300,000 took half a second."""
_SESSIONS_PER_SAMPLE: Final = 100
"""Take one session of this many as a sample. Every fifth sample in order is a cut between two pieces."""
_MAX_SAMPLES: Final = 4096
_STRIDE: Final = 2_654_435_761
"""The distance between two samples: a prime number, near the golden section of 2**32.

Steps of this length reach all parts of a list, and follow no regular pattern in it."""
_OWN_PAGES_BYTES: Final = 1 << 20
"""A listing of this size or more gets pages of its own."""
_UNAVAILABLE: Final = Response(503, b'{"error":"Service unavailable"}', (("Retry-After", "1"),))


class CurrentSessions:
    """The endpoint.

    Args:
        loop: the event loop that sends the answers.
        store: knows the open sessions.
        site: returns what is known of the site.
        reader: knows the machines of the past, for a room in which nobody is.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, store: Store[Exchange], site: "Callable[[], Site]", reader: "Reader"
    ) -> None:
        self._loop = loop
        self._store = store
        self._site = site
        self._reader = reader
        self._asking: dict[Wanted | None, list[Exchange]] = {}
        self._look_at = _MOST_GONE
        self._is_busy = False

    def handler_for(self, head: Head) -> Handler:
        """Return the handler for requests with `head`. A query without a filter changes nothing."""
        if not head.query:
            return self._respond
        from winlogd.api.current_filter import wanted_in  # loaded with the first query
        from winlogd.api.questions import invalid
        from winlogd.http.wire.parameters import ParameterError

        try:
            wanted = wanted_in(head.query)
        except ParameterError as fault:
            return Refusal(invalid(fault))
        if not any(wanted):
            return self._respond
        return lambda exchange, body: self._ask(exchange, wanted)

    def _respond(self, exchange: Exchange, body: bytes) -> None:
        self._ask(exchange, None)

    def _ask(self, exchange: Exchange, wanted: "Wanted | None") -> None:
        self._asking.setdefault(wanted, []).append(exchange)
        if sum(map(len, self._asking.values())) > self._look_at:
            self._forget_closed()
        if not self._is_busy:
            self._is_busy = True
            self._store.with_book(self._list)

    def _forget_closed(self) -> None:
        """Forget the requests whose peers have gone: while the database cannot be opened, their number has no bound."""
        left = {key: [exchange for exchange in asking if exchange.is_open] for key, asking in self._asking.items()}
        self._asking = {key: asking for key, asking in left.items() if asking}
        self._look_at = 2 * sum(map(len, self._asking.values())) + _MOST_GONE

    def _list(self, book: Book | None) -> None:
        wanted = next(iter(self._asking), None)
        asking = self._asking.pop(wanted, [])
        if book is None:
            self._answer(asking, _UNAVAILABLE)
            return
        try:
            if wanted is None:
                listing = self._loop.run_in_executor(None, as_json, book)
            else:
                listing = self._loop.run_in_executor(None, filtered_json, book, wanted, self._site())
        except Exception:  # no thread can be started, for example: the next requests must not wait for this one
            self._answer(asking, _FAILED)
            raise
        listing.add_done_callback(partial(self._listed, asking, wanted))

    def _listed(self, asking: list[Exchange], wanted: "Wanted | None", listing: asyncio.Future[Body]) -> None:
        fault = listing.exception()
        if fault is None:
            self._answer(asking, Response(200, listing.result()))
        elif wanted is not None and wanted.room is not None and _is_unknown_room(fault):
            self._go_on()
            self._ask_for_room(asking, wanted.room)
        else:
            self._answer(asking, _FAILED)
            raise fault  # for the log

    def _ask_for_room(self, asking: list[Exchange], room: str) -> None:
        from winlogd.api.current_filter import ask_for_room

        for exchange in asking:
            ask_for_room(self._reader, self._site(), room, exchange)

    def _answer(self, asking: list[Exchange], response: Response) -> None:
        """Answer some requests now, and the rest after all connections had their turn."""
        for exchange in asking[:_ANSWERS_IN_A_TURN]:
            exchange.respond(response)
        rest = asking[_ANSWERS_IN_A_TURN:]
        if rest:
            self._loop.call_soon(self._answer, rest, response)
            return
        self._go_on()

    def _go_on(self) -> None:
        """Make the next listing, if somebody asks for one."""
        self._is_busy = bool(self._asking)
        if self._is_busy:
            self._store.with_book(self._list)


def as_json(book: Book) -> Body:
    """Return the open sessions as a JSON array.

    They are ordered by hostname (sessions without one first), then by time of logon.
    """
    return _json_of(list(book.open_sessions()))


def filtered_json(book: Book, wanted: "Wanted", site: "Site") -> Body:
    """Return the open sessions that pass the filters, in the form and order of `as_json`.

    Raises:
        UnknownRoomError: see `current_filter.keeps`.
    """
    from winlogd.api.current_filter import keeps

    sessions = list(book.open_sessions())
    keep: Callable[[OpenSession], bool] = keeps(wanted, site, sessions)
    return _json_of([session for session in sessions if keep(session)])


def _is_unknown_room(fault: BaseException) -> bool:
    from winlogd.api.current_filter import UnknownRoomError

    return isinstance(fault, UnknownRoomError)


def _json_of(sessions: list[OpenSession]) -> Body:
    return _as_array([orjson.dumps([_fields(session) for session in piece])[1:-1] for piece in _in_order(sessions)])


def _as_array(pieces: list[bytes]) -> Body:
    """Join the elements of a JSON array.

    A large array gets pages of its own, which go back to the system after the last answer. In the heap of the C
    library, listings of many sizes leave holes: with 64 MiB of listings in use, the heap had 110 MiB.
    """
    octets = sum(map(len, pieces)) + max(len(pieces) - 1, 0) + 2
    if octets < _OWN_PAGES_BYTES:
        return b"[%b]" % b",".join(pieces)
    from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

    pages = mmap(-1, octets, MAP_PRIVATE | MAP_ANONYMOUS)
    before = b"["
    for piece in pieces:
        pages.write(before + piece)
        before = b","
    pages.write(b"]")
    return memoryview(pages).toreadonly()


def _in_order(sessions: list[OpenSession]) -> Iterator[list[OpenSession]]:
    """Yield the sessions in order, in pieces: cut the range of keys at samples, and sort each part by itself.

    A part has numbers instead of sessions, and no keys are kept: else the garbage collector would look at all of them.
    """
    from array import array

    number = len(sessions)
    sample = [sessions[i * _STRIDE % number] for i in range(min(number // _SESSIONS_PER_SAMPLE, _MAX_SAMPLES))]
    step = _PIECE_SESSIONS // _SESSIONS_PER_SAMPLE
    cuts = sorted(map(_order, sample))[step::step]
    parts = [array("L") for _ in range(len(cuts) + 1)]
    for i, session in enumerate(sessions):
        parts[bisect_left(cuts, _order(session))].append(i)
    for part in parts:
        if part:
            yield sorted([sessions[i] for i in part], key=_order)


def _order(session: OpenSession) -> tuple[str, str, int]:
    return session.hostname or "", instant(session.connected_at), session.event_id


def _fields(session: OpenSession) -> dict[str, str | None]:
    return {
        "username": session.username,
        "hostname": session.hostname,
        "connected_at": session.connected_at,
        "session_uuid": session.session_uuid,
        "source_ip": session.source_ip,
        "os_name": session.system.name,
        "os_version": session.system.version,
    }
