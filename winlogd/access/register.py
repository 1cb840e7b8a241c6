"""The readers on the event loop: loaded at the first read, replaced with each change, dropped after a fault.

After a fault the next request loads the file again. So a file that is damaged or gone closes reading, and one that is
repaired opens it. This file must not know requests.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from winlogd.access.readers import Reader, Readers
from winlogd.log.log import Log
from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.access_file.readers import ReaderRow, list_readers, note_use
from winlogd.store.access_file.writer import AccessWriter

if TYPE_CHECKING:  # types only
    import apsw

T = TypeVar("T")

US: Final = 1_000_000
_USE_EVERY_US: Final = 60 * US
"""Write the last use of a token at most this often."""
_SAME_FAULT_EVERY_S: Final = 60.0


class Register:
    """The readers. All methods are called on the event loop's thread.

    Args:
        writer: reads and writes the file.
        log: gets a line for each fault of the file.
    """

    def __init__(self, writer: AccessWriter, log: Log) -> None:
        self._writer = writer
        self._log = log
        self._known: Readers | None = None
        self._waiting: list[Callable[[Readers | None], None]] = []
        self._used_us: dict[int, int] = {}
        self._fault = ""
        self._fault_at_s = 0.0

    def look_up(self, then: Callable[[Readers | None], None]) -> None:
        """Call `then` with the readers, at once if they are known; with None if the file cannot be used."""
        if self._known is not None:
            then(self._known)
            return
        self._waiting.append(then)
        if len(self._waiting) == 1:
            self._writer.ask(list_readers, self._loaded, missing=[])

    def write(self, work: "Callable[[apsw.Connection], T]", answered: "Callable[[T | Exception], None]") -> None:
        """Have work done that changes no reader. `answered` gets the result or the exception."""

        def done(outcome: T | Exception) -> None:
            self._note(outcome)
            answered(outcome)

        self._writer.ask(work, done)

    def change(self, work: "Callable[[apsw.Connection], T]", answered: "Callable[[T | Exception], None]") -> None:
        """Have work done that may change readers. The change counts before `answered` is called."""

        def both(connection: "apsw.Connection") -> tuple[T, list[ReaderRow]]:
            return work(connection), list_readers(connection)

        def done(outcome: "tuple[T, list[ReaderRow]] | Exception") -> None:
            self._note(outcome)
            if isinstance(outcome, Exception):
                answered(outcome)
            else:
                self._known = Readers(outcome[1])
                answered(outcome[0])

        self._writer.ask(both, done)

    def note_use(self, reader: Reader, now_us: int) -> None:
        """Note that a token was used. The file gets it at most once a minute, and nobody waits for it."""
        number = reader.number
        if number is None or abs(now_us - self._used_us.get(number, 0)) < _USE_EVERY_US:
            return
        self._used_us[number] = now_us
        self.write(lambda connection: note_use(connection, number, now_us), _forget)

    def _loaded(self, outcome: list[ReaderRow] | Exception) -> None:
        self._note(outcome)
        self._known = None if isinstance(outcome, Exception) else Readers(outcome)
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(self._known)

    def _note(self, outcome: object) -> None:
        """Forget the readers after a fault of the file. Log the fault, the same one once a minute."""
        if not isinstance(outcome, Exception) or isinstance(outcome, OrderRefusedError):
            return
        self._known = None
        now_s = time.monotonic()
        if str(outcome) == self._fault and now_s - self._fault_at_s < _SAME_FAULT_EVERY_S:
            return
        self._fault, self._fault_at_s = str(outcome), now_s
        if isinstance(outcome, AccessFileError):
            self._log.error("access", "the readers' file cannot be used; nobody reads", cause=str(outcome))
        else:
            self._log.exception("access", "the readers' file failed for a fault in winlogd itself", outcome)


def _forget(_: Any) -> None:  # noqa: ANN401  # a result that nobody needs
    """Do nothing with a result."""
