"""What the parts of the server see of each other.

Types only: a running server does not load this file. Knows no part.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from winlogd.http.wire.message import Body, Head, Response

Waiting = TypeVar("Waiting", contravariant=True)
"""The class of the requests that wait for an answer."""


class Sender(Protocol[Waiting]):
    """The connection, as its exchanges see it."""

    peer: str
    """The peer's IP address."""
    peer_sent_fin: bool
    """True if the peer will send no more. It may still read, but a browser that sends FIN has closed its side."""

    @property
    def is_encrypted(self) -> bool:
        """Return True if the peer speaks TLS to this server itself."""

    def answered(self, exchange: Waiting) -> None:
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


class Owner(Protocol):
    """The connection, as its pipeline sees it."""

    def finish(self) -> None:
        """End the connection: the last answer was written."""

    def go_on(self) -> None:
        """Read on or close, if nothing else is due. Called after answers were written, or a hold has ended."""

    def owe(self, octets: int, shared: Body) -> None:
        """Report how many octets of answers wait for the peer. The connection may be dropped to free them.

        Args:
            octets: those that this peer shares with no other.
            shared: a body that may wait for other peers, too; empty for none.
        """

    def ask_for_turn(self) -> None:
        """Call `write_on` after other connections had their turn."""

    def abort(self) -> None:
        """End at once; with a reset if `must_reset`."""


class Reader(Protocol):
    """An object that waits for a turn."""

    def take_turn(self) -> None:
        """Do a little work, and ask for another turn if some is left."""


class Asker(Protocol):
    """A connection that has a deferred request."""

    def take_up(self, head: Head, body: bytes) -> None:
        """Handle the request that was deferred."""


class Holder(Protocol):
    """An object that keeps octets in memory, such as a connection."""

    @property
    def peer(self) -> str:
        """The address whose share the octets belong to."""

    def drop_for_memory(self) -> None:
        """End soon, so that the octets are freed."""


class Observer(Protocol):
    """The object that the server reports to."""

    def refused(self, peer: str, response: Response) -> None:
        """Note that an answer of status 400 or above is about to be sent to `peer`."""

    def failed(self, error: Exception) -> None:
        """Note that a handler or a producer has raised `error`. Only its own request fails."""

    def swept(self, now: float) -> None:
        """Note that about a second has passed while a peer was connected; `now` in seconds on the loop's clock."""


class Listener(Protocol):
    """An object that accepts connections."""

    def close(self) -> object:
        """Accept no more."""
