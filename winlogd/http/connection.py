"""One TCP connection: what its transport reports, and an orderly end.

A connection goes through four states, in this order:

- READING: requests are read and handled, except while `Flow` has a reason to pause. `Flow` alone pauses the socket.
  `Reading` and `stop` end this state.
- LAST_ANSWER_DUE: a request asked for the end or could not be read, or the server stops. No further request is read.
  `finish`, which the pipeline calls after the last answer, ends this state; so does the end of a peer's TLS.
- LINGERING: the last answer and FIN are sent. Later octets are read and dropped: unread octets would cause a reset,
  and a reset could destroy the answer.
- CLOSED: nothing more is sent. `abort`, `drop_for_memory` and the end of the transport lead here from any state.

`Reading` alone changes the phase of the next request. The pipeline keeps the order of answers, `Flow` the reasons not
to read, and `Lateness` the time. This file joins them to the transport. It knows nothing of octets and their meaning.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from winlogd.http import responses
from winlogd.http.deadlines import End
from winlogd.http.delivery import Delivery, end_with_reset
from winlogd.http.flow import Flow
from winlogd.http.lateness import Lateness
from winlogd.http.peer import UNKNOWN, peer_address
from winlogd.http.pipeline import Pipeline
from winlogd.http.reading import Reading
from winlogd.http.states import Life, State

if TYPE_CHECKING:  # types only: a running server does not load them
    from winlogd.http.service import Service
    from winlogd.http.wire.message import Body

_READING: Final = State.READING


class Connection(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = ("_delivery", "_flow", "_lateness", "_life", "_pipeline", "_reading", "_service", "_transport")

    def __init__(self, service: "Service[Connection]", peer: str = UNKNOWN) -> None:
        self._service = service
        self._life = Life(service.now)
        self._flow = Flow()
        self._pipeline = Pipeline(self, service, self._life, self._flow, peer)
        self._reading = Reading(service, self._life, self._flow, self._pipeline)
        self._lateness = Lateness(service, self._life, self._flow, self._pipeline, self._reading)
        self._transport: asyncio.Transport

    @property
    def peer(self) -> str:
        """The peer's IP address, as `peer_address` gives it."""
        return self._pipeline.peer

    # ── what the transport reports ────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start: a peer has connected."""
        self._transport = transport  # type: ignore[assignment]  # a TCP server's transport is a Transport
        self._delivery = Delivery(self._transport)
        self._flow.attach(self._transport)
        self._pipeline.attach(self._transport)
        if self.peer == UNKNOWN:  # otherwise it was counted by its address before its handshake
            self._pipeline.peer = peer_address(transport.get_extra_info("peername"))
        refusal = self._service.opened(self)
        self._life.since = self._service.now  # after `opened`, which starts the clock if nobody was connected
        if refusal is not None:
            self._reading.refuse_unread(refusal)
        elif self._service.stopping:  # accepted at the moment when the listener was closed
            self.stop()

    def data_received(self, data: bytes) -> None:
        """Read octets that have come: give complete requests to their handlers at once."""
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
        """Return True, to stay open for writing, if answers are due; the peer will send no more.

        Over TLS drop the requests: the end of TLS ends both directions at once.
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
        """Forget the connection, which is gone. Later answers are dropped."""
        self._life.go_down_to(State.CLOSED)
        self._reading.forget_deferred()
        self._pipeline.leave()
        self._service.closed(self)

    def pause_writing(self) -> None:
        """Handle no further request: the peer does not read its answers."""
        self._pipeline.fall_behind()

    def resume_writing(self) -> None:
        """Handle requests again: the peer has read its answers."""
        self._pipeline.catch_up()

    # ── what the pipeline asks for ────────────────────────────────────────────────────────────────────

    def go_on(self) -> None:
        """Read on, or close after the peer's FIN, if nothing else is due."""
        if self._flow.may_resume(self._pipeline.is_full):
            self._service.in_turn(self)
        elif self._pipeline.peer_sent_fin and not (self._pipeline or self._flow.is_paused):
            self._transport.close()

    def owe(self, octets: int, shared: "Body") -> None:
        """Report to the server how many octets of answers wait for the peer."""
        self._service.owes(self, octets, shared)

    def ask_for_turn(self) -> None:
        """Ask the server for a turn, in which the connection writes on."""
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
            self._transport.close()  # over TLS this too drops later octets until the peer has closed its side

    # ── what the server asks for ──────────────────────────────────────────────────────────────────────

    def take_turn(self) -> None:
        """Write on, then read on if nothing prevents it by now."""
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
        """Return the number of seconds without progress."""
        return now - self._life.since

    def renew(self) -> None:
        """Take over the server's limits and routes, which have changed."""
        self._reading.renew()

    def restart_time_limits(self, now: float) -> None:
        """Start every time limit anew at `now`, in seconds on the loop's clock."""
        self._life.since = now

    def check_time(self, now: float) -> None:
        """End the connection or answer its requests if a time limit has passed at `now`; the sweep calls it."""
        end = self._lateness.end(now, self._delivery)
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
        """Read no further request, and end after the answers that are due."""
        if self._life.state is not _READING or self._flow.is_paused:
            return  # complete requests that have come are handled first: `take_turn` stops afterwards
        if self._pipeline:
            self._life.go_down_to(State.LAST_ANSWER_DUE)
            self._pipeline[-1].closes = True
        else:
            self._transport.close()

    def abort(self) -> None:
        """End at once. End with a reset if a part of an answer would pass for the whole."""
        self._life.go_down_to(State.CLOSED)
        if self._pipeline.must_reset():
            end_with_reset(self._transport)
        self._pipeline.drop()
        self._transport.abort()

    def drop_for_memory(self) -> None:
        """Drop the connection to free memory, after all sockets had their turn: it may be in the middle of a write.

        The octets of its requests are freed at once, before the octets of other connections need memory.
        """
        self._service.refused(self.peer, responses.DROPPED_FOR_MEMORY)
        self._life.go_down_to(State.CLOSED)
        self._reading.forget_read()
        self._service.soon(self.abort)

    def _read(self) -> None:
        if self._reading.read():
            self._service.in_turn(self)
        self._service.keeps(self, self._reading.parser.kept)
