"""The one writer of `winlog.access`: a thread with a queue. The event loop asks, and gets the results.

The thread begins with the first work. All work that waits shares one transaction. After ten minutes without work the
file is closed; the next work opens it again. This file must not load SQL before that, nor know what the work is.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from winlogd.store.access_file.errors import AccessFileError

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.access_file.file import AccessFile

T = TypeVar("T")

_IDLE_S: Final = 600.0
_LOOK_AGAIN_S: Final = 0.05
"""While SQLite is not configured yet, look this often if the server stops."""
_STOPPING: Final = "winlogd is stopping"


class _Asked(NamedTuple):
    """Work in the queue.

    Attributes:
        work: what `file.AccessFile.run` takes.
        answered: called on the loop's thread.
        missing: the result if there is no file yet and none has to be made. `_MAKE` makes one.
    """

    work: "Callable[[apsw.Connection], Any]"
    answered: Callable[[Any], None]
    missing: Any


_MAKE: Final = object()


def _nothing(*_: object) -> None:
    """Do nothing."""


_REST: Final = _Asked(_nothing, _nothing, None)
"""In the queue: close the file."""


class AccessWriter:
    """The writer. All methods are called on the event loop's thread.

    Args:
        loop: the event loop.
        path: the file.
        may_open: set when SQLite is configured for the process; the file is not opened before.
        idle_s: seconds without work after which the file is closed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, path: str, may_open: threading.Event, idle_s: float = _IDLE_S
    ) -> None:
        self._loop = loop
        self._path = path
        self._may_open = may_open
        self._idle_s = idle_s
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_stopping = False  # the loop writes it, the thread looks at it
        self._ended: Callable[[], None] = _nothing

    def ask(
        self,
        work: "Callable[[apsw.Connection], T]",
        answered: "Callable[[T | Exception], None]",
        missing: object = _MAKE,
    ) -> None:
        """Have work done in a transaction.

        Args:
            work: called on the writer's thread.
            answered: called on the loop's thread, when the transaction is on the disk, with the result or the
                exception. `AccessFileError` means that nothing is stored.
            missing: the result if there is no file yet. Without it, the file is made.
        """
        if self._is_stopping:
            answered(AccessFileError(_STOPPING))
            return
        self._queue.put(_Asked(work, answered, missing))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="access", daemon=True)
            self._thread.start()

    def rest(self) -> None:
        """Close the file after the work that waits: its WAL is gone then. The next work opens the file again."""
        if self._thread is not None and not self._is_stopping:
            self._queue.put(_REST)

    def stop(self, ended: Callable[[], None]) -> None:
        """Do the work that waits, close the file, and end the thread. `ended` is called afterwards."""
        self._is_stopping = True
        if self._thread is None:
            ended()
            return
        self._ended = ended
        self._queue.put(None)

    def _deliver(self, answers: list[tuple[Callable[[Any], None], Any]]) -> None:
        for answered, outcome in answers:
            try:
                answered(outcome)
            except Exception as error:  # the others are answered all the same
                context = {"message": "an answer failed for a fault in winlogd itself", "exception": error}
                self._loop.call_exception_handler(context)

    # Everything below runs on the writer's thread.

    def _run(self) -> None:
        file: AccessFile | None = None
        while (batch := self._batch(file)) is not None:
            works = [asked for asked in batch if asked is not _REST]
            if works:
                file = self._work_off(works, file)
            if file is not None and len(works) < max(len(batch), 1):
                file.close()
                file = None
        if file is not None:
            file.close()
        self._loop.call_soon_threadsafe(self._ended)

    def _batch(self, file: "AccessFile | None") -> list[_Asked] | None:
        """Wait for work, and return all that waits. Return nothing if the file is idle, and None at the stop."""
        try:
            asked = self._queue.get(timeout=None if file is None else self._idle_s)
        except Empty:
            return []
        batch = [] if asked is None else [asked]
        while not self._queue.empty():
            if (further := self._queue.get()) is None:
                self._queue.put(None)  # the stop, after this batch
                break
            batch.append(further)
        return batch or None

    def _work_off(self, batch: list[_Asked], file: "AccessFile | None") -> "AccessFile | None":
        """Do some work. Return the open file; None after a fault, so that the next work opens it again."""
        outcomes: list[Any]
        try:
            file = file or self._opened(batch)
            outcomes = [each.missing for each in batch] if file is None else file.run([each.work for each in batch])
        except Exception as fault:
            outcomes = [fault] * len(batch)
            if file is not None:
                file.close()
                file = None
        answers = [(asked.answered, outcome) for asked, outcome in zip(batch, outcomes, strict=True)]
        self._loop.call_soon_threadsafe(self._deliver, answers)
        return file

    def _opened(self, batch: list[_Asked]) -> "AccessFile | None":
        """Open the file. Return None if there is none, and no work of the batch makes it."""
        from winlogd.store.access_file.file import AccessFile, is_missing  # loads SQL

        while not self._may_open.wait(_LOOK_AGAIN_S):
            if self._is_stopping:
                raise AccessFileError(_STOPPING)
        if is_missing(self._path) and not any(each.missing is _MAKE for each in batch):
            return None
        return AccessFile(self._path)
