"""Keep the requests of one connection that wait for answers, in order, and write their answers.

A pipeline is the `Sender` of its exchanges. It knows exchanges, their order and how answers are written. It knows
neither how requests are read nor when a connection ends: its owner decides that.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Never

from winlogd.http.delivery import kept_unread, limit_unacknowledged
from winlogd.http.exchange import Exchange
from winlogd.http.flow import Flow
from winlogd.http.states import Life
from winlogd.http.wire.grammar import SAFE_METHODS
from winlogd.http.wire.message import CONTINUE, Body, Head, Response

if TYPE_CHECKING:  # types only: a running server does not load them
    from winlogd.http.protocols import Owner
    from winlogd.http.service import Service


class _Nobody:
    """The owner of a pipeline whose connection is gone. So the pipeline keeps no connection in memory."""

    def finish(self) -> None:
        """Do nothing: the connection has ended."""

    def go_on(self) -> None:
        """Do nothing: no more is read."""

    def owe(self, octets: int, shared: Body) -> None:
        """Do nothing: the server has forgotten the connection, and its answers."""

    def ask_for_turn(self) -> None:
        """Do nothing: no more is written."""

    def abort(self) -> None:
        """Do nothing: the connection has ended."""


_NOBODY: Final = _Nobody()


class Pipeline(deque[Exchange]):
    """Exchanges in the order of their requests. Answers are sent in the same order (RFC 9112 §9.3.2).

    It is a deque, so that a request costs no more calls than with a bare one.

    Args:
        owner: the connection.
        service: logs refusals and failures.
        life: of the connection.
        flow: the reasons not to read the connection.
        peer: the peer's IP address.

    Attributes:
        peer_sent_fin: the peer will send no more.
    """

    __slots__ = (
        "_ends_with_connection",
        "_flow",
        "_is_counted",
        "_life",
        "_owner",
        "_service",
        "_transport",
        "_write",
        "peer",
        "peer_sent_fin",
    )

    def __init__(self, owner: "Owner", service: "Service[Never]", life: Life, flow: Flow, peer: str) -> None:
        super().__init__()
        self._owner = owner
        self._service = service
        self._life = life
        self._flow = flow
        self._ends_with_connection = False  # of the answer that is being sent, or was sent last
        self._is_counted = False  # the last report to the owner was above 0
        self.peer = peer
        self.peer_sent_fin = False
        self._transport: asyncio.Transport

    def attach(self, transport: asyncio.Transport) -> None:
        """Start, with the transport of the connection."""
        self._transport = transport
        self._write = transport.write

    def is_full(self, limit: int) -> bool:
        """Return True if no further request may be added: `limit` requests wait, or a large answer is due.

        A safe request that is not answered at once waits for data. The data may be a thousand times the request's size,
        and may have to wait for earlier answers. So a connection has at most one. Every answer in pieces counts as
        large.
        """
        if len(self) >= limit:
            return True
        if not self:
            return False
        last = self[-1]
        if last.pieces is not None:
            return True
        return last.answer is None and last.head is not None and last.head.method in SAFE_METHODS

    # ── what an Exchange asks for ─────────────────────────────────────────────────────────────────────
    @property
    def is_encrypted(self) -> bool:
        """Return True if the peer speaks TLS to this server itself."""
        return self._transport.get_extra_info("sslcontext") is not None

    def answered(self, exchange: Exchange) -> None:
        """Write the answers that are next in order."""
        if not self or (first := self[0]) is not exchange:
            if exchange.pieces is not None:
                self._count()
            return
        write = self._write
        while (answer := first.answer) is not None:
            if first.pieces is None:
                write(answer)
            elif not self._write_pieces(first):
                break
            self.popleft()
            if first.closes:
                self._finish()
                return
            if not self:
                self._life.since = self._service.now
                break
            first = self[0]
        if self._is_counted or self._flow.peer_is_behind:
            self._count()
        if self._flow.is_paused or self.peer_sent_fin:
            self._owner.go_on()
        if self and first is not exchange:
            self._resume_producer()

    def refused(self, response: Response) -> None:
        """Report a refusal to the server, with the peer's address."""
        self._service.refused(self.peer, response)

    def limit_unacknowledged(self, octets: int) -> None:
        """Let the system keep at most about `octets` of unread answers."""
        limit_unacknowledged(self._transport, octets)

    def hold(self) -> None:
        """Read no further request until `release`."""
        self._flow.hold()

    def release(self) -> None:
        """End one `hold`; read on if it was the last one."""
        self._flow.release()
        self._owner.go_on()

    # ── what the connection asks for ──────────────────────────────────────────────────────────────────

    def refuse(self, head: Head | None, response: Response) -> None:
        """Give the last answer, to a request that is not read to its end.

        Args:
            head: of the request; None if the head was not read to its end either.
            response: the answer.
        """
        exchange = Exchange(self, head)
        exchange.closes = True
        self.append(exchange)
        exchange.respond(response)

    def ask_for_body(self, head: Head) -> None:
        """Send 100 (Continue) when it is its turn (RFC 9110 §10.1.1)."""
        exchange = Exchange(self, head)
        exchange.closes = False
        exchange.answer = CONTINUE
        self.append(exchange)
        self.answered(exchange)

    def respond(self, response: Response) -> None:
        """Answer all requests that no handler has answered yet."""
        for exchange in list(self):
            try:
                exchange.respond(response)
            except Exception as error:  # a failure must not delay other requests
                self._service.failed(error)

    def fall_behind(self) -> None:
        """Note that the peer leaves answers unread. The producer of an answer in pieces has to wait."""
        self._flow.fall_behind()
        if self and (pieces := self[0].pieces) is not None:
            pieces.is_behind = True

    def catch_up(self) -> None:
        """Note that the peer has read enough. What still waits for it counts as new: others have waited for longer."""
        self._flow.catch_up()
        if self._is_counted:
            self._owner.owe(0, b"")
        self._count()
        self._owner.go_on()
        self._resume_producer()

    def must_reset(self) -> bool:
        """Return True if the peer has only a part of an answer, and would take FIN for the end of it.

        Only HTTP/1.0 has such answers (RFC 9112 §6.3). Each is the last answer of its connection.
        """
        return self._ends_with_connection and (bool(self) or self._transport.get_write_buffer_size() > 0)

    def write_on(self) -> None:
        """Write more of a large answer if it is the next one in order."""
        if self and (pieces := self[0].pieces) is not None and pieces.wants_turn:
            self.answered(self[0])

    def drop(self) -> None:
        """Drop all requests that wait: they came after the last answer, or the peer has gone."""
        dropped = list(self)
        self.clear()
        for exchange in dropped:
            try:
                exchange.drop()
            except Exception as error:
                self._service.failed(error)

    def leave(self) -> None:
        """Drop all requests that wait, and the reference to the connection, which is gone."""
        self._owner = _NOBODY
        self.drop()

    def _finish(self) -> None:
        self.drop()
        if self._is_counted or self._flow.peer_is_behind:
            self._count()
        self._owner.finish()

    def _write_pieces(self, exchange: Exchange) -> bool:
        """Write the pieces that have come of the answer that is next in order. Return True if it is complete."""
        pieces = exchange.pieces
        assert pieces is not None, "the caller has checked this"
        self._ends_with_connection = pieces.ends_with_connection
        pieces.is_behind = self._flow.peer_is_behind
        pieces.pass_on(self._write)
        if pieces.must_reset:
            self._owner.abort()
            return False
        if pieces.is_done:
            exchange.pieces = None
            return True
        pieces.is_behind = self._flow.peer_is_behind
        if pieces.wants_turn:
            if not self._is_counted:  # the rest of a large answer is counted until its turn
                self._count()
            self._owner.ask_for_turn()
        return False

    def _resume_producer(self) -> None:
        """Let the producer of an answer in pieces go on, if the answer is next in order and the peer reads."""
        if self._flow.peer_is_behind or not self or self[0].answer is None or (pieces := self[0].pieces) is None:
            return
        pieces.is_behind = False
        if pieces.wants_turn:
            self._owner.ask_for_turn()
            return
        try:
            pieces.caught_up()
        except Exception as error:  # a failure costs one answer, not the connection
            self._service.failed(error)
            pieces.break_off()

    def _count(self) -> None:
        """Report to the owner what waits for the peer: unread octets, and large answers that are not written yet."""
        octets = kept_unread(self._transport) if self._flow.peer_is_behind else 0
        shared: Body = b""
        for exchange in self:
            if (pieces := exchange.pieces) is not None:
                octets += pieces.octets + (len(pieces.shared) if shared else 0)
                shared = shared or pieces.shared
        self._is_counted = octets > 0 or bool(shared)
        self._owner.owe(octets, shared)
