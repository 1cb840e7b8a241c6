"""Requests that wait while more comes than can be done: which are kept, in which order they are taken up.

Knows requests and their order; neither what makes the server congested nor how a connection works.
"""

from asyncio import AbstractEventLoop
from collections import OrderedDict
from typing import Final, Protocol

from winlogd.http.budget import Allowance
from winlogd.http.wire.message import Head

_TAKEN_UP_AT_ONCE: Final = 128
"""Deferred requests that are handled in one round of the loop: some 2 ms."""


class Asker(Protocol):
    """A connection with a request that waits."""

    def take_up(self, head: Head, body: bytes) -> None:
        """Handle the request that was deferred."""


class Congestion:
    """The requests that wait, of all connections together.

    Args:
        loop: the event loop on which they are taken up.
        longest: octets that one body may have.

    Attributes:
        is_on: whether requests that ask for something to be done have to wait.
    """

    __slots__ = ("_deferred", "_loop", "_room", "is_on")

    def __init__(self, loop: AbstractEventLoop, longest: int) -> None:
        self._loop = loop
        self._room = Allowance(longest)
        self._deferred: OrderedDict[Asker, tuple[Head, bytes]] = OrderedDict()
        self.is_on = False

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._deferred)

    def begin(self) -> None:
        """Let requests that ask for something to be done wait, from now on: their connections are not read.

        Connections that send none go on, and safe requests (GET and the like) are answered.
        """
        self.is_on = True

    def end(self) -> None:
        """Take up what waits, in the order in which it came, until `begin` is called again."""
        self.is_on = False
        self._loop.call_soon(self._take_up_some)

    def defer(self, asker: Asker, head: Head, body: bytes) -> bool:
        """Keep a request until the congestion is over, then give it to the asker's `take_up`.

        An asker with a request that waits may not ask for another.

        Returns:
            True if there was room for it.
        """
        if not self._room.take(head.octets + len(body)):
            return False
        self._deferred[asker] = (head, body)
        return True

    def forget(self, asker: Asker) -> tuple[Head, bytes] | None:
        """Drop the request of `asker` that waits, and return it; None if there is none."""
        request = self._deferred.pop(asker, None)
        if request is not None:
            head, body = request
            self._room.give_back(head.octets + len(body))
        return request

    def _take_up_some(self) -> None:
        deferred = self._deferred
        for _ in range(min(len(deferred), _TAKEN_UP_AT_ONCE)):
            if self.is_on:
                return
            asker, (head, body) = deferred.popitem(last=False)
            self._room.give_back(head.octets + len(body))
            asker.take_up(head, body)
        if deferred:
            self._loop.call_soon(self._take_up_some)
