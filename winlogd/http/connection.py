"""One TCP connection: what its transport reports, and an orderly end.

A connection goes through four states, in this order:

- READING: requests are read and handled. Not while `Flow` knows a reason; it alone pauses the socket.
- LAST_ANSWER_DUE: a request asked for the end, could not be read, or the server stops. No further request is read.
- LINGERING: the last answer and FIN are sent. What still comes is dropped, so that no reset eats the answer.
- CLOSED: nothing is sent any more.

`Reading` and `stop` may change to the second; `finish`, which the pipeline calls after the last answer, and the end of
a peer's TLS to the third; `abort`, `shed` and the transport's end to the fourth. `Reading` alone changes the phase of
the next request. The pipeline keeps the order of answers, `Flow` the reasons not to read, `deadlines` says which time
limit ends what. This file joins them to the transport; it knows nothing of bytes and what they mean.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from winlogd.http import responses
from winlogd.http.deadlines import End, end_of
from winlogd.http.delivery import Delivery, end_with_reset
from winlogd.http.flow import Flow
from winlogd.http.peer import UNKNOWN, peer_address
from winlogd.http.pipeline import Pipeline
from winlogd.http.reading import Reading
from winlogd.http.states import Life, State

if TYPE_CHECKING:  # types only, of which a running server needs nothing
    from winlogd.http.service import Service
    from winlogd.http.wire.message import Body

_READING: Final = State.READING
_UNREAD_BYTES: Final = 16 * 1024
"""Beyond that a peer's unread answers count, and no further request of it is read. With uvloop's own 64 KiB, ten
thousand connections could leave 640 MB unread that count nowhere. Over TLS uvloop takes in whatever is written, which
is why large answers are written in slices."""


class Connection(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = ("_delivery", "_flow", "_life", "_pipeline", "_reading", "_service", "_transport")

    def __init__(self, service: "Service[Connection]", peer: str = UNKNOWN) -> None:
        self._service = service
        self._life = Life(service.now)
        self._flow = Flow()
        self._pipeline = Pipeline(self, service, self._life, self._flow, peer)
        self._reading = Reading(service, self._life, self._flow, self._pipeline)
        self._transport: asyncio.Transport

    @property
    def peer(self) -> str:
        """The peer's IP address, as `peer_address` gives it."""
        return self._pipeline.peer

    # ── what the transport reports ────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        self._transport = transport  # type: ignore[assignment]  # a TCP server's transport is a Transport
        self._transport.set_write_buffer_limits(_UNREAD_BYTES)
        self._delivery = Delivery(self._transport)
        self._flow.attach(self._transport)
        self._pipeline.attach(self._transport)
        if self.peer == UNKNOWN:  # one that was counted before its handshake keeps the name that it is counted by
            self._pipeline.peer = peer_address(transport.get_extra_info("peername"))
        refusal = self._service.opened(self)
        self._life.since = self._service.now  # after `opened`: while nobody was connected it was not kept up
        if refusal is not None:
            self._reading.refuse_unread(refusal)
        elif self._service.stopping:  # it was accepted in the moment the listener was closed
            self.stop()

    def data_received(self, data: bytes) -> None:
        """Octets have come: complete requests go to their handlers at once."""
        if self._life.state is not _READING:
            return
        if not (self._pipeline or self._flow.blocks):
            request = self._reading.parser.only_request(data)
            if request is not None:
                head, body = request
                self._reading.handle(head, body)
                return
        self._reading.parser.receive(data)
        self._read()

    def eof_received(self) -> bool:
        """The peer will send no more; what it asked for is still answered, but over TLS, which ends both ways at once.

        Returns:
            True if the transport stays open for writing.
        """
        self._pipeline.peer_sent_fin = True
        if self._life.state is State.CLOSED:
            return False
        if not self._transport.can_write_eof():
            self._life.go_down_to(State.LINGERING)
            self._pipeline.drop()
            return False
        return bool(self._pipeline or self._flow.is_paused) and self._life.state is not State.LINGERING

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; answers that come later are dropped."""
        self._life.go_down_to(State.CLOSED)
        self._reading.forget_deferred()
        self._pipeline.leave()
        self._service.closed(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: no further request is handled until it does."""
        self._pipeline.fall_behind()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._pipeline.catch_up()

    # ── what the pipeline asks for ────────────────────────────────────────────────────────────────────

    def go_on(self) -> None:
        """Read on, or close after the peer's FIN, if nothing else is due."""
        if self._flow.may_resume(self._pipeline.is_full):
            self._service.in_turn(self)
        elif self._pipeline.peer_sent_fin and not (self._pipeline or self._flow.is_paused):
            self._transport.close()

    def owe(self, octets: int, shared: "Body") -> None:
        """Note what is kept of answers for the peer."""
        self._service.owes(self, octets, shared)

    def ask_for_turn(self) -> None:
        """Write on, after others had their turn."""
        self._service.in_turn(self)

    def finish(self) -> None:
        """Send FIN after the last answer, and drop what still comes; nothing if the connection is closed."""
        if self._life.state is State.CLOSED:
            return
        self._life.go_down_to(State.LINGERING)
        self._life.since = self._service.clock()
        if self._pipeline.peer_sent_fin:
            self._transport.close()
            return
        self._flow.resume()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        elif not self._delivery.is_unread_now():
            self._transport.close()  # over TLS: drops what still comes, too, until the peer has closed its side

    # ── what the server asks for ──────────────────────────────────────────────────────────────────────

    def take_turn(self) -> None:
        """Write on, then read on, if nothing keeps it from that by now."""
        if self._life.state is State.CLOSED:
            return
        self._pipeline.write_on()
        if not self._flow.may_resume(self._pipeline.is_full):
            return
        self._flow.resume()
        self._read()
        if self._flow.is_paused or self._life.state is not _READING:
            return
        if self._pipeline.peer_sent_fin and not self._pipeline:
            self._transport.close()
        elif self._service.stopping:
            self.stop()

    def waited_s(self, now: float) -> float:
        """Return for how many seconds there was no progress."""
        return now - self._life.since

    def begin_anew(self, now: float) -> None:
        """Let every time limit begin now, at a moment on the loop's clock."""
        self._life.since = now

    def check_time(self, now: float) -> None:
        """End what has taken too long; the server's sweep calls it about once a second."""
        if self._life.state is State.CLOSED:
            return
        is_unread = self._delivery.is_unread(self.waited_s(now), bool(self._pipeline))
        if is_unread and self._delivery.has_progressed():
            self._life.since = now
        end = self._end(self.waited_s(now), is_unread)
        if end is End.RESET:
            self.abort()
        elif end is End.CLOSE:
            self._transport.close()
        elif end is End.TIMED_OUT:
            self._reading.refuse_unread(responses.TIMED_OUT)
        elif end is End.ANSWER_FOR_HANDLERS:
            self._pipeline.respond(self._service.unanswered)
        elif end is End.ANSWER_FOR_DEFERRED:
            self._reading.refuse_deferred()

    def stop(self) -> None:
        """Read no further request; end after the answers that are due."""
        if self._life.state is not _READING or self._flow.is_paused:
            return  # what was received in full is handled: `take_turn` stops after it
        if self._pipeline:
            self._life.go_down_to(State.LAST_ANSWER_DUE)
            self._pipeline[-1].closes = True
        else:
            self._transport.close()

    def abort(self) -> None:
        """End at once. A part of an answer must not pass for the whole."""
        self._life.go_down_to(State.CLOSED)
        if self._pipeline.must_reset():
            end_with_reset(self._transport)
        self._pipeline.drop()
        self._transport.abort()

    def shed(self) -> None:
        """End, for what it makes the server keep in memory; not here and now, where it may be about to write.

        What it has sent is freed at once: before the others' next octets come, which would take memory of their own.
        """
        self._service.refused(self.peer, responses.SHED)
        self._life.go_down_to(State.CLOSED)
        self._reading.forget_read()
        self._service.soon(self.abort)

    def _read(self) -> None:
        if self._reading.read():
            self._service.in_turn(self)
        self._service.keeps(self, self._reading.parser.kept)

    def _end(self, waited_s: float, is_unread: bool) -> End | None:
        return end_of(
            self._life.state,
            self._life.phase,
            waited_s,
            self._service.limits,
            is_unread=is_unread,
            handlers_are_due=any(exchange.answer is None for exchange in self._pipeline),
            pieces_are_due=bool(self._pipeline),
            is_held=self._flow.is_held,
            has_begun=self._reading.parser.has_begun,
            is_stopping=self._service.stopping,
        )
