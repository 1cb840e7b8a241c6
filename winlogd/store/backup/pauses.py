"""Pauses in long work that a thread does beside the events, such as the check of a copy.

Events wait for such work where the processor is busy: a thread keeps a core until the system's next tick, which is
4 ms on many machines. A lower priority does not change that. This file must not know what the work is.
"""

import time
from collections.abc import Callable
from math import inf
from typing import Final

import apsw

_INSTRUCTIONS_A_CALL: Final = 100
"""SQLite calls the handler after this many instructions of its virtual machine, or pages of a check: about 1 ms of
``PRAGMA integrity_check`` at most."""
_PIECE_S: Final = 0.0003
"""A pause comes when the work has gone on for this long: a fraction of an event's own COMMIT."""
_PAUSE_FOR_WORK: Final = 9.0
"""While events come, a pause is this many times as long as the work before it. To check 100 MB then takes some 6 s."""
_MAX_PAUSE_S: Final = 1.0
"""The longest pause. Work may take long because of a slow disk."""
_EVENTS_COME_S: Final = 1.0
"""Events come if the last one was written less than this ago."""


class Pauses:
    """Pauses in the work of a connection.

    Args:
        written: returns what changes when events are written.
        sleep: sleeps for some seconds.
    """

    def __init__(self, written: Callable[[], object], sleep: Callable[[float], None] = time.sleep) -> None:
        self._written = written
        self._sleep = sleep
        self._seen, self._seen_s = written(), -inf
        self._begun_s = 0.0

    def begin(self, connection: apsw.Connection) -> None:
        """Make pauses in all further work of `connection`."""
        self._begun_s = time.monotonic()
        connection.set_progress_handler(self._goes_on, _INSTRUCTIONS_A_CALL)

    def _goes_on(self) -> bool:
        """Pause if it is time for it. Return False: the work is not interrupted."""
        now_s = time.monotonic()
        if now_s - self._begun_s >= _PIECE_S:
            if self._events_come(now_s):
                self._sleep(min(_PAUSE_FOR_WORK * (now_s - self._begun_s), _MAX_PAUSE_S))
            self._begun_s = time.monotonic()
        return False

    def _events_come(self, now_s: float) -> bool:
        written = self._written()
        if written != self._seen:
            self._seen, self._seen_s = written, now_s
        return now_s - self._seen_s < _EVENTS_COME_S
