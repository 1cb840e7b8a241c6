"""What all connections together make the server keep in memory, and who has to go without when that is too much.

A limit for each connection is not enough: ten thousand of them, each with its 1 MiB of a body that never ends, are
10 GiB. Knows octets and their order; not what they are, nor what a connection is.
"""

from typing import Final, Protocol

_MAX_WAITING_BYTES: Final = 64 << 20
_SMALL_BYTES: Final = 4096
"""The existing clients' events have less than a quarter of it."""


class Holder(Protocol):
    """What keeps octets."""

    def shed(self) -> None:
        """Ends, so that its octets are freed."""


class Budget:
    """Octets that many may hold together.

    Who has held much for the longest ends first: a client that goes on is done with it in a moment. Those that hold no
    more than an ordinary event has end only when there is nobody else: their end would free next to nothing.

    Args:
        limit: octets that all may hold; one alone may hold more.
    """

    __slots__ = ("_large", "_limit", "_small", "_total")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._small: dict[Holder, int] = {}  # in the order in which they began to hold any
        self._large: dict[Holder, int] = {}  # and in which they began to hold more than `_SMALL_BYTES`

    def hold(self, holder: Holder, octets: int) -> None:
        """Notes how many octets `holder` has now; it may itself be the one that ends."""
        small, large = self._small, self._large
        before, now = (large if holder in large else small), (large if octets > _SMALL_BYTES else small)
        self._total += octets - before.get(holder, 0)
        if before is not now or not octets:
            before.pop(holder, None)
        if octets:
            now[holder] = octets
        while self._total > self._limit and len(small) + len(large) > 1:
            holders = large or small
            longest = next(iter(holders))
            self._total -= holders.pop(longest)
            longest.shed()


class Allowance:
    """Octets of whole requests that wait for their turn, their header sections among them.

    Nothing is taken back for the sake of what comes later: who has waited for the longest is next, and is no more to
    blame than anybody else. What finds no room must be refused. Half of the room is for small requests alone, so that
    a few large ones keep no ordinary event from waiting.

    Args:
        longest: octets that one request may have; a few of these fit in any case.
    """

    __slots__ = ("_limit", "_total")

    def __init__(self, longest: int) -> None:
        self._limit = max(_MAX_WAITING_BYTES, 4 * longest)
        self._total = 0

    def take(self, octets: int) -> bool:
        """Takes room for a request that is to wait; whether there was any."""
        if self._total + octets > (self._limit if octets <= _SMALL_BYTES else self._limit // 2):
            return False
        self._total += octets
        return True

    def give_back(self, octets: int) -> None:
        """Told that a request of `octets` for which room was taken waits no more."""
        self._total -= octets
