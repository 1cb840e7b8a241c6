"""A large answer that is complete in memory: it is sent in slices, as its peer reads them.

So a peer that does not read makes the server keep one slice, and the body that all its requesters share. Loaded with
the first large answer. Knows octets; neither sockets nor what they mean.
"""

from collections.abc import Callable
from typing import Final

from winlogd.http.wire.message import Body

_SLICE_BYTES: Final = 16 << 10
"""The size of one write. A transport with TLS accepts all of it, even if its peer does not read."""
_TURN_BYTES: Final = 256 << 10
"""Write at most this much in one turn: 0.1 ms without TLS, in which all other connections wait."""


class LargeAnswer:
    """One answer, for one peer.

    Args:
        head: its status line and header section.
        body: its content, which other answers may share.

    Attributes:
        is_behind: True if the peer has to read before more is written.
        is_done: True if all was written, or the peer has gone.
        must_reset: False: the answer is always complete.
        ends_with_connection: False: the answer has a Content-Length.
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
        """The octets that this answer shares with no other."""
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
            # The last piece is copied: a view would keep the whole body, which does not count any more.
            write(bytes(piece) if self.is_done else piece)

    def caught_up(self) -> None:
        """Do nothing: the answer goes on in its next turn."""

    def break_off(self) -> None:
        """Do nothing: the handler has failed, but its answer is complete."""

    def drop(self) -> None:
        """Free the body."""
        self.is_done = True
        self._head = b""
        self.shared = b""
