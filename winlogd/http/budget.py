"""Bound the memory that all connections together make the server keep; drop a connection when it is too much.

A limit for each connection is not enough: ten thousand of them, each with its 1 MiB of a body that never ends, are
10 GiB. Knows octets and their order; neither what the octets are nor what a connection is.
"""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from winlogd.http.shares import SMALL_BYTES, Bodies, Holding, Ranking, Share
from winlogd.http.wire.message import Body

if TYPE_CHECKING:  # types only
    from winlogd.http.protocols import Holder

_MAX_WAITING_BYTES: Final = 64 << 20
_SHARED_THAT_FIT: Final = 4
"""This many of the largest shared bodies always fit. A client that asks for a listing gets one that is made then. The
three listings before it may still be on their way to slow readers."""


class Budget:
    """The octets that all holders together may keep.

    When they keep too much, the address that holds most loses a holder first. That holder is the one that has held much
    for the longest: a client that makes progress holds much only for a moment. A holder of no more octets than an
    ordinary event has is dropped last of its address, because that would free next to nothing.

    Args:
        limit: octets that all may hold. A single holder may hold more, and so may holders that share a few bodies.
        is_many: returns True if an address stands for many clients (a proxy): each of its holders counts singly.
    """

    __slots__ = ("_bodies", "_is_many", "_limit", "_number", "_ranking", "_room", "_share_of", "_total")

    def __init__(self, limit: int, is_many: Callable[[str], bool]) -> None:
        self._limit = self._room = limit
        self._is_many = is_many
        self._bodies = Bodies()
        self._total = 0
        self._number = count(1)
        self._share_of: dict[Holder, Share] = {}
        self._ranking = Ranking()

    def hold(self, holder: "Holder", octets: int, shared: Body = b"") -> None:
        """Note what `holder` has now. Drop holders, perhaps `holder` itself, until all that is left fits.

        Args:
            holder: the connection that keeps the octets.
            octets: what this holder alone keeps.
            shared: a body that other holders may keep, too. It counts once, however many holders keep it.
        """
        if octets or shared or holder in self._share_of:
            self._put(holder, octets, shared)
            while self._total > self._room and len(self._share_of) > 1:
                longest = self._ranking.greatest().longest()
                self._put(longest, 0, b"")
                longest.drop_for_memory()

    def change(self, limit: int, is_many: Callable[[str], bool]) -> None:
        """Take other values of the same names as in `Budget`. They count from the next `hold` on.

        A holder that holds something keeps its share, though `is_many` may say something else of its address.
        """
        self._room = max(limit, self._room) if self._bodies.octets else limit
        self._limit = limit
        self._is_many = is_many

    def _put(self, holder: "Holder", octets: int, shared: Body) -> None:
        share = self._share_of.get(holder)
        if share is None:
            share = self._share_of[holder] = self._account_of(holder)
        had = share.put(holder, Holding(octets, shared, next(self._number)))
        self._total += octets - had.octets + self._bodies.change(had.shared, shared)
        if not (octets or shared):
            del self._share_of[holder]
        self._ranking.changed(share)
        if shared is not had.shared:
            fitting = _SHARED_THAT_FIT * len(shared)
            self._room = max(self._room, fitting) if self._bodies.octets else self._limit

    def _account_of(self, holder: "Holder") -> Share:
        key: object = holder if self._is_many(holder.peer) else holder.peer
        return self._ranking.shares.setdefault(key, Share(key))


class Allowance:
    """Room for whole requests that wait for their turn; their header sections count, too.

    No waiting request is dropped for a later one: the request that has waited longest is next, and its client is no
    more to blame than others. A request without room must be refused. Half of the room is for small requests alone.
    So a few large requests leave room for ordinary events to wait.

    Args:
        longest: octets that one request may have. A few requests of this size always fit.
    """

    __slots__ = ("_limit", "_total")

    def __init__(self, longest: int) -> None:
        self._total = 0
        self.change(longest)

    def change(self, longest: int) -> None:
        """Take another `longest`. Requests that wait keep their room."""
        self._limit = max(_MAX_WAITING_BYTES, 4 * longest)

    def take(self, octets: int) -> bool:
        """Reserve room for a request of `octets` that is to wait. Return False if there is none."""
        if self._total + octets > (self._limit if octets <= SMALL_BYTES else self._limit // 2):
            return False
        self._total += octets
        return True

    def give_back(self, octets: int) -> None:
        """Free the room of a request of `octets` that waits no more."""
        self._total -= octets
