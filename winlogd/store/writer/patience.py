"""Waiting for a database that is locked, or whose disk is full or failing: until it can be written, or nobody waits.

Events go on coming meanwhile, and each is answered as unavailable when its own deadline is over. Knows the events that
wait and who is told; neither SQL nor what is waited for.
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
"""Pause between two looks."""
_FIRST_RETRY_S: Final = 0.001
_TELL_AFTER_S: Final = 1.0
"""A shorter wait for a lock is everyday business and not worth a line in the log."""


class Patience:
    """How the writer waits.

    Args:
        inbox: what waits with it.
        listener: told why, once for each kind of reason, and when it is over.

    Attributes:
        told: the kinds of reasons that were told and have not passed.
        is_in_a_step: a job's own step is running, which waits for nothing.
    """

    __slots__ = ("_inbox", "_listener", "is_in_a_step", "told")

    def __init__(self, inbox: Inbox, listener: "Listener") -> None:
        self._inbox = inbox
        self._listener = listener
        self.told: set[type[Exception]] = set()
        self.is_in_a_step = False

    def tell(self, error: Exception) -> None:
        """Notes why there is to wait."""
        if type(error) not in self.told:
            self.told.add(type(error))
            self._listener.waiting(error)

    def end(self) -> None:
        """Notes that the database was written again."""
        self.told.clear()
        self._listener.recovered()

    def end_of_lock(self) -> None:
        """Notes that a transaction has begun that wrote nothing: no lock is left, and of a disk it tells nothing."""
        if self.told <= {*LOCKS}:
            self.end()

    @property
    def somebody_waits(self) -> bool:
        """Return True if events wait."""
        return bool(self._inbox.waiting)

    def hear(self) -> None:
        """Takes in what has come, and answers what is overdue."""
        self._inbox.take_all_in()
        overdue: list[Result] = [(submission, Fault.UNAVAILABLE) for submission in self._inbox.take_overdue()]
        if overdue:
            self._listener.finished(overdue)

    def pause(self) -> None:
        """Waits a little, for whatever it is."""
        time.sleep(_RETRY_S)

    def pause_for_lock(self, attempts: int) -> None:
        """Waits a little, the longer the more `attempts` there were; a lock is mostly held for a moment only."""
        if attempts * _RETRY_S >= _TELL_AFTER_S:
            self.tell(apsw.BusyError("the database is locked by another program"))
        time.sleep(min(_RETRY_S, _FIRST_RETRY_S * 2 ** min(attempts, 10)))

    def wait_to_open(self, error: Exception) -> None:
        """Waits a little for a database that could not be opened.

        Raises:
            StoppedError: there is nobody to wait for.
        """
        self.tell(error)
        if self.may_stop():
            raise StoppedError
        self.pause()

    def may_stop(self) -> bool:
        """Take in what has come. Return True if a stop was asked for and no event waits: opening may be given up."""
        self.hear()
        return self._inbox.is_stopping and not self._inbox.waiting
