"""The part of the server that a connection uses: a connection can be understood and tested without a server.

Types only. Knows values; neither the server nor the connection.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from winlogd.http.congestion import Congestion
from winlogd.http.exchange import Handler
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Body, Head, Response
from winlogd.http.wire.parser import HeadCache

Connection = TypeVar("Connection", contravariant=True)
"""The class of the connections.

The parts of a connection use a Service[Never], because they call no method that takes a connection."""


class Service(Protocol[Connection]):
    """The server, as its connections see it."""

    limits: Limits
    heads: HeadCache
    stopping: bool
    congestion: Congestion
    """Keeps the unsafe requests (POST and the like) that have to wait while the server is congested."""
    unanswered: Response
    """The answer to a request whose handler takes too long."""
    now: float
    """Seconds on the loop's clock, at most about a second old. It is exact enough for idle times, and costs nothing."""

    def clock(self) -> float:
        """Return the exact time, in seconds on the loop's clock."""

    def soon(self, callback: Callable[[], None]) -> object:
        """Call `callback` soon, after all sockets had their turn."""

    def in_turn(self, connection: Connection) -> None:
        """Call the connection's `take_turn` once, after the turns of connections that have asked before."""

    def keeps(self, connection: Connection, octets: int) -> None:
        """Note how many octets of unhandled requests `connection` keeps. Drop connections if there is no room."""

    def owes(self, connection: Connection, octets: int, shared: Body) -> None:
        """Note how many octets of answers wait for a peer. Drop connections if there is no room.

        Args:
            connection: that of the peer. It may be dropped itself.
            octets: those that the peer shares with no other.
            shared: a body that may wait for other peers, too; empty for none.
        """

    def handler_for(self, head: Head) -> Handler:
        """Return the handler for requests with `head`."""

    def opened(self, connection: Connection) -> Response | None:
        """Register a connection. Return the answer that refuses it if there are too many, otherwise None."""

    def closed(self, connection: Connection) -> None:
        """Forget a connection, which has ended."""

    def refused(self, peer: str, response: Response) -> None:
        """Log an answer of status 400 or above."""

    def failed(self, error: Exception) -> None:
        """Log an exception that a handler or a producer has raised."""
