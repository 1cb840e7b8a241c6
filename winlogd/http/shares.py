"""Count the octets that each address holds, and find the address that holds most.

Knows octets and their order; neither limits nor connections.
"""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import TYPE_CHECKING, Final

from winlogd.http.wire.message import Body

if TYPE_CHECKING:  # types only
    from winlogd.http.protocols import Holder

SMALL_BYTES: Final = 4096
"""A holder of at most this much holds little. The events of the existing clients have less than a quarter of it."""
_RANK_BITS: Final = 5
"""The number of leading bits that are compared. Shares that differ by less than a sixteenth may count as equal.

Of equal shares the one whose holder has held for longer comes first."""
_MOST_STALE: Final = 64
"""A ranking may have this many outdated entries, and three more for each share."""


class Bodies:
    """Bodies that several holders may share. Each body counts once, however many holders it has.

    Attributes:
        octets: the sum of all bodies.
    """

    __slots__ = ("_holders", "octets")

    def __init__(self) -> None:
        self._holders: dict[int, int] = {}  # by identity: hashing 25 MB takes milliseconds
        self.octets = 0

    def change(self, before: Body, after: Body) -> int:
        """Note that a holder has given up the body `before` and got `after`. Return the growth in octets.

        Args:
            before: the former body; empty for none.
            after: the present body; empty for none.
        """
        octets = self.octets
        if after is not before:
            self._add(after)
            self._remove(before)
        return self.octets - octets

    def _add(self, body: Body) -> None:
        if body:
            holders = self._holders.get(id(body), 0)
            self._holders[id(body)] = holders + 1
            if not holders:
                self.octets += len(body)

    def _remove(self, body: Body) -> None:
        if body:
            holders = self._holders.pop(id(body)) - 1
            if holders:
                self._holders[id(body)] = holders
            else:
                self.octets -= len(body)


class Holding:
    """The octets of one holder.

    Args:
        octets: those that this holder shares with no other.
        shared: a body that other holders may share; empty for none.
        since: a number that says when it began to hold so much; greater is later.
    """

    __slots__ = ("octets", "shared", "since")

    def __init__(self, octets: int, shared: Body, since: int) -> None:
        self.octets: Final = octets
        self.shared: Final = shared
        self.since = since


_NOTHING: Final = Holding(0, b"", 0)


class Share:
    """The octets of one address, by holder.

    Args:
        key: identifies the address.

    Attributes:
        octets: those of all its holders together. A body that they share counts once.
        ranked: the place of its valid entry in a `Ranking`; None if it has no valid entry.
    """

    __slots__ = ("_bodies", "_large", "_small", "key", "octets", "ranked")

    def __init__(self, key: object) -> None:
        self.key: Final = key
        self.octets = 0
        self.ranked: tuple[int, int] | None = None
        self._bodies = Bodies()
        self._small: dict[Holder, Holding] = {}  # in the order of `since`
        self._large: dict[Holder, Holding] = {}  # the same, for holders of more than `SMALL_BYTES`

    def __bool__(self) -> bool:
        """Return True if a holder of this address holds octets."""
        return bool(self._small or self._large)

    def put(self, holder: "Holder", holding: Holding) -> Holding:
        """Note what `holder`, which belongs to this address, holds now. Return what it held before.

        A holder that stays small, or stays large, keeps its former `since`.
        """
        size = holding.octets + len(holding.shared)
        before = self._large if holder in self._large else self._small
        after = self._large if size > SMALL_BYTES else self._small
        had = before.get(holder, _NOTHING)
        if before is not after or not size:
            before.pop(holder, None)
        if before is after and had is not _NOTHING:
            holding.since = had.since
        if size:
            after[holder] = holding
        self.octets += holding.octets - had.octets + self._bodies.change(had.shared, holding.shared)
        return had

    def longest(self) -> "Holder":
        """Return the holder that has held much for the longest; if none holds much, the one that has held longest."""
        return next(iter(self._large or self._small))

    def place(self) -> tuple[int, int]:
        """Return the key by which shares are ranked: the least comes first."""
        rest = max(self.octets.bit_length() - _RANK_BITS, 0)
        longest = next(iter((self._large or self._small).values()))
        return -(self.octets >> rest << rest), longest.since


class Ranking:
    """Ranks shares: the greatest first, and of equal shares the one whose holder has held for longer.

    A share gets a new entry when it moves towards the front. A share that moves back keeps its entry until the entry
    comes to the front. So a change costs O(log n), and most changes cost nothing.
    """

    __slots__ = ("_entries", "_number", "shares")

    def __init__(self) -> None:
        self.shares: dict[object, Share] = {}
        self._entries: list[tuple[tuple[int, int], int, Share]] = []
        self._number = count()  # so that no two shares are ever compared

    def changed(self, share: Share) -> None:
        """Rank `share` again: it holds more or less than before, or nothing."""
        if not share:
            share.ranked = None
            self.shares.pop(share.key, None)
            return
        place = share.place()
        if share.ranked is None or place < share.ranked:
            share.ranked = place
            heappush(self._entries, (place, next(self._number), share))
            if len(self._entries) > 4 * len(self.shares) + _MOST_STALE:
                self._rebuild()

    def greatest(self) -> Share:
        """Return the share that comes first. There must be at least one."""
        entries = self._entries
        while True:
            place, number, share = entries[0]
            if place != share.ranked:
                heappop(entries)
            elif (now := share.place()) != place:
                share.ranked = now
                heapreplace(entries, (now, number, share))
            else:
                return share

    def _rebuild(self) -> None:
        self._entries = []
        for share in self.shares.values():
            share.ranked = share.place()
            self._entries.append((share.ranked, next(self._number), share))
        heapify(self._entries)
