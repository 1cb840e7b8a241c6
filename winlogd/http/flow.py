"""Every reason not to read from one peer; the only caller of `pause_reading` and `resume_reading`.

There are four. The peer leaves its answers unread. Somebody holds the connection: a handler that slows its peer down,
or a request that waits for the end of a congestion. As many requests wait for answers as may, or one large answer
does. The connection has had its turn and others wait for theirs. Knows the transport and the reasons; not requests.
"""

import asyncio
from collections.abc import Callable
from typing import Final

PAUSE_AT_REQUESTS: Final = 64
"""Stop reading the socket at this many unanswered requests."""
RESUME_BELOW_REQUESTS: Final = PAUSE_AT_REQUESTS // 2 + 1
"""Resume below this many."""
REQUESTS_PER_TURN: Final = 16
"""Handle so many requests of one connection, then let all others have their turn: 256 KiB of pipelined GETs, which
come in one piece, would hold up the event loop for 50 ms."""


IsFull = Callable[[int], bool]
"""Returns True if so many requests wait for answers, or a large answer is due."""


class Flow:
    """Whether one connection is read.

    Attributes:
        blocks: how many reasons others have given not to handle a request: each hold, and a peer that is behind.
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
        """Begin, with the transport of the connection."""
        self._transport = transport

    @property
    def is_held(self) -> bool:
        """Return True if a reason not to read is another than the peer's."""
        return self.blocks > self.peer_is_behind

    def hold(self) -> None:
        """Read no further request until `release`."""
        self.blocks += 1
        self.pause()

    def release(self) -> None:
        """End one `hold`; the connection asks `may_resume` then."""
        self.blocks -= 1

    def fall_behind(self) -> None:
        """Handle no further request: the peer does not read its answers."""
        if not self.peer_is_behind:
            self.peer_is_behind = True
            self.blocks += 1

    def catch_up(self) -> None:
        """End what `fall_behind` began."""
        if self.peer_is_behind:
            self.peer_is_behind = False
            self.blocks -= 1

    def must_pause(self, is_full: IsFull) -> bool:
        """Return True if no further request may be handled now; then the socket is not read any more."""
        if self.blocks or is_full(PAUSE_AT_REQUESTS):
            self.pause()
            return True
        return False

    def may_resume(self, is_full: IsFull) -> bool:
        """Return True if the socket is not read and no reason for that is left."""
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
