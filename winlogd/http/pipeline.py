"""The requests of one connection that wait for answers: their order, what is owed, when there are too many.

It is what an Exchange knows of its connection. Knows exchanges, their order and how answers are written; neither how
requests are read nor when a connection ends, which its owner decides.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Never, Protocol

from winlogd.http.delivery import kept_unread
from winlogd.http.exchange import Exchange
from winlogd.http.flow import Flow
from winlogd.http.states import Life
from winlogd.http.wire.grammar import SAFE_METHODS
from winlogd.http.wire.message import CONTINUE, Body, Head, Response

if TYPE_CHECKING:  # types only, of which a running server needs nothing
    from winlogd.http.service import Service


class Owner(Protocol):
    """The connection, as its pipeline sees it."""

    def finish(self) -> None:
        """The last answer was written."""

    def go_on(self) -> None:
        """Read on or close, if nothing else is due: answers were written, or a hold has ended."""

    def owe(self, octets: int, shared: Body) -> None:
        """Note what is kept of answers for the peer, which may have to end for that.

        Args:
            octets: that are kept for it alone.
            shared: a body that may be kept for others, too; empty for none.
        """

    def ask_for_turn(self) -> None:
        """Call `write_on` after others had their turn."""

    def abort(self) -> None:
        """End at once; with a reset if `must_reset`."""


class _Nobody:
    """Owns what is left of a connection that is gone, so that neither keeps the other in memory."""

    def finish(self) -> None:
        """Nothing is left to end."""

    def go_on(self) -> None:
        """Nothing more is read."""

    def owe(self, octets: int, shared: Body) -> None:
        """The server has forgotten the connection, and what it owed."""

    def ask_for_turn(self) -> None:
        """Nothing more is written."""

    def abort(self) -> None:
        """It has ended."""


_NOBODY: Final = _Nobody()


class Pipeline(deque[Exchange]):
    """Exchanges in the order of their requests, which is that of the answers (RFC 9112 §9.3.2).

    A subclass of deque, because a request then costs no call more than with a bare one.

    Args:
        owner: the connection.
        service: told of refusals and failures.
        life: of the connection.
        flow: why the connection may not be read.
        peer: its peer's IP address.

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

    def __init__(self, owner: Owner, service: "Service[Never]", life: Life, flow: Flow, peer: str) -> None:
        super().__init__()
        self._owner = owner
        self._service = service
        self._life = life
        self._flow = flow
        self._ends_with_connection = False  # the answer that is sent, or was sent last
        self._is_counted = False  # the owner was told of octets that are owed
        self.peer = peer
        self.peer_sent_fin = False
        self._transport: asyncio.Transport

    def attach(self, transport: asyncio.Transport) -> None:
        """Begin, with the transport of the connection."""
        self._transport = transport
        self._write = transport.write

    def is_full(self, limit: int) -> bool:
        """Return True if no further request may be added: there are `limit` of them, or a large answer is due.

        A safe request that is not answered at once waits for something to be fetched, which may be a thousand times its
        own size, and may then have to wait for the answers before it. There is never more than one such answer for each
        connection. An answer that is sent in pieces is one, whatever asked for it.
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
            self._tell_caught_up()

    def refused(self, response: Response) -> None:
        """Pass a refusal on, with the peer's address."""
        self._service.refused(self.peer, response)

    def hold(self) -> None:
        """Read no further request until `release`."""
        self._flow.hold()

    def release(self) -> None:
        """Read on, when each `hold` has been followed by one of these."""
        self._flow.release()
        self._owner.go_on()

    # ── what the connection asks for ──────────────────────────────────────────────────────────────────

    def refuse(self, head: Head | None, response: Response) -> None:
        """Give the last answer, to a request whose body, or all of it, is not read."""
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
            except Exception as error:  # one producer's fault must not keep others waiting
                self._service.failed(error)

    def fall_behind(self) -> None:
        """Note that the peer leaves answers unread: who produces one in pieces has to wait."""
        self._flow.fall_behind()
        if self and (pieces := self[0].pieces) is not None:
            pieces.is_behind = True

    def catch_up(self) -> None:
        """Note that the peer has read enough of it. What is kept for it now counts as its latest."""
        self._flow.catch_up()
        if self._is_counted:
            self._owner.owe(0, b"")
        self._count()
        self._owner.go_on()
        self._tell_caught_up()

    def must_reset(self) -> bool:
        """Return True if the peer would take FIN for the end of an answer of which it has a part only.

        Only HTTP/1.0 has such answers (RFC 9112 §6.3). Each of them is the last one of its connection.
        """
        return self._ends_with_connection and (bool(self) or self._transport.get_write_buffer_size() > 0)

    def write_on(self) -> None:
        """Write more of a large answer whose turn it is."""
        if self and (pieces := self[0].pieces) is not None and pieces.wants_turn:
            self.answered(self[0])

    def drop(self) -> None:
        """Drop all that waits: it came after the last answer, or the peer has gone."""
        dropped = list(self)
        self.clear()
        for exchange in dropped:
            try:
                exchange.drop()
            except Exception as error:
                self._service.failed(error)

    def leave(self) -> None:
        """Drop all that waits, and the connection, which is gone."""
        self._owner = _NOBODY
        self.drop()

    def _finish(self) -> None:
        self.drop()
        if self._is_counted or self._flow.peer_is_behind:
            self._count()
        self._owner.finish()

    def _write_pieces(self, exchange: Exchange) -> bool:
        """Write what has come of an answer in pieces whose turn it is. Return True if that was all of it."""
        pieces = exchange.pieces
        assert pieces is not None, "the caller has looked"
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
            self._go_on_later()
        return False

    def _go_on_later(self) -> None:
        """Write the rest of a large answer in another turn. Until then it counts."""
        if not self._is_counted:
            self._count()
        self._owner.ask_for_turn()

    def _tell_caught_up(self) -> None:
        """Let the producer of an answer in pieces go on, if its turn has come and the peer reads."""
        if self._flow.peer_is_behind or not self or self[0].answer is None or (pieces := self[0].pieces) is None:
            return
        pieces.is_behind = False
        if pieces.wants_turn:
            self._owner.ask_for_turn()
            return
        try:
            pieces.caught_up()
        except Exception as error:  # one answer's fault must not become the connection's
            self._service.failed(error)
            pieces.break_off()

    def _count(self) -> None:
        """Tell the owner how much is kept for the peer: what it leaves unread, and large answers that wait."""
        octets = kept_unread(self._transport) if self._flow.peer_is_behind else 0
        shared: Body = b""
        for exchange in self:
            if (pieces := exchange.pieces) is not None:
                octets += pieces.octets + (len(pieces.shared) if shared else 0)
                shared = shared or pieces.shared
        self._is_counted = octets > 0 or bool(shared)
        self._owner.owe(octets, shared)
