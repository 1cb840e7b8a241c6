"""What a connection asks of the server, and nothing more: so that it can be read and tested without one.

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
"""The class of the connections, which uses this one. Parts of a connection use a Service[Never]: they ask for nothing
that takes a connection."""


class Service(Protocol[Connection]):
    """What all connections share: the server, seen from below."""

    limits: Limits
    heads: HeadCache
    stopping: bool
    congestion: Congestion
    """Says when requests that ask for something to be done have to wait, and keeps them."""
    unanswered: Response
    """What is answered for a handler that takes too long."""
    now: float
    """Seconds on the loop's clock, about a second old at most: precise enough for idle times, and free."""

    def clock(self) -> float:
        """Seconds on the loop's clock, exactly."""

    def soon(self, callback: Callable[[], None]) -> object:
        """Calls `callback` after all sockets have had their turn."""

    def in_turn(self, connection: Connection) -> None:
        """Calls the connection's `take_turn` after those of others that have asked before, once."""

    def keeps(self, connection: Connection, octets: int) -> None:
        """Told how many octets of requests that are not handled yet `connection` keeps; it may be shed for that."""

    def owes(self, connection: Connection, octets: int, shared: Body) -> None:
        """Told how many octets of answers wait for a peer, and which body that others may share: empty for none.

        `connection` may be shed for that.
        """

    def handler_for(self, head: Head) -> Handler:
        """The handler for requests with `head`."""

    def opened(self, connection: Connection) -> Response | None:
        """Registers a connection; what it is answered when there are too many, otherwise None."""

    def closed(self, connection: Connection) -> None:
        """Forgets a connection."""

    def refused(self, peer: str, response: Response) -> None:
        """Told of every answer of status 400 or above."""

    def failed(self, error: Exception) -> None:
        """Told of an exception that a handler let through."""
