"""One TCP connection: requests in, answers out, in order, with back-pressure and an orderly end.

Knows bytes, order and time; not what a request means (the router binds it) nor how it is read (the parser).
Its life: reading → the last answer is due → FIN sent, lingering, where what still comes is dropped → closed.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Protocol

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.limits import Limits
from winlogd.http.message import CONTINUE, Head, HttpError, Response
from winlogd.http.parser import HeadCache, RequestParser
from winlogd.http.router import Refusal

_MAX_PIPELINED: Final = 64
"""Requests of one connection that may wait for their answers; with more the socket is not read."""

_SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""They ask for nothing to be done (RFC 9110 §9.2.1), so they are answered while others have to wait for room."""
_MAX_IN_A_TURN: Final = 16
"""Requests of one connection that are handled before all others have had their turn: 256 KiB of pipelined GETs, which
come in one piece, would hold up the event loop for 50 ms."""

_TIMED_OUT: Final = Response(408, b'{"error":"Request timed out"}', closes=True)
_FAILED: Final = Response(500, b'{"error":"Internal server error"}')
_TOO_MANY: Final = Response(
    503,
    b'{"error":"Too many connections"}',
    (("Retry-After", "1"),),
    closes=True,
    reason="Too many connections",
)
_SHED: Final = Response(503, b"", reason="Too much was kept in memory for too many clients; the connection was reset")


class Service(Protocol):
    """What all connections share: the server, seen from below."""

    limits: Limits
    heads: HeadCache
    stopping: bool
    congested: bool
    """Whether requests that ask for something to be done have to wait: so many are being handled already."""
    unanswered: Response
    """What is answered for a handler that takes too long."""
    now: float
    """Seconds on the loop's clock, about a second old at most: precise enough for idle times, and free."""

    def clock(self) -> float:
        """Seconds on the loop's clock, exactly."""

    def soon(self, callback: Callable[[], None]) -> object:
        """Calls `callback` after all sockets have had their turn."""

    def keeps(self, connection: "Connection", octets: int) -> None:
        """Told how many octets of requests that are not handled yet `connection` keeps; it may be shed for that."""

    def owes(self, connection: "Connection", octets: int) -> None:
        """Told how many octets of answers a peer leaves unread; `connection` may be shed for that."""

    def bind(self, head: Head) -> Handler:
        """The handler for requests with `head`."""

    def opened(self, connection: "Connection") -> bool:
        """Registers a connection; False when there are too many."""

    def closed(self, connection: "Connection") -> None:
        """Forgets a connection."""

    def deferred(self, connection: "Connection") -> None:
        """Told of a connection with a request that waits; calls its `take_up` when the congestion is over."""

    def refused(self, peer: str, response: Response) -> None:
        """Told of every answer of status 400 or above."""

    def failed(self, error: Exception) -> None:
        """Told of an exception that a handler let through."""


class _State(Enum):
    READING = auto()
    LAST_ANSWER_DUE = auto()  # no further request is read, answers are still owed
    LINGERING = auto()  # FIN is sent
    CLOSED = auto()


class _Phase(Enum):
    IDLE = auto()
    HEAD = auto()
    BODY = auto()


_READING: Final = _State.READING
_IDLE: Final = _Phase.IDLE


class Connection(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = (
        "_deferred",
        "_exchanges",
        "_held_back",
        "_holds",
        "_parser",
        "_peer_sent_fin",
        "_phase",
        "_service",
        "_since",
        "_state",
        "_transport",
        "_write_paused",
        "peer",
    )

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = RequestParser(service.limits, service.heads)
        self._exchanges: deque[Exchange] = deque()
        self._state = _State.READING
        self._phase = _Phase.HEAD
        self._since = service.now
        self._held_back = False
        self._holds = 0  # why no further request may be read: handlers that asked for it, and `_deferred`
        self._deferred: tuple[Head, bytes] | None = None
        self._write_paused = False
        self._peer_sent_fin = False
        self.peer = "unknown"
        """The peer's IP address, without a scope; an IPv4-mapped IPv6 address as IPv4."""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        self._transport = transport  # type: ignore[assignment]  # a TCP server's transport is a Transport
        self.peer = _address(transport.get_extra_info("peername"))
        accepted = self._service.opened(self)
        self._since = self._service.now  # after `opened`: while nobody was connected it was not kept up
        if not accepted:
            self._answer_unread(_TOO_MANY)
        elif self._service.stopping:  # it was accepted in the moment the listener was closed
            self.stop()

    def data_received(self, data: bytes) -> None:
        """Octets have come: complete requests go to their handlers at once."""
        if self._state is not _READING:
            return
        if not (self._exchanges or self._write_paused or self._holds):
            request = self._parser.only_request(data)
            if request is not None:
                self._handle(*request)
                return
        self._parser.receive(data)
        self._read_requests()
        self._service.keeps(self, self._parser.kept)

    def eof_received(self) -> bool:
        """The peer will send no more; what it asked for is still answered, but over TLS, which ends both ways at once.

        Returns:
            Whether the transport stays open for writing.
        """
        self._peer_sent_fin = True
        if not self._transport.can_write_eof():
            self._state = _State.LINGERING
            self._exchanges.clear()
            return False
        return bool(self._exchanges or self._held_back) and self._state is not _State.LINGERING

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; answers that come later are dropped."""
        self._state = _State.CLOSED
        self._deferred = None
        self._exchanges.clear()
        self._service.closed(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: no further request is read until it does."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._write_paused = False
        self._service.owes(self, 0)
        self._read_on()

    def answered(self, exchange: Exchange) -> None:
        """Sends the answers that are next in order."""
        exchanges = self._exchanges
        if not exchanges or exchanges[0] is not exchange:
            return
        write = self._transport.write
        while exchanges and (answer := exchanges[0].answer) is not None:
            write(answer)
            if exchanges.popleft().closes:
                self._finish()
                return
        if not exchanges:
            self._since = self._service.now
        if self._write_paused:
            self._service.owes(self, self._transport.get_write_buffer_size())
        if self._held_back:
            self._read_on()
        elif self._peer_sent_fin and not exchanges:
            self._transport.close()

    def refused(self, response: Response) -> None:
        """Passes a refusal on, with the peer's address."""
        self._service.refused(self.peer, response)

    def hold(self) -> None:
        """Reads no further request until `release`."""
        self._holds += 1
        self._hold_back()

    def release(self) -> None:
        """Reads on, when each `hold` has been followed by one of these."""
        self._holds -= 1
        self._read_on()

    def take_up(self) -> None:
        """The congestion is over: handles the request that waits."""
        request, self._deferred = self._deferred, None
        if request is not None:
            self._holds -= 1
            self._handle(*request)
            self._read_on()

    def check_time(self, now: float) -> None:
        """Ends what has taken too long; the server's sweep calls it about once a second."""
        waited = now - self._since
        limits = self._service.limits
        if self._transport.get_write_buffer_size():
            # A stop waits for a peer that does not read its answers only as long as for one that lingers.
            if waited > (limits.linger_timeout if self._service.stopping else limits.idle_timeout):
                self.abort()
        elif self._state is _State.LINGERING:
            if waited > limits.linger_timeout:
                self._transport.close()
        elif self._exchanges:
            if waited > limits.answer_timeout:
                self._answer_for_the_handler()
        elif self._holds:
            return  # it is not the peer that takes its time
        elif self._phase is _Phase.IDLE or not (self._parser.in_head or self._parser.in_body):
            if waited > (limits.idle_timeout if self._phase is _Phase.IDLE else limits.headers_timeout):
                self._transport.close()
        elif waited > (limits.headers_timeout if self._phase is _Phase.HEAD else limits.body_timeout):
            self._answer_unread(_TIMED_OUT)

    def stop(self) -> None:
        """Reads no further request; ends after the answers that are due."""
        if self._state is not _State.READING or self._held_back:
            return  # what is held back was received in full: `_read_on` stops after it
        if self._exchanges:
            self._state = _State.LAST_ANSWER_DUE
            self._exchanges[-1].closes = True
        else:
            self._transport.close()

    def abort(self) -> None:
        """Ends at once."""
        self._state = _State.CLOSED
        self._exchanges.clear()
        self._transport.abort()

    def shed(self) -> None:
        """Ends, for what it makes the server keep in memory; not here and now, where it may be about to write."""
        self._service.refused(self.peer, _SHED)
        self._service.soon(self.abort)

    def _read_requests(self) -> None:
        parser = self._parser
        left = _MAX_IN_A_TURN
        try:
            while self._state is _READING:
                if self._is_full(_MAX_PIPELINED):
                    self._hold_back()
                    return
                if not left:
                    self._hold_back()
                    self._service.soon(self._read_on)
                    return
                left -= 1
                request = parser.next_request()
                if request is None:
                    self._await_bytes()
                    return
                self._handle(*request)
                if parser.is_empty:
                    return
        except HttpError as error:
            body = b'{"error":"%b"}' % error.reason.encode()
            self._answer_unread(Response(error.status, body, closes=True, reason=error.reason))

    def _handle(self, head: Head, body: bytes) -> None:
        service = self._service
        self._phase = _IDLE
        self._since = service.now
        if service.congested and head.method not in _SAFE_METHODS:
            self._defer(head, body)
            return
        exchange = Exchange(self, head)
        self._exchanges.append(exchange)
        if exchange.closes:
            self._state = _State.LAST_ANSWER_DUE
        try:
            handler: Handler = head.handler or service.bind(head)
            handler(exchange, body)
        except Exception as error:  # one request's fault must not become the connection's
            service.failed(error)
            exchange.respond(_FAILED)

    def _defer(self, head: Head, body: bytes) -> None:
        """Keeps one request and reads no more: what the peer sends after it fills its own buffers, not ours."""
        self._deferred = (head, body)
        self._holds += 1
        self._hold_back()
        self._service.deferred(self)

    def _await_bytes(self) -> None:
        """Notes since when a request has been incomplete; answers who waits for 100 (Continue)."""
        parser = self._parser
        phase = _Phase.BODY if parser.in_body else _Phase.HEAD if parser.in_head else _Phase.IDLE
        if phase is not _Phase.IDLE and phase is not self._phase:
            self._phase = phase
            self._since = self._service.clock()
        if phase is _Phase.BODY and (head := parser.take_continue()) is not None:
            self._continue(head)

    def _continue(self, head: Head) -> None:
        """RFC 9110 §10.1.1: 100 when the head is acceptable, otherwise the final answer without the body."""
        handler = self._service.bind(head)
        exchange = Exchange(self, head)
        self._exchanges.append(exchange)
        if isinstance(handler, Refusal):
            self._state = _State.LAST_ANSWER_DUE
            exchange.closes = True
            exchange.respond(handler.response)
        else:
            exchange.closes = False
            exchange.answer = CONTINUE
            self.answered(exchange)

    def _answer_unread(self, response: Response) -> None:
        """The last answer, to a request that was not or cannot be read."""
        self._state = _State.LAST_ANSWER_DUE
        exchange = Exchange(self, None)
        self._exchanges.append(exchange)
        exchange.respond(response)

    def _answer_for_the_handler(self) -> None:
        for exchange in list(self._exchanges):
            exchange.respond(self._service.unanswered)

    def _is_full(self, limit: int) -> bool:
        """Whether answers are due that no further request may be added to: `limit` of them, or a large one.

        A request that sends nothing and is not answered at once waits for something to be fetched, which may be a
        thousand times its own size. So there is never more than one such answer for each connection.
        """
        exchanges = self._exchanges
        if self._write_paused or self._holds or len(exchanges) >= limit:
            return True
        if not exchanges:
            return False
        last = exchanges[-1]
        return last.answer is None and last.head is not None and last.head.content_length == 0

    def _hold_back(self) -> None:
        if not self._held_back:
            self._held_back = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if not self._held_back or self._is_full(_MAX_PIPELINED // 2 + 1):
            return
        self._held_back = False
        if self._state is not _State.CLOSED:
            self._transport.resume_reading()
            self._read_requests()
            self._service.keeps(self, self._parser.kept)
        if self._held_back or self._state is not _READING:
            return
        if self._peer_sent_fin and not self._exchanges:
            self._transport.close()
        elif self._service.stopping:
            self.stop()

    def _finish(self) -> None:
        """Sends FIN after the last answer and drops what still comes, so that no reset eats the answer."""
        self._state = _State.LINGERING
        self._since = self._service.clock()
        if self._write_paused:
            self._service.owes(self, self._transport.get_write_buffer_size())
        self._exchanges.clear()
        if self._peer_sent_fin:
            self._transport.close()
            return
        if self._held_back:
            self._held_back = False
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        elif not self._transport.get_write_buffer_size():
            self._transport.close()  # over TLS: drops what still comes, too, until the peer has closed its side


def _address(name: tuple[str, ...] | None) -> str:
    """The IP address of a socket's name; None stands for a peer that is gone already."""
    if name is None:
        return "unknown"
    address = name[0]
    if ":" not in address:
        return address
    address = address.partition("%")[0]
    mapped = address.lower().removeprefix("::ffff:")
    return mapped if "." in mapped else address
