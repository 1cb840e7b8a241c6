"""How the writer waits for a database that is locked, or for a disk that is full or fails.

It waits until the database can be written, or until a stop is requested and no event waits. Events go on coming
meanwhile; each is answered as unavailable at its own deadline. This file must not know SQL.
"""

import time
from typing import TYPE_CHECKING, Final

import apsw

from winlogd.store.errors import StoppedError
from winlogd.store.file.faults import LOCKS
from winlogd.store.submission import Fault, Result
from winlogd.store.writer.inbox import Inbox

if TYPE_CHECKING:  # types only
    from winlogd.store.writer.listener import Listener

_RETRY_S: Final = 0.05
"""The pause between two attempts."""
_FIRST_RETRY_S: Final = 0.001
"""The first pause for a lock. Each further one is twice as long, up to `_RETRY_S`."""
_REPORT_AFTER_S: Final = 1.0
"""Report a wait for a lock after this time. Shorter waits are normal, and not worth a line in the log."""


class Patience:
    """How the writer waits.

    Args:
        inbox: holds the waiting events.
        listener: notified of each kind of error once, and when the wait is over.

    Attributes:
        reported: the kinds of errors that were reported and have not passed.
        is_in_a_step: True while a job's step runs, which does not wait for locks.
    """

    __slots__ = ("_inbox", "_listener", "is_in_a_step", "reported")

    def __init__(self, inbox: Inbox, listener: "Listener") -> None:
        self._inbox = inbox
        self._listener = listener
        self.reported: set[type[Exception]] = set()
        self.is_in_a_step = False

    def report(self, error: Exception) -> None:
        """Notify the listener why the writer waits, once for each kind of error."""
        if type(error) not in self.reported:
            self.reported.add(type(error))
            self._listener.waiting(error)

    def end(self) -> None:
        """Notify the listener that the database was written again."""
        self.reported.clear()
        self._listener.recovered()

    def end_of_lock(self) -> None:
        """Take note of a transaction that wrote nothing: a lock has passed, but the disk may still be full or fail."""
        if self.reported <= {*LOCKS}:
            self.end()

    @property
    def events_wait(self) -> bool:
        """Return True if events wait."""
        return bool(self._inbox.waiting)

    def take_in(self) -> None:
        """Take new events out of the queue, and answer overdue ones as unavailable."""
        self._inbox.take_all_in()
        overdue: list[Result] = [(submission, Fault.UNAVAILABLE) for submission in self._inbox.take_overdue()]
        if overdue:
            self._listener.finished(overdue)

    def pause(self) -> None:
        """Wait a little before the next attempt."""
        time.sleep(_RETRY_S)

    def pause_for_lock(self, attempts: int) -> None:
        """Wait for a lock: a moment at first, longer after more `attempts`. Most locks are short."""
        if attempts * _RETRY_S >= _REPORT_AFTER_S:
            self.report(apsw.BusyError("the database is locked by another program"))
        time.sleep(min(_RETRY_S, _FIRST_RETRY_S * 2 ** min(attempts, 10)))

    def wait_to_open(self, error: Exception) -> None:
        """Wait a little for a database that could not be opened.

        Raises:
            StoppedError: a stop was requested, and no event waits.
        """
        self.report(error)
        if self.may_stop():
            raise StoppedError
        self.pause()

    def may_stop(self) -> bool:
        """Take new events in. Return True if a stop was requested and no event waits: opening may be given up."""
        self.take_in()
        return self._inbox.is_stopping and not self._inbox.waiting
