"""A large answer that is all there: it is sent in slices, as its peer takes them.

So a peer that does not read keeps nothing busy but a slice, and the body that all share who have asked for it. Loaded
with the first large answer. Knows octets; neither sockets nor what is sent.
"""

from collections.abc import Callable
from typing import Final

from winlogd.http.wire.message import Body

_SLICE_BYTES: Final = 16 << 10
"""What is written at once. A transport with TLS takes in all of it, whether its peer reads or not."""
_TURN_BYTES: Final = 256 << 10
"""What is written in one turn: 0.1 ms without TLS, in which all others wait."""


class LargeAnswer:
    """One answer, for one peer.

    Args:
        head: its status line and header section.
        body: what follows; others may send the same.

    Attributes:
        is_behind: whether the peer has to read before more is written.
        is_done: whether all was written, or the peer has gone.
        must_reset: never.
        ends_with_connection: never: the answer has a Content-Length.
    """

    __slots__ = ("_head", "_sent", "ends_with_connection", "is_behind", "is_done", "must_reset", "shared")

    def __init__(self, head: bytes, body: Body) -> None:
        self._head = head
        self._sent = 0
        self.shared: Body = body
        self.is_behind = True
        self.is_done = False
        self.must_reset = False
        self.ends_with_connection = False

    @property
    def octets(self) -> int:
        """Octets that are this answer's alone."""
        return len(self._head)

    @property
    def wants_turn(self) -> bool:
        """Return True if there is more to write, and the peer reads."""
        return not (self.is_behind or self.is_done)

    def pass_on(self, write: Callable[[bytes | memoryview], None]) -> None:
        """Write on, until the peer is behind or the turn is over."""
        if self.is_behind:
            return
        head, self._head = self._head, b""
        if head:
            write(head)
        body, left = memoryview(self.shared), _TURN_BYTES
        while left > 0 and not (self.is_behind or self.is_done):
            piece = body[self._sent : self._sent + _SLICE_BYTES]
            self._sent += len(piece)
            left -= len(piece)
            self.is_done = self._sent == len(body)
            write(bytes(piece) if self.is_done else piece)  # nobody counts the body for what is left of the last one

    def caught_up(self) -> None:
        """Wait for the next turn."""

    def break_off(self) -> None:
        """Go on: its handler has failed, but the answer is complete."""

    def drop(self) -> None:
        """Let go of the body."""
        self.is_done = True
        self._head = b""
        self.shared = b""
