"""An answer in pieces, for long or endless content: a producer sends pieces, and waits while its peer is behind.

In HTTP/1.1 the pieces are chunks (RFC 9112 §7.1). HTTP/1.0 has no chunks: the end of the connection is the end
of the answer (RFC 9112 §6.3). HEAD gets the header section alone. Earlier answers are sent first, and no further
request is read before the stream has ended.

The memory of a stream is bounded, whatever its peer does, if the producer waits while `is_behind`. The server resets a
peer that reads nothing for `Limits.idle_timeout`. It does not reset a peer that reads, however slowly. When the server
stops, a stream may go on until the server is aborted.

Belongs to the event loop's thread. Knows how pieces are framed; neither sockets nor what the pieces mean.
"""

from collections.abc import Callable
from typing import Final, final

from winlogd.http.exchange import Exchange
from winlogd.http.responses import FAILED
from winlogd.http.wire.message import Response, encode_stream_head

_LAST_CHUNK: Final = b"0\r\n\r\n"


@final
class Piece:
    """A piece of many streams: it is framed once, and no stream copies it.

    Args:
        octets: the piece; not empty.

    Attributes:
        chunk: the piece as a chunk.
    """

    __slots__ = ("_from", "chunk")

    def __init__(self, octets: bytes) -> None:
        self.chunk: Final = _chunk(octets)
        self._from: Final = len(self.chunk) - len(octets) - 2

    @property
    def octets(self) -> bytes:
        """Return the piece without its frame."""
        return self.chunk[self._from : -2]


class Stream:
    """Answers one request in pieces.

    A handler makes a Stream instead of a call of `Exchange.respond`. The time limit for answers counts until `begin`. A
    request that takes longer is answered 503, and `gone` is called.

    Args:
        exchange: the request.
        caught_up: called when `is_behind` becomes False; never while `begin`, `send` or `end` runs.
        gone: called once when nobody waits for the rest any more, or may read it; never after `end` or `break_off`.

    Attributes:
        is_behind: True while the producer has to wait for earlier answers, or for its peer to read. Pieces that it
            sends nevertheless are kept in memory.
        is_done: True if no further piece is accepted: the stream has ended, the peer has gone, or the method is HEAD.
        must_reset: True if the answer ends early, and only a reset shows that to the peer. For the connection.
        ends_with_connection: True if FIN marks the end of the answer (HTTP/1.0). For the connection.
    """

    __slots__ = (
        "_caught_up",
        "_exchange",
        "_gone",
        "_is_chunked",
        "_kept",
        "ends_with_connection",
        "is_behind",
        "is_done",
        "must_reset",
    )

    def __init__(self, exchange: Exchange, caught_up: Callable[[], None], gone: Callable[[], None]) -> None:
        self._exchange = exchange
        self._caught_up = caught_up
        self._gone = gone
        self._is_chunked = False
        self._kept: list[bytes] = []
        self.is_behind = True
        self.is_done = not exchange.is_open
        self.must_reset = False
        self.ends_with_connection = False
        if not self.is_done:
            exchange.pieces = self

    def begin(self, status: int, fields: tuple[tuple[str, str], ...]) -> None:
        """Send the header section.

        Args:
            status: the status code of a success with content; one of `REASONS`.
            fields: (name, value) pairs, with Content-Type; without Content-Length, Transfer-Encoding and Connection.
        """
        exchange, head = self._exchange, self._exchange.head
        if self.is_done or head is None:
            return
        self._is_chunked = head.minor > 0
        if not self._is_chunked:
            exchange.closes = True
            self.ends_with_connection = head.method != "HEAD"
        self._kept.append(encode_stream_head(status, fields, head, exchange.closes))
        exchange.answer = b""  # the answer has begun: no other can take its place
        if head.method == "HEAD":
            self._finish()
        exchange.head = None
        exchange.sender.answered(exchange)

    def send(self, octets: bytes) -> None:
        """Send the next piece; do nothing if `is_done`."""
        if self.is_done or not octets:
            return
        assert self._exchange.answer is not None, "a stream has to begin first"
        self._kept.append(_chunk(octets) if self._is_chunked else octets)
        self._exchange.sender.answered(self._exchange)

    def send_shared(self, piece: Piece) -> None:
        """Send a piece that other streams send, too; do nothing if `is_done`."""
        if self.is_done:
            return
        assert self._exchange.answer is not None, "a stream has to begin first"
        self._kept.append(piece.chunk if self._is_chunked else piece.octets)
        self._exchange.sender.answered(self._exchange)

    def end(self) -> None:
        """End the answer; do nothing if `is_done`."""
        if self.is_done:
            return
        assert self._exchange.answer is not None, "a stream has to begin first"
        if self._is_chunked:
            self._kept.append(_LAST_CHUNK)
        self._finish()
        self._exchange.sender.answered(self._exchange)

    def break_off(self) -> None:
        """End the answer early, after a failure of its producer. The peer can notice that it is not complete.

        A request whose answer has not begun gets 500. Otherwise the connection ends without the last chunk. In HTTP/1.0
        FIN would pass for the end of the answer, so that the connection ends with a reset.
        """
        if self.is_done:
            return
        self._finish()
        if self._exchange.answer is None:  # the answer has not begun
            self._exchange.respond(FAILED)
            return
        self.must_reset = not self._is_chunked
        self._exchange.closes = True
        self._exchange.sender.answered(self._exchange)

    def reset(self) -> None:
        """End the connection at once with a reset, and free what its peer has not read; do nothing if `is_done`."""
        if self.is_done:
            return
        self._kept.clear()
        self._finish()
        self.must_reset = self.ends_with_connection = self._exchange.closes = True
        self._exchange.sender.answered(self._exchange)

    def cut_off(self, refusal: Response) -> None:
        """End the answer early for a reason that its producer does not know: the peer may not read on. Call `gone`.

        Args:
            refusal: the answer to a request whose answer has not begun. Otherwise see `break_off`.
        """
        if self.is_done:
            return
        if self._exchange.answer is None:
            self._exchange.respond(refusal)  # drops this stream
            return
        gone = self._gone
        self.break_off()
        gone()

    # ── what the connection asks for ──────────────────────────────────────────────────────────────────

    @property
    def octets(self) -> int:
        """The octets that are not written yet."""
        return sum(map(len, self._kept))

    @property
    def shared(self) -> bytes:
        """The empty body: pieces are made for one peer."""
        return b""

    @property
    def wants_turn(self) -> bool:
        """Return False: all pieces that have come are written, and the producer sends more by itself."""
        return False

    def pass_on(self, write: Callable[[bytes], None]) -> None:
        """Write the pieces that have come since the last call."""
        kept, self._kept = self._kept, []
        for piece in kept:
            write(piece)

    def caught_up(self) -> None:
        """Let the producer go on."""
        self._caught_up()

    def drop(self) -> None:
        """Report to the producer, once, that nobody waits for the rest."""
        self._kept.clear()
        if not self.is_done:
            gone = self._gone
            self._finish()
            gone()

    def _finish(self) -> None:
        """Accept no further piece, and drop the references to the producer."""
        self.is_done = True
        self._caught_up = self._gone = _nothing


def _chunk(octets: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(octets), octets)


def _nothing() -> None:
    """Do nothing: the producer needs no report any more."""
