"""One feed: the stream of Server-Sent Events of one reader, at the pace of that reader.

While the reader is behind, its events wait here. They are shared with all other feeds, so that they take no memory of
their own. A reader that stays too far behind, or for too long, loses its connection and comes back. This file must not
know what an event says.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, final

from winlogd.http.exchange import Exchange
from winlogd.http.stream import Piece, Stream
from winlogd.live.view import Watcher

FIELDS: Final = (
    ("Content-Type", "text/event-stream; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Accel-Buffering", "no"),  # nginx passes each event on at once
)
SEND_BUFFER_BYTES: Final = 64 << 10
"""The system keeps at most about twice this for a reader that does not read. Without a limit it was 3.9 MB."""
MOST_WAITING_BYTES: Final = 256 << 10
"""A reader that is further behind is dropped: to load the snapshot again costs less."""
LONGEST_BEHIND_S: Final = 20.0
"""A reader that does not catch up within this time is dropped."""


@final
class Feed:
    """One feed.

    Args:
        exchange: the request.
        watcher: who asks.
        clock: returns seconds on the loop's clock.
        gone: called once when the feed has ended without `end`.

    Attributes:
        watcher: who asks.
    """

    __slots__ = ("_behind_since_s", "_clock", "_sender", "_stream", "_waiting", "_waiting_bytes", "watcher")

    def __init__(
        self, exchange: Exchange, watcher: Watcher, clock: Callable[[], float], gone: "Callable[[Feed], None]"
    ) -> None:
        self.watcher: Final = watcher
        self._clock: Final = clock
        self._waiting: deque[Piece] = deque()
        self._waiting_bytes = 0
        self._behind_since_s = 0.0
        self._stream = Stream(exchange, self._catch_up, lambda: gone(self))
        self._sender: Final = exchange.sender
        exchange.sender.limit_unacknowledged(SEND_BUFFER_BYTES)

    @property
    def is_done(self) -> bool:
        """Return True if nothing more can be sent: the peer has gone, or the request was HEAD."""
        return self._stream.is_done

    @property
    def is_hopeless(self) -> bool:
        """Return True if the reader has closed its side, or is too far behind, or for too long.

        No reader of a feed ends its side alone. Who comes back at once must not find the place taken.
        """
        if self._sender.peer_sent_fin:
            return True
        if not self._waiting:
            return False
        return (
            self._waiting_bytes > MOST_WAITING_BYTES or self._clock() - self._behind_since_s > LONGEST_BEHIND_S
        )  # fmt: skip

    def begin(self, pieces: Iterable[Piece]) -> None:
        """Send the header section and the first pieces."""
        self._stream.begin(200, FIELDS)
        for piece in pieces:
            self.send(piece)

    def send(self, piece: Piece) -> None:
        """Send a piece as soon as the reader has read enough of the earlier ones."""
        if self._stream.is_done:
            return
        if not self._waiting and not self._stream.is_behind:
            self._stream.send_shared(piece)
            return
        if not self._waiting:
            self._behind_since_s = self._clock()
        self._waiting.append(piece)
        self._waiting_bytes += len(piece.chunk)

    def end(self, last: Piece | None = None) -> None:
        """End the feed in an orderly way, after what waits for the reader and a last piece."""
        self._behind_since_s = self._clock()
        while self._waiting:
            self._stream.send_shared(self._waiting.popleft())
        if last is not None:
            self._stream.send_shared(last)
        self._stream.end()

    def cut(self) -> None:
        """End the feed, and send nothing of what waits: its reader may read no more."""
        self._waiting.clear()
        self._stream.end()

    def drop(self) -> None:
        """End the connection at once, and free what its reader has not read."""
        self._waiting.clear()
        self._stream.reset()

    def _catch_up(self) -> None:
        """Send what waits, until the reader is behind again. That it has read so much is progress."""
        self._behind_since_s = self._clock()
        while self._waiting and not self._stream.is_behind:
            piece = self._waiting.popleft()
            self._waiting_bytes -= len(piece.chunk)
            self._stream.send_shared(piece)
