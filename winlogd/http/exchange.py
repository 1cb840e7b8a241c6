"""One request and its answer: the object that a handler keeps until it can answer.

A handler may answer an Exchange at once or later, from the event loop's thread only, and in any order. The connection
sends the answers in the order of the requests (RFC 9112 §9.3.2).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

from winlogd.http.wire.message import Body, Head, Response, body_of, encode, encode_head

LARGE_BYTES: Final = 4096
"""A longer body is not copied, and is sent as its peer reads it: a thousand clients share one listing of 1 MB."""


class Sender(Protocol):
    """The connection, as its exchanges see it."""

    peer: str
    """The peer's IP address."""
    peer_sent_fin: bool
    """True if the peer will send no more. It may still read, but a browser that sends FIN has closed its side."""

    @property
    def is_encrypted(self) -> bool:
        """Return True if the peer speaks TLS to this server itself."""

    def answered(self, exchange: "Exchange") -> None:
        """Write the answer when its turn comes: `exchange.answer` has been set, or another piece has come."""

    def refused(self, response: Response) -> None:
        """Log an answer of status 400 or above, which is about to be sent."""

    def limit_unacknowledged(self, octets: int) -> None:
        """Let the system keep at most about this many octets of answers that the peer has not acknowledged."""

    def hold(self) -> None:
        """Read no further request until `release`. A handler calls this, before it returns, to slow its peer down."""

    def release(self) -> None:
        """End one `hold`; read on if it was the last one."""


class Pieces(Protocol):
    """An answer that is sent in pieces, as the connection sees it (`stream.Stream`, `large.LargeAnswer`)."""

    is_behind: bool
    """True while the producer has to wait for earlier answers, or for the peer to read."""
    is_done: bool
    """True if no further piece will come."""
    must_reset: bool
    """True if the answer ends early, and only a reset shows that to the peer."""
    ends_with_connection: bool
    """True if the answer has neither a length nor chunks (HTTP/1.0), so that FIN marks its end."""

    @property
    def octets(self) -> int:
        """The octets of this answer that are not written yet, without those of `shared`."""

    @property
    def shared(self) -> Body:
        """The body that other answers may share; empty for none."""

    @property
    def wants_turn(self) -> bool:
        """Return True if there is more to write after other connections had their turn."""

    def pass_on(self, write: Callable[[bytes | memoryview], None]) -> None:
        """Write the pieces that have come since the last call, at most as much as one turn allows."""

    def caught_up(self) -> None:
        """Let the producer go on."""

    def break_off(self) -> None:
        """End the answer early, in a way that the peer can notice."""

    def drop(self) -> None:
        """Report to the producer, once, that nobody waits for the rest."""


class Exchange:
    """A request that waits for its answer.

    Attributes:
        sender: the connection of the request.
        head: the request's head; None if the request could not be read, or is answered.
        answer: the bytes to send, None before there are any.
        pieces: the answer, if it is sent in pieces; then `answer` is empty once it has begun.
        closes: True if the connection ends after this answer.
        is_dropped: True if nobody waits for the answer: the peer has gone, or the connection has ended.
    """

    __slots__ = ("answer", "closes", "head", "is_dropped", "pieces", "sender")

    def __init__(self, sender: Sender, head: Head | None) -> None:
        self.sender = sender
        self.head = head
        self.answer: bytes | None = None
        self.pieces: Pieces | None = None
        self.is_dropped = False
        self.closes = head is None or not head.keep_alive

    def respond(self, response: Response) -> None:
        """Send the answer. Drop it if the request is answered already: then its handler was too late."""
        if self.answer is not None:
            return
        if response.status >= 400:
            self.sender.refused(response if self.head is None else response._replace(head=self.head))
        if self.is_dropped:
            self.answer = b""
            return
        replaced, self.pieces = self.pieces, None  # an answer in pieces that has not begun
        self.closes = self.closes or response.closes
        body = body_of(response, self.head)
        if len(body) > LARGE_BYTES:
            from winlogd.http.large import LargeAnswer  # loaded with the first large answer

            self.answer = b""
            self.pieces = LargeAnswer(encode_head(response, self.head, self.closes), body)
        else:
            self.answer = encode(response, self.head, self.closes)
        self.head = None  # not needed while the answer waits for earlier ones
        self.sender.answered(self)
        if replaced is not None:
            replaced.drop()  # last: its producer may fail

    @property
    def is_open(self) -> bool:
        """Return True if the request is not answered, and its peer still waits."""
        return self.answer is None and not self.is_dropped

    def drop(self) -> None:
        """Note that nobody waits for the answer. A refusal is still logged."""
        self.is_dropped = True
        self.head = None
        self._drop_pieces()

    def fail(self, response: Response) -> None:
        """Answer for a handler that has failed; an answer in pieces that has begun ends early instead."""
        if self.pieces is not None and self.answer is not None:
            self.pieces.break_off()
        else:
            self.respond(response)

    def _drop_pieces(self) -> None:
        if self.pieces is not None:
            pieces, self.pieces = self.pieces, None
            pieces.drop()

    def respond_ok(self, body: bytes) -> None:
        """Answer 200 with the JSON `body`.

        This is the frequent case, without the fields of rare ones. It takes 0.3 µs; `respond` takes 1.5 µs.
        """
        head = self.head
        if self.answer is not None or head is None or self.closes or not head.plain:
            self.respond(Response(200, body))
            return
        self.answer = _ok_json_head(len(body)) + body
        self.head = None
        self.sender.answered(self)


@lru_cache(maxsize=256)
def _ok_json_head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length


Handler = Callable[[Exchange, bytes], None]
"""Answers one request, now or later. Its arguments are the exchange and the request's body."""
