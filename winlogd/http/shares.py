"""What each address holds, and which of them holds most.

Knows octets and their order; neither limits nor what a holder is.
"""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Final, Protocol

from winlogd.http.wire.message import Body

SMALL_BYTES: Final = 4096
"""The existing clients' events have less than a quarter of it."""
_RANK_BITS: Final = 5
"""Shares that differ by less than a sixteenth may count as equal: then who has held for longer decides."""
_MOST_STALE: Final = 64
"""So many entries of a ranking may be out of date, and three times as many as there are shares."""


class Holder(Protocol):
    """What keeps octets."""

    @property
    def peer(self) -> str:
        """The address on whose account they are."""

    def shed(self) -> None:
        """End, so that the octets are freed."""


class Bodies:
    """What several may hold together: each of them counts once, however many hold it.

    Attributes:
        octets: of all of them.
    """

    __slots__ = ("_holders", "octets")

    def __init__(self) -> None:
        self._holders: dict[int, int] = {}  # by identity: a digest of 25 MB takes milliseconds
        self.octets = 0

    def change(self, before: Body, after: Body) -> int:
        """Note that somebody who had one body has another, either of which may be empty; return the growth."""
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
    """What one holder has.

    Args:
        octets: that nobody else has.
        shared: a body that others may have, too; empty for none.
        since: when it began to hold so much; greater is later.
    """

    __slots__ = ("octets", "shared", "since")

    def __init__(self, octets: int, shared: Body, since: int) -> None:
        self.octets: Final = octets
        self.shared: Final = shared
        self.since = since


_NOTHING: Final = Holding(0, b"", 0)


class Share:
    """What one address holds, by holder.

    Args:
        key: stands for the address.

    Attributes:
        octets: of all its holders together, a body that they share counted once.
        ranked: the place for which a `Ranking` has an entry; None when it has none that counts.
    """

    __slots__ = ("_bodies", "_large", "_small", "key", "octets", "ranked")

    def __init__(self, key: object) -> None:
        self.key: Final = key
        self.octets = 0
        self.ranked: tuple[int, int] | None = None
        self._bodies = Bodies()
        self._small: dict[Holder, Holding] = {}  # in the order of `since`
        self._large: dict[Holder, Holding] = {}  # the same of those with more than `SMALL_BYTES`

    def __bool__(self) -> bool:
        """Return True if anybody holds anything."""
        return bool(self._small or self._large)

    def put(self, holder: Holder, holding: Holding) -> Holding:
        """Note what `holder`, one of this address, has now; return what it had before.

        What it has counts from its own `since` on only where it has not had as much before.
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

    def longest(self) -> Holder:
        """Return who has held much for the longest; where nobody holds much, who has held any for the longest."""
        return next(iter(self._large or self._small))

    def place(self) -> tuple[int, int]:
        """Return what the share is ranked by: less goes first."""
        rest = max(self.octets.bit_length() - _RANK_BITS, 0)
        longest = next(iter((self._large or self._small).values()))
        return -(self.octets >> rest << rest), longest.since


class Ranking:
    """Shares, the greatest first; of equal ones the one whose longest holder has held for longer.

    An entry is made when a share comes nearer to the front. One that has gone back is moved when it is at the front,
    so that each change costs O(log n), and most cost nothing.
    """

    __slots__ = ("_entries", "_number", "shares")

    def __init__(self) -> None:
        self.shares: dict[object, Share] = {}
        self._entries: list[tuple[tuple[int, int], int, Share]] = []
        self._number = count()  # so that no two shares are ever compared

    def changed(self, share: Share) -> None:
        """Take notice that `share` holds more or less than before, or nothing."""
        if not share:
            share.ranked = None
            self.shares.pop(share.key, None)
            return
        place = share.place()
        if share.ranked is None or place < share.ranked:
            share.ranked = place
            heappush(self._entries, (place, next(self._number), share))
            if len(self._entries) > 4 * len(self.shares) + _MOST_STALE:
                self._begin_anew()

    def greatest(self) -> Share:
        """Return the share that comes first; there has to be one."""
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

    def _begin_anew(self) -> None:
        self._entries = []
        for share in self.shares.values():
            share.ranked = share.place()
            self._entries.append((share.ranked, next(self._number), share))
        heapify(self._entries)
