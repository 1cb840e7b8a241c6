"""Sends a long list in pieces, each of them one question, as fast as its peer reads.

So a list of millions takes the memory of one piece, and a peer that closes its connection ends the questions. This file
must not know what is listed.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.api.questions import exchange_failed, response_to
from winlogd.http.exchange import Exchange
from winlogd.http.stream import Stream
from winlogd.store.errors import QuestionRefusedError

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access
    from winlogd.store.read.reader import Reader

_AGAIN_S: Final = 1.0
"""Ask again after this long if the reader is not ready."""


class Piece(NamedTuple):
    """A piece of a list.

    Attributes:
        octets: the text to send.
        next: what the next piece begins with; None if this is the last one.
    """

    octets: bytes
    next: object | None


class Download:
    """One list on its way to one peer.

    Args:
        loop: the event loop.
        reader: answers the questions.
        exchange: the request.
        fields: the header fields of the answer, with Content-Type.
        piece: returns the next piece. Called on the reader's thread with what the last piece gave as `Piece.next`; None
            at first.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: "Reader",
        exchange: Exchange,
        fields: tuple[tuple[str, str], ...],
        piece: "Callable[[Access, object | None], Piece]",
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._exchange = exchange
        self._fields = fields
        self._piece = piece
        self._stream = Stream(exchange, self._go_on, self._stop)
        self._next: object | None = None
        self._has_begun = self._is_waiting = self._is_asking = False

    def start(self) -> None:
        """Ask for the first piece."""
        if not self._stream.is_done:
            self._reader.at_stop.add(self._break_off)
            self._ask()

    def _ask(self) -> None:
        if self._stream.is_done or self._is_asking:
            return
        self._is_asking, self._is_waiting = True, False
        after = self._next
        self._reader.ask(f"download {id(self)}", lambda access: self._piece(access, after), self._answered)

    def _answered(self, outcome: Piece | Exception) -> None:
        self._is_asking = False
        if self._stream.is_done:
            return
        if isinstance(outcome, QuestionRefusedError) and self._has_begun:
            self._loop.call_later(_AGAIN_S, self._ask)
        elif isinstance(outcome, Exception):
            self._fail(outcome)
        else:
            self._send(outcome)

    def _fail(self, error: Exception) -> None:
        self._reader.at_stop.discard(self._break_off)
        if self._has_begun:
            self._stream.break_off()
        else:
            self._exchange.respond(response_to(error))
        if exchange_failed(error):
            raise error  # for the log

    def _send(self, piece: Piece) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._stream.begin(200, self._fields)
        self._stream.send(piece.octets)
        self._next = piece.next
        if piece.next is None or self._stream.is_done:  # done already: the answer to HEAD
            self._reader.at_stop.discard(self._break_off)
            self._stream.end()
        elif self._stream.is_behind:
            self._is_waiting = True
        else:
            self._ask()

    def _go_on(self) -> None:
        if self._is_waiting:
            self._ask()

    def _stop(self) -> None:
        """Take note that the peer has gone: ask for nothing more."""
        self._is_waiting = False
        self._reader.at_stop.discard(self._break_off)

    def _break_off(self) -> None:
        """End the answer early, so that its peer notices: the server stops. The reader answers a question itself."""
        if self._has_begun:
            self._stream.break_off()
