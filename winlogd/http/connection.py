"""One TCP connection: requests in, answers out, in order, with back-pressure and an orderly end.

Knows bytes, order and time; not what a request means (the router finds its handler) nor how it is read (the parser).
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from winlogd.http import responses
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.peer import UNKNOWN, peer_address
from winlogd.http.pipeline import FEW, IN_A_TURN, MOST, is_full
from winlogd.http.router import Refusal, is_refused
from winlogd.http.states import Phase, State, longest_s
from winlogd.http.wire.grammar import SAFE_METHODS
from winlogd.http.wire.message import CONTINUE, Head, HttpError, Response
from winlogd.http.wire.parser import RequestParser

if TYPE_CHECKING:  # types only, of which a running server needs nothing
    from winlogd.http.service import Service

_READING: Final = State.READING
_IDLE: Final = Phase.IDLE
_UNREAD_BYTES: Final = 16 * 1024
"""Beyond that a peer's unread answers count, and no further request of it is read. With uvloop's own 64 KiB, ten
thousand connections could leave 640 MB unread that count nowhere. Over TLS uvloop takes in a whole answer first."""


class Connection(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = (
        "_congestion",
        "_exchanges",
        "_has_large_answer",
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

    def __init__(self, service: "Service[Connection]", peer: str = UNKNOWN) -> None:
        self._service = service
        self._congestion = service.congestion
        self._parser = RequestParser(service.limits, service.heads)
        self._exchanges: deque[Exchange] = deque()
        self._state = State.READING
        self._phase = Phase.HEAD
        self._since = service.now
        self._has_large_answer = False  # one that waits for those before it
        self._held_back = False
        self._holds = 0  # why no further request may be read: handlers that asked for it, and a deferred request
        self._write_paused = False
        self._peer_sent_fin = False
        self.peer = peer
        """The peer's IP address, as `peer_address` gives it."""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        self._transport = transport  # type: ignore[assignment]  # a TCP server's transport is a Transport
        self._transport.set_write_buffer_limits(_UNREAD_BYTES)
        if self.peer == UNKNOWN:  # one that was counted before its handshake keeps the name that it is counted by
            self.peer = peer_address(transport.get_extra_info("peername"))
        refusal = self._service.opened(self)
        self._since = self._service.now  # after `opened`: while nobody was connected it was not kept up
        if refusal is not None:
            self._answer_unread(refusal)
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
            self._state = State.LINGERING
            self._drop_exchanges()
            return False
        return bool(self._exchanges or self._held_back) and self._state is not State.LINGERING

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; answers that come later are dropped."""
        self._state = State.CLOSED
        if self._holds:
            self._congestion.forget(self)
        self._drop_exchanges()
        self._service.closed(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: no further request is read until it does."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._write_paused = False
        self._owe()
        self._read_on()

    def answered(self, exchange: Exchange) -> None:
        """Sends the answers that are next in order."""
        exchanges = self._exchanges
        if not exchanges or exchanges[0] is not exchange:
            if exchange.shared:
                self._has_large_answer = True
                self._owe()
            return
        write = self._transport.write
        while exchanges and (answer := exchanges[0].answer) is not None:
            write(answer)
            if shared := exchanges[0].shared:
                write(shared)
            if exchanges.popleft().closes:
                self._finish()
                return
        if not exchanges:
            self._since = self._service.now
        if self._write_paused or self._has_large_answer:
            self._owe()
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

    def take_up(self, head: Head, body: bytes) -> None:
        """The congestion is over: handles the request that was deferred."""
        since = self._since
        self._holds -= 1
        self._handle(head, body)
        if self._exchanges:
            self._since = since  # its answer is due as if it had not waited
        self._read_on()

    def take_turn(self) -> None:
        """Reads on, if nothing keeps it from that by now."""
        if not self._may_read_on():
            return
        self._held_back = False
        if self._state is not State.CLOSED:
            self._transport.resume_reading()
            self._read_requests()
            self._service.keeps(self, self._parser.kept)
        if self._held_back or self._state is not _READING:
            return
        if self._peer_sent_fin and not self._exchanges:
            self._transport.close()
        elif self._service.stopping:
            self.stop()

    def check_time(self, now: float) -> None:
        """Ends what has taken too long; the server's sweep calls it about once a second."""
        waited = now - self._since
        limits = self._service.limits
        if self._transport.get_write_buffer_size():
            # A stop waits for a peer that does not read its answers only as long as for one that lingers.
            if waited > (limits.linger_timeout if self._service.stopping else limits.idle_timeout):
                self.abort()
        elif self._state is State.LINGERING:
            if waited > limits.linger_timeout:
                self._transport.close()
        elif self._exchanges:
            if waited > limits.answer_timeout:
                for exchange in list(self._exchanges):
                    exchange.respond(self._service.unanswered)
        elif self._holds:  # it is not the peer that takes its time
            if waited > limits.answer_timeout and self._congestion.forget(self):
                self._holds -= 1
                self._answer_unread(self._service.unanswered)
        elif waited > longest_s(self._phase, limits):
            if self._phase is not Phase.IDLE and (self._parser.in_head or self._parser.in_body):
                self._answer_unread(responses.TIMED_OUT)
            else:
                self._transport.close()

    def stop(self) -> None:
        """Reads no further request; ends after the answers that are due."""
        if self._state is not State.READING or self._held_back:
            return  # what is held back was received in full: `_read_on` stops after it
        if self._exchanges:
            self._state = State.LAST_ANSWER_DUE
            self._exchanges[-1].closes = True
        else:
            self._transport.close()

    def abort(self) -> None:
        """Ends at once."""
        self._state = State.CLOSED
        self._drop_exchanges()
        self._transport.abort()

    def shed(self) -> None:
        """Ends, for what it makes the server keep in memory; not here and now, where it may be about to write.

        What it has sent is freed at once: before the others' next octets come, which would take memory of their own.
        """
        self._service.refused(self.peer, responses.SHED)
        self._state = State.CLOSED
        self._parser = RequestParser(self._service.limits, self._service.heads)
        self._service.soon(self.abort)

    def _read_requests(self) -> None:
        parser = self._parser
        left = IN_A_TURN
        try:
            while self._state is _READING:
                if self._write_paused or self._holds or is_full(self._exchanges, MOST):
                    self._hold_back()
                    return
                if not left:
                    self._hold_back()
                    self._service.in_turn(self)
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
            self._answer_unread(responses.unreadable(error))

    def _handle(self, head: Head, body: bytes) -> None:
        service = self._service
        self._phase = _IDLE
        self._since = service.now
        if self._congestion.is_on and head.method not in SAFE_METHODS and not self._is_refused(head):
            self._defer(head, body)
            return
        exchange = Exchange(self, head)
        self._exchanges.append(exchange)
        if exchange.closes:
            self._state = State.LAST_ANSWER_DUE
        try:
            handler: Handler = head.handler or service.handler_for(head)
            handler(exchange, body)
        except Exception as error:  # one request's fault must not become the connection's
            service.failed(error)
            exchange.respond(responses.FAILED)

    def _is_refused(self, head: Head) -> bool:
        """Whether its body makes no difference: then it takes no room from those that wait."""
        try:
            return is_refused(self._service.handler_for(head), self.peer)
        except Exception:
            return True  # so that it is answered at once

    def _defer(self, head: Head, body: bytes) -> None:
        """Has one request kept and reads no more: what the peer sends after it fills its own buffers, not ours."""
        if self._congestion.defer(self, head, body):
            self.hold()
        else:
            self._answer_unread(self._service.unanswered)

    def _await_bytes(self) -> None:
        """Notes since when a request has been incomplete; answers who waits for 100 (Continue)."""
        parser = self._parser
        phase = Phase.BODY if parser.in_body else Phase.HEAD if parser.in_head else Phase.IDLE
        if phase is not Phase.IDLE and phase is not self._phase:
            self._phase = phase
            self._since = self._service.clock()
        if phase is Phase.BODY and (head := parser.take_continue()) is not None:
            self._continue(head)

    def _continue(self, head: Head) -> None:
        """RFC 9110 §10.1.1: 100 when the head is acceptable, otherwise the final answer without the body."""
        handler = self._service.handler_for(head)
        exchange = Exchange(self, head)
        self._exchanges.append(exchange)
        if isinstance(handler, Refusal):
            self._state = State.LAST_ANSWER_DUE
            exchange.closes = True
            exchange.respond(handler.response)
        else:
            exchange.closes = False
            exchange.answer = CONTINUE
            self.answered(exchange)

    def _answer_unread(self, response: Response) -> None:
        """The last answer, to a request that was not or cannot be read."""
        self._state = State.LAST_ANSWER_DUE
        exchange = Exchange(self, None)
        self._exchanges.append(exchange)
        exchange.respond(response)

    def _drop_exchanges(self) -> None:
        """What comes after the last answer, or when the peer has gone, is for nobody."""
        for exchange in self._exchanges:
            exchange.drop()
        self._exchanges.clear()

    def _owe(self) -> None:
        """Tells how much is kept for the peer: what it leaves unread, and a large answer that waits for its turn."""
        unread = self._transport.get_write_buffer_size() if self._write_paused else 0
        waiting = 0
        if self._has_large_answer:
            waiting = sum(len(exchange.shared) for exchange in self._exchanges)
            self._has_large_answer = waiting > 0
        self._service.owes(self, unread + waiting)

    def _hold_back(self) -> None:
        if not self._held_back:
            self._held_back = True
            self._transport.pause_reading()

    def _may_read_on(self) -> bool:
        return self._held_back and not (self._write_paused or self._holds or is_full(self._exchanges, FEW))

    def _read_on(self) -> None:
        if self._may_read_on():
            self._service.in_turn(self)

    def _finish(self) -> None:
        """Sends FIN after the last answer and drops what still comes, so that no reset eats the answer."""
        self._state = State.LINGERING
        self._since = self._service.clock()
        self._drop_exchanges()
        if self._write_paused or self._has_large_answer:
            self._owe()
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
