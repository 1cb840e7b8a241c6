"""Checks that the rows of a Book still exist, after another program has committed.

The cost of an event must not grow with the number of open sessions. So the pairs of a batch are checked before the
batch is decided. All others are checked in pieces of a millisecond between the batches: 100 000 open sessions take half
a second. This file must not know when it is called. Everything here runs on the thread that writes.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Final, cast

import apsw
import orjson

from winlogd.sessions.book import Book
from winlogd.sessions.pair import PairKey

_PIECE_S: Final = 0.001
_SHORTEST_S: Final = 1e-6
"""A clock that stands still must not divide by zero."""
"""How long one piece of the check should take."""
_MIN_PAIRS: Final = 16
_MAX_PAIRS: Final = 4096
"""The fewest and the most pairs of one piece, however long it takes."""
_STILL_THERE: Final = "SELECT id FROM events_today WHERE id IN (SELECT value FROM json_each(?))"


class Recheck:
    """The pairs of one Book that have to be checked.

    Args:
        connection: the database.
        book: the Book of the same connection.
    """

    __slots__ = ("_again", "_at", "_book", "_connection", "_keys", "_pairs")

    def __init__(self, connection: apsw.Connection, book: Book) -> None:
        self._connection = connection
        self._book = book
        self._keys: Sequence[PairKey] = ()
        self._at = 0
        self._again = False
        self._pairs = _MIN_PAIRS

    @property
    def is_due(self) -> bool:
        """Return True if there are pairs that were not checked since another program has committed."""
        return self._at < len(self._keys)

    def begin(self) -> None:
        """Take note that another program has committed: check every pair again.

        A check that has begun ends first. Otherwise it would never end while a program commits all the time.
        """
        if self.is_due:
            self._again = True
        else:
            self._keys, self._at = list(self._book.pairs), 0

    def check(self, keys: Iterable[PairKey]) -> None:
        """Check some pairs now, and forget rows of theirs that are gone.

        Raises:
            apsw.Error: SQLite's own.
        """
        pairs = [(key, pair) for key in keys if (pair := self._book.pairs.get(key)) is not None]
        ids = [event_id for _, pair in pairs for event_id in pair.event_ids()]
        if not ids:
            return
        found = self._connection.execute(_STILL_THERE, (orjson.dumps(ids).decode(),))
        there = {cast("int", event_id) for (event_id,) in found}
        for key, pair in pairs:
            if not there.issuperset(pair.event_ids()):
                self._book.keep(key, there)

    def go_on(self) -> None:
        """Check the next pairs, for about a millisecond.

        Raises:
            apsw.Error: SQLite's own.
        """
        begun_s = time.monotonic()
        self.check(self._keys[self._at : self._at + self._pairs])
        self._at += self._pairs
        took_s = time.monotonic() - begun_s
        self._pairs = max(_MIN_PAIRS, min(int(self._pairs * min(2.0, _PIECE_S / max(took_s, _SHORTEST_S))), _MAX_PAIRS))
        if not self.is_due:
            self._keys, self._at = (list(self._book.pairs) if self._again else ()), 0
            self._again = False
