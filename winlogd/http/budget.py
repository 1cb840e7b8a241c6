"""What all connections together make the server keep in memory, and whose connection ends when that is too much.

A limit for each connection is not enough: ten thousand of them, each with its 1 MiB of a body that never ends, are
10 GiB. Knows octets and their order; not what they are, nor what a connection is.
"""

from typing import Protocol


class Holder(Protocol):
    """What keeps octets."""

    def shed(self) -> None:
        """Ends, so that its octets are freed."""


class Budget:
    """Octets that many may hold together.

    Who has held some for the longest ends first: a client that goes on is done with them in a moment.

    Args:
        limit: octets that all may hold; one alone may hold more.
    """

    __slots__ = ("_held", "_limit", "_total")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._held: dict[Holder, int] = {}  # in the order in which they began to hold any

    def hold(self, holder: Holder, octets: int) -> None:
        """Notes how many octets `holder` has now; it may itself be the one that ends."""
        held = self._held
        if not octets:
            self._total -= held.pop(holder, 0)
            return
        self._total += octets - held.get(holder, 0)
        held[holder] = octets
        while self._total > self._limit and len(held) > 1:
            longest = next(iter(held))
            self._total -= held.pop(longest)
            longest.shed()
