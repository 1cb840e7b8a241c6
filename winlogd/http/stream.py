"""An answer in pieces, for what is long or has no end: a producer sends, and waits while its peer is behind.

In HTTP/1.1 the pieces are chunks (RFC 9112 §7.1). HTTP/1.0 has none, there the end of the connection is the end of
the answer (RFC 9112 §6.3). HEAD gets the header section alone. The answers before this one are sent first, and no
further request is read before it has ended.

A producer that waits while `is_behind` keeps a bounded memory busy, whatever its peer does. A peer that takes nothing
for `Limits.idle_timeout` is reset; one that reads on, however slowly, is not. When the server stops, a stream may go
on until the server is aborted.

Belongs to the event loop's thread. Knows how pieces are framed; neither sockets nor what is sent.
"""

from collections.abc import Callable
from typing import Final

from winlogd.http.exchange import Exchange
from winlogd.http.responses import FAILED
from winlogd.http.wire.message import encode_stream_head

_LAST_CHUNK: Final = b"0\r\n\r\n"


class Stream:
    """Answers one request in pieces.

    Made instead of a call of `Exchange.respond`. Until `begin` the time limit for answers counts: a request that
    takes longer is answered 503, and the producer is told that its peer has gone.

    Args:
        exchange: the request.
        caught_up: called when `is_behind` is no longer true; never while `begin`, `send` or `end` runs.
        gone: called once when nobody waits for the rest any more; not after `end` or `break_off`.

    Attributes:
        is_behind: whether the producer has to wait: for the answers before this one, or for its peer to read. What is
            sent all the same is kept in memory.
        is_done: whether no further piece is taken: it has ended, the peer has gone, or HEAD asked.
        must_reset: for the connection: the answer ends early, and only a reset tells the peer so.
        ends_with_connection: for the connection: the peer takes FIN for the end of the answer (HTTP/1.0).
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
            status: the status code, of a success with content; one of `REASONS`.
            fields: (name, value) pairs, Content-Type among them; not Content-Length, Transfer-Encoding or Connection.
        """
        exchange, head = self._exchange, self._exchange.head
        if self.is_done or head is None:
            return
        self._is_chunked = head.minor > 0
        if not self._is_chunked:
            exchange.closes = True
            self.ends_with_connection = head.method != "HEAD"
        self._kept.append(encode_stream_head(status, fields, head, exchange.closes))
        exchange.answer = b""  # it has begun: nobody else answers any more
        if head.method == "HEAD":
            self._finish()
        exchange.head = None
        exchange.sender.answered(exchange)

    def send(self, octets: bytes) -> None:
        """Send a piece after those before it; nothing when `is_done`."""
        if self.is_done or not octets:
            return
        assert self._exchange.answer is not None, "a stream has to begin first"
        self._kept.append(b"%x\r\n%b\r\n" % (len(octets), octets) if self._is_chunked else octets)
        self._exchange.sender.answered(self._exchange)

    def end(self) -> None:
        """End the answer; nothing when `is_done`."""
        if self.is_done:
            return
        assert self._exchange.answer is not None, "a stream has to begin first"
        if self._is_chunked:
            self._kept.append(_LAST_CHUNK)
        self._finish()
        self._exchange.sender.answered(self._exchange)

    def break_off(self) -> None:
        """End the answer early, for a producer that has failed: the peer can tell that it is not complete.

        One that has not begun is answered 500. Otherwise the connection ends without the last chunk; in HTTP/1.0, where
        the end of the connection would pass for the end of the answer, by a reset.
        """
        if self.is_done:
            return
        self._finish()
        if self._exchange.answer is None:  # it has not begun
            self._exchange.respond(FAILED)
            return
        self.must_reset = not self._is_chunked
        self._exchange.closes = True
        self._exchange.sender.answered(self._exchange)

    # ── what the connection asks for ──────────────────────────────────────────────────────────────────

    @property
    def octets(self) -> int:
        """Octets that wait for this answer's turn."""
        return sum(map(len, self._kept))

    @property
    def shared(self) -> bytes:
        """Nothing: pieces are made for one peer."""
        return b""

    @property
    def wants_turn(self) -> bool:
        """Return False: what has come was written, and the producer says when there is more."""
        return False

    def pass_on(self, write: Callable[[bytes], None]) -> None:
        """Write what has come since the last time."""
        kept, self._kept = self._kept, []
        for piece in kept:
            write(piece)

    def caught_up(self) -> None:
        """Let the producer go on."""
        self._caught_up()

    def drop(self) -> None:
        """Tell the producer, once, that nobody waits for the rest."""
        self._kept.clear()
        if not self.is_done:
            gone = self._gone
            self._finish()
            gone()

    def _finish(self) -> None:
        """Take no further piece, and let go of the producer."""
        self.is_done = True
        self._caught_up = self._gone = _nothing


def _nothing() -> None:
    """Nobody is told any more."""
