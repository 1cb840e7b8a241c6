"""Keep every reason not to read from one peer. Only this file calls `pause_reading` and `resume_reading`.

There are four reasons:

- The peer leaves its answers unread.
- The connection is held: a handler slows its peer down, or a request waits for the end of a congestion.
- The greatest allowed number of requests wait for answers, or one large answer is due.
- The connection has had its turn, and other connections wait for theirs.

Knows the transport and the reasons; not requests.
"""

import asyncio
from collections.abc import Callable
from typing import Final

PAUSE_AT_REQUESTS: Final = 64
"""Stop reading the socket at this many unanswered requests."""
RESUME_BELOW_REQUESTS: Final = PAUSE_AT_REQUESTS // 2 + 1
"""Resume below this many."""
REQUESTS_PER_TURN: Final = 16
"""Handle this many requests of one connection, then let all others have their turn.

256 KiB of pipelined GETs come in one piece, and would hold up the event loop for 50 ms."""


IsFull = Callable[[int], bool]
"""Returns True if at least the given number of requests wait for answers, or a large answer is due."""


class Flow:
    """Reads one connection, or pauses it.

    Attributes:
        blocks: the number of holds, and one more if the peer is behind. Above 0 no request is handled.
        peer_is_behind: the peer leaves answers unread.
        is_paused: the socket is not read.
    """

    __slots__ = ("_transport", "blocks", "is_paused", "peer_is_behind")

    def __init__(self) -> None:
        self.blocks = 0
        self.peer_is_behind = False
        self.is_paused = False
        self._transport: asyncio.Transport

    def attach(self, transport: asyncio.Transport) -> None:
        """Start, with the transport of the connection."""
        self._transport = transport

    @property
    def is_held(self) -> bool:
        """Return True if the connection is held, for a reason that is not the peer's unread answers."""
        return self.blocks > self.peer_is_behind

    def hold(self) -> None:
        """Read no further request until `release`."""
        self.blocks += 1
        self.pause()

    def release(self) -> None:
        """End one `hold`. The connection then calls `may_resume`."""
        self.blocks -= 1

    def fall_behind(self) -> None:
        """Handle no further request: the peer does not read its answers."""
        if not self.peer_is_behind:
            self.peer_is_behind = True
            self.blocks += 1

    def catch_up(self) -> None:
        """Allow requests again: the peer has read its answers."""
        if self.peer_is_behind:
            self.peer_is_behind = False
            self.blocks -= 1

    def must_pause(self, is_full: IsFull) -> bool:
        """Return True, and pause the socket, if no further request may be handled now."""
        if self.blocks or is_full(PAUSE_AT_REQUESTS):
            self.pause()
            return True
        return False

    def may_resume(self, is_full: IsFull) -> bool:
        """Return True if the socket is paused and no reason for that is left."""
        return self.is_paused and not (self.blocks or is_full(RESUME_BELOW_REQUESTS))

    def pause(self) -> None:
        """Stop reading the socket."""
        if not self.is_paused:
            self.is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read the socket again."""
        if self.is_paused:
            self.is_paused = False
            self._transport.resume_reading()
