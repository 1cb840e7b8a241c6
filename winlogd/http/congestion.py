"""Requests that wait while the server is congested: which are kept, and in which order they are handled.

Knows requests and their order; neither what makes the server congested nor how a connection works.
"""

from asyncio import AbstractEventLoop
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from winlogd.http.budget import Allowance
from winlogd.http.wire.message import Head

if TYPE_CHECKING:  # types only
    from winlogd.http.protocols import Asker

_TAKEN_UP_AT_ONCE: Final = 128
"""The number of deferred requests that one round of the loop handles: about 2 ms."""


class Congestion:
    """The deferred requests of all connections.

    Args:
        loop: the event loop on which the deferred requests are handled.
        longest: octets that one body may have.

    Attributes:
        is_on: True while unsafe requests (POST and the like) have to wait.
    """

    __slots__ = ("_deferred", "_loop", "_room", "is_on")

    def __init__(self, loop: AbstractEventLoop, longest: int) -> None:
        self._loop = loop
        self._room = Allowance(longest)
        self._deferred: OrderedDict[Asker, tuple[Head, bytes]] = OrderedDict()
        self.is_on = False

    def __len__(self) -> int:
        """Return the number of deferred requests."""
        return len(self._deferred)

    def change(self, longest: int) -> None:
        """Take another `longest`. Deferred requests stay."""
        self._room.change(longest)

    def begin(self) -> None:
        """From now on defer unsafe requests (POST and the like), and stop reading their connections.

        Safe requests (GET and the like) are answered, and connections that send only these are read.
        """
        self.is_on = True

    def end(self) -> None:
        """Handle the deferred requests in the order in which they came, until `begin` is called again."""
        self.is_on = False
        self._loop.call_soon(self._take_up_some)

    def defer(self, asker: "Asker", head: Head, body: bytes) -> bool:
        """Keep a request until the congestion is over, then give it to `asker.take_up`.

        An asker that has a deferred request must not defer another.

        Returns:
            True if there was room for it.
        """
        if not self._room.take(head.octets + len(body)):
            return False
        self._deferred[asker] = (head, body)
        return True

    def forget(self, asker: "Asker") -> tuple[Head, bytes] | None:
        """Drop the deferred request of `asker`, and return it; None if there is none."""
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
