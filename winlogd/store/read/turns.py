"""Lets the threads that store events run between two rows of an answer that may come a little later.

This file must not know what is asked.

A thread that wakes up waits for its core until the reader's slice is over: 3 ms under Linux 6.6 and later. A lower
priority alone does not change that. P99 of 1 000 events a second was 3.2 to 3.4 ms beside the questions of the live
state. It is 1.3 to 1.5 ms since the reader gives way (`python -m bench.beside_feeds --feeds 2 --seconds 8`).

Only the live state's questions for some machines give way. When all questions did, those of sixteen clients had a P99
that was a tenth longer, and that of events was no shorter (`python -m bench --scenario queries --variant room`).
"""

import os
import time
from collections.abc import Callable
from typing import Final, final

import apsw

_PIECE_S: Final = 10e-6
"""The shortest work between two times: an `os.sched_yield` costs 0.5 µs."""


@final
class Turns:
    """The turns of one connection's work and of other threads, while the block of a ``with`` runs.

    Args:
        connection: it gives way before each statement and after each row. Long statements without rows do not.
        clock: returns seconds on a monotonic clock.
        let_others_run: lets others that wait run first.
    """

    __slots__ = ("_clock", "_connection", "_let_others_run", "_not_before_s")

    def __init__(
        self,
        connection: apsw.Connection,
        clock: Callable[[], float] = time.monotonic,
        let_others_run: Callable[[], None] = os.sched_yield,
    ) -> None:
        self._clock: Final = clock
        self._let_others_run: Final = let_others_run
        self._connection: Final = connection
        self._not_before_s = 0.0

    def __enter__(self) -> None:
        """Begin to give way."""
        self._connection.exec_trace, self._connection.row_trace = self._before_statement, self._after_row

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._connection.exec_trace = self._connection.row_trace = None

    def _give_way(self) -> None:
        """Let others run that wait for this core or for Python's lock.

        Then the reader works for at least as long as the others did. Beside a program that takes the whole core, it
        would else wait for 13 ms after each row (`os.sched_yield` under Linux 6.18).
        """
        begun_s = self._clock()
        if begun_s >= self._not_before_s:
            self._let_others_run()
            ended_s = self._clock()
            self._not_before_s = ended_s + max(ended_s - begun_s, _PIECE_S)

    def _before_statement(self, _cursor: object, _sql: str, _bindings: object) -> bool:
        """Return True: the statement is to run. apsw calls this for each row of `executemany`, too."""
        self._give_way()
        return True

    def _after_row(self, _cursor: apsw.Cursor, row: "apsw.SQLiteValues") -> "apsw.SQLiteValues":
        """Return the row as it is."""
        self._give_way()
        return row
