"""What each address holds, and which of them holds most.

Knows octets and their order; neither limits nor what a holder is.
"""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Final, Protocol

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


class Share:
    """What one address holds, by holder.

    Args:
        key: stands for the address.

    Attributes:
        octets: of all its holders together.
        ranked: the place for which a `Ranking` has an entry; None when it has none that counts.
    """

    __slots__ = ("_large", "_small", "key", "octets", "ranked")

    def __init__(self, key: object) -> None:
        self.key: Final = key
        self.octets = 0
        self.ranked: tuple[int, int] | None = None
        self._small: dict[Holder, tuple[int, int]] = {}  # octets and since when, in the order of the latter
        self._large: dict[Holder, tuple[int, int]] = {}  # the same of those with more than `SMALL_BYTES`

    def __bool__(self) -> bool:
        """Return True if anybody holds anything."""
        return bool(self._small or self._large)

    def put(self, holder: Holder, octets: int, now: int) -> int:
        """Note how many octets `holder` has; return by how many more these are than before.

        Args:
            holder: one of this address.
            octets: 0 if it is none any more.
            now: greater with each call.
        """
        before = self._large if holder in self._large else self._small
        after = self._large if octets > SMALL_BYTES else self._small
        had, since = before.get(holder, (0, now))
        if before is not after or not octets:
            before.pop(holder, None)
            since = now
        if octets:
            after[holder] = octets, since
        self.octets += octets - had
        return octets - had

    def longest(self) -> Holder:
        """Return who has held much for the longest; where nobody holds much, who has held any for the longest."""
        return next(iter(self._large or self._small))

    def place(self) -> tuple[int, int]:
        """Return what the share is ranked by: less goes first."""
        rest = max(self.octets.bit_length() - _RANK_BITS, 0)
        _, since = next(iter((self._large or self._small).values()))
        return -(self.octets >> rest << rest), since


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
