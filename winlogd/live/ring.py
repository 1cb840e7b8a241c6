"""The last changes, for readers that come back. Pure: this file must not know what a change holds."""

from collections import deque
from typing import Final, final

from winlogd.live.change import Change

MOST_CHANGES: Final = 4_096
"""How many changes of a machine are kept. They take 1.2 MB for each view that is watched."""


@final
class Ring:
    """The last changes of one epoch, in order.

    Args:
        most: how many changes of a machine, and how many events, are kept at most.
    """

    __slots__ = ("_changes", "_machines", "_most")

    def __init__(self, most: int = MOST_CHANGES) -> None:
        self._most: Final = most
        self._machines = 0
        self._changes: deque[Change] = deque()

    def add(self, change: Change) -> None:
        """Keep a change, and forget the oldest ones that have no room beside it."""
        self._changes.append(change)
        self._machines += change.machines
        while self._machines > self._most or len(self._changes) > self._most:
            self._machines -= self._changes.popleft().machines

    def after(self, seq: int, last: int) -> list[Change] | None:
        """Return the changes after the number `seq`; None if some of them are forgotten, or if it was never given.

        Args:
            seq: the last change that the reader has seen.
            last: the number of the latest change.
        """
        if not 0 <= seq <= last:
            return None
        wanted = last - seq
        if wanted > len(self._changes):
            return None
        return [self._changes[number] for number in range(len(self._changes) - wanted, len(self._changes))]
