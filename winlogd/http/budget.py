"""What all connections together make the server keep in memory, and who has to go without when that is too much.

A limit for each connection is not enough: ten thousand of them, each with its 1 MiB of a body that never ends, are
10 GiB. Knows octets and their order; not what they are, nor what a connection is.
"""

from collections.abc import Callable
from itertools import count
from typing import Final

from winlogd.http.shares import SMALL_BYTES, Bodies, Holder, Holding, Ranking, Share
from winlogd.http.wire.message import Body

_MAX_WAITING_BYTES: Final = 64 << 20
_SHARED_THAT_FIT: Final = 4
"""So many of the largest shared bodies fit in any case. Who asks for a listing gets one that is made then, and the
three before it may still be on their way to those that read slowly."""


class Budget:
    """Octets that many may hold together.

    Where that is too much, the address that holds most loses first. Of its holders the one goes that has held much for
    the longest: a client that goes on is done with it in a moment. Those that hold no more than an ordinary event has
    end only when the address has no other: their end would free next to nothing.

    Args:
        limit: octets that all may hold; one alone may hold more, and so may those that share a few bodies.
        is_many: says of an address that it stands for many clients (a proxy): each of its holders counts singly.
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

    def hold(self, holder: Holder, octets: int, shared: Body = b"") -> None:
        """Note what `holder` has now; it may itself be the one that ends.

        Args:
            holder: whoever has it.
            octets: that nobody else has.
            shared: a body that others may have, too. It counts once, however many have it.
        """
        if octets or shared or holder in self._share_of:
            self._put(holder, octets, shared)
            while self._total > self._room and len(self._share_of) > 1:
                longest = self._ranking.greatest().longest()
                self._put(longest, 0, b"")
                longest.shed()

    def _put(self, holder: Holder, octets: int, shared: Body) -> None:
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

    def _account_of(self, holder: Holder) -> Share:
        key: object = holder if self._is_many(holder.peer) else holder.peer
        return self._ranking.shares.setdefault(key, Share(key))


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
        if self._total + octets > (self._limit if octets <= SMALL_BYTES else self._limit // 2):
            return False
        self._total += octets
        return True

    def give_back(self, octets: int) -> None:
        """Told that a request of `octets` for which room was taken waits no more."""
        self._total -= octets
