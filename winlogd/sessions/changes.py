"""Which pairs have changed: the writer's thread notes them, and the event loop takes them.

A Book has such a note only while somebody follows the state of the machines. Events, automatic and expired ends, and
the rows of other programs are noted alike. Pure: no SQL, no clock. This file must not know who follows.
"""

from collections import deque
from collections.abc import Callable, Iterable

from winlogd.sessions.pair import PairKey


class Changes:
    """The pairs that have changed since they were taken last.

    Two threads share this without a lock. `deque.append` and `deque.popleft` are atomic, and the flag may at worst
    cause one announcement too many: the loop clears it before it takes, the writer sets it after it has noted.

    Args:
        announce: called on the writer's thread when there is something to take; once until `take`.
    """

    __slots__ = ("_announce", "_is_announced", "_noted")

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce
        self._is_announced = False
        self._noted: deque[Iterable[PairKey] | None] = deque()

    def note(self, keys: Iterable[PairKey]) -> None:
        """Note pairs whose committed rows have changed. `keys` must not change any more.

        Without a key, it only announces that rows may have come.
        """
        self._noted.append(keys)
        self._tell()

    def note_all(self) -> None:
        """Note that any pair may have changed."""
        self._noted.append(None)
        self._tell()

    def take(self) -> frozenset[PairKey] | None:
        """Return what was noted, and forget it. Return None if any pair may have changed. The loop calls this."""
        self._is_announced = False
        taken: set[PairKey] = set()
        is_all = False
        while self._noted:
            keys = self._noted.popleft()
            if keys is None:
                is_all = True
            else:
                taken.update(keys)
        return None if is_all else frozenset(taken)

    def _tell(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self._announce()
