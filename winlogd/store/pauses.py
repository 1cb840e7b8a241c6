"""Pauses in long work that is done beside the events, such as the check of a copy, or an export.

Events wait for such work where the processor is busy: it keeps a core until the system's next tick, which may be 4 ms
away. A lower priority alone does not change that. This file must not know what the work is.
"""

import time
from collections.abc import Callable
from math import inf
from typing import Final

import apsw

INSTRUCTIONS_A_CALL: Final = 100
"""SQLite calls the handler after this many instructions of its virtual machine, or pages of a check: about 1 ms of
``PRAGMA integrity_check`` at most."""
_PIECE_S: Final = 0.0003
"""A pause comes when the work has gone on for this long: a fraction of an event's own COMMIT."""
_PAUSE_FOR_WORK: Final = 9.0
"""While events come, a pause is this many times as long as the work before it. To check 100 MB then takes some 6 s."""
_LONGEST_PAUSE_S: Final = 1.0
"""The usual longest pause. Work may take long because of a slow disk."""
_EVENTS_COME_S: Final = 1.0
"""Events come if the last one was written less than this ago."""


class Pauses:
    """Pauses in some work.

    Args:
        written: returns what changes when events are written.
        sleep: sleeps for some seconds.
        longest_s: the longest pause.
    """

    def __init__(
        self,
        written: Callable[[], object],
        sleep: Callable[[float], None] = time.sleep,
        longest_s: float = _LONGEST_PAUSE_S,
    ) -> None:
        self._written = written
        self._sleep = sleep
        self._longest_s = longest_s
        self._seen, self._seen_s = written(), -inf
        self._begun_s = time.monotonic()

    def begin(self, connection: apsw.Connection) -> None:
        """Make pauses in all further work of `connection`."""
        self._begun_s = time.monotonic()
        connection.set_progress_handler(self._goes_on, INSTRUCTIONS_A_CALL)

    def take(self) -> float:
        """Pause if it is time for it. Return how many seconds the pause took. Call this often between small works."""
        now_s = time.monotonic()
        if now_s - self._begun_s < _PIECE_S:
            return 0.0
        pause_s = min(_PAUSE_FOR_WORK * (now_s - self._begun_s), self._longest_s) if self.events_come() else 0.0
        if pause_s:
            self._sleep(pause_s)
        self._begun_s = time.monotonic()
        return pause_s

    def events_come(self) -> bool:
        """Return True if events were written a short time ago."""
        written, now_s = self._written(), time.monotonic()
        if written != self._seen:
            self._seen, self._seen_s = written, now_s
        return now_s - self._seen_s < _EVENTS_COME_S

    def _goes_on(self) -> bool:
        """Pause if it is time for it. Return False: the work is not interrupted."""
        self.take()
        return False
