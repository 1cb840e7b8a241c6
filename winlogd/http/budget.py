"""What all connections together make the server keep in memory, and who has to go without when that is too much.

A limit for each connection is not enough: ten thousand of them, each with its 1 MiB of a body that never ends, are
10 GiB. Knows octets and their order; not what they are, nor what a connection is.
"""

from collections.abc import Callable
from itertools import count
from typing import Final

from winlogd.http.shares import SMALL_BYTES, Holder, Ranking, Share

_MAX_WAITING_BYTES: Final = 64 << 20


class Budget:
    """Octets that many may hold together.

    Where that is too much, the address that holds most loses first. Of its holders the one goes that has held much for
    the longest: a client that goes on is done with it in a moment. Those that hold no more than an ordinary event has
    end only when the address has no other: their end would free next to nothing.

    Args:
        limit: octets that all may hold; one alone may hold more.
        is_many: says of an address that it stands for many clients (a proxy): each of its holders counts singly.
    """

    __slots__ = ("_is_many", "_limit", "_number", "_ranking", "_share_of", "_total")

    def __init__(self, limit: int, is_many: Callable[[str], bool]) -> None:
        self._limit = limit
        self._is_many = is_many
        self._total = 0
        self._number = count(1)
        self._share_of: dict[Holder, Share] = {}
        self._ranking = Ranking()

    def hold(self, holder: Holder, octets: int) -> None:
        """Note how many octets `holder` has now; it may itself be the one that ends."""
        if octets or holder in self._share_of:
            self._put(holder, octets)
            while self._total > self._limit and len(self._share_of) > 1:
                longest = self._ranking.greatest().longest()
                self._put(longest, 0)
                longest.shed()

    def _put(self, holder: Holder, octets: int) -> None:
        share = self._share_of.get(holder)
        if share is None:
            share = self._share_of[holder] = self._account_of(holder)
        self._total += share.put(holder, octets, next(self._number))
        if not octets:
            del self._share_of[holder]
        self._ranking.changed(share)

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
