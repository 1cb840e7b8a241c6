"""The readers on the event loop: loaded at the first read, replaced with each change, dropped after a fault.

After a fault the next request loads the file again. So a file that is damaged or gone closes reading, and one that is
repaired opens it. An answer in pieces, such as a download or a feed, is watched: it ends when its reader may not read
any more. This file must not know requests.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from winlogd.access.readers import USE_EVERY_US, Reader, Readers
from winlogd.access.watches import Answer, Watches
from winlogd.log.log import Log
from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.access_file.logins import Known, LoginRow, list_known, note_login
from winlogd.store.access_file.readers import note_use
from winlogd.store.access_file.writer import AccessWriter

if TYPE_CHECKING:  # types only
    import apsw

T = TypeVar("T")

_SAME_FAULT_EVERY_S: Final = 60.0
_NOT_READ: Final = "the readers' file cannot be used; nobody reads"
_NOT_WRITTEN: Final = "the readers' file cannot be written; the past is closed"


class Register:
    """The readers. All methods are called on the event loop's thread.

    Args:
        loop: the event loop.
        writer: reads and writes the file.
        log: gets a line for each fault of the file.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: AccessWriter, log: Log) -> None:
        self._writer = writer
        self._log = log
        self._known: Readers | None = None
        self._last_known = Readers(())  # those of `_known`; kept during a fault for answers that have begun
        self._watches = Watches(loop, self._ends_us)
        self._era = 0
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
            self._writer.ask(list_known, self._loaded, missing=Known([], []))

    def write(self, work: "Callable[[apsw.Connection], T]", answered: "Callable[[T | Exception], None]") -> None:
        """Have work done that changes no reader. `answered` gets the result or the exception."""

        def done(outcome: T | Exception) -> None:
            self._note(outcome, _NOT_WRITTEN)
            answered(outcome)

        self._writer.ask(work, done)

    def prune(self, work: "Callable[[apsw.Connection], None]") -> None:
        """Have old rows removed, if there is a file. Nobody waits for it."""
        self._writer.ask(work, lambda outcome: self._note(outcome, _NOT_WRITTEN), missing=None)

    def change(self, work: "Callable[[apsw.Connection], T]", answered: "Callable[[T | Exception], None]") -> None:
        """Have work done that may change readers or logins. The change counts before `answered` is called."""

        def both(connection: "apsw.Connection") -> tuple[T, Known]:
            return work(connection), list_known(connection)

        def done(outcome: "tuple[T, Known] | Exception") -> None:
            self._note(outcome, _NOT_WRITTEN)
            if isinstance(outcome, Exception):
                answered(outcome)
            else:
                self._take(Readers(*outcome[1]))
                answered(outcome[0])

        self._writer.ask(both, done)

    def note_use(self, reader: Reader, now_us: int) -> None:
        """Note that a token or a login was used. The file gets it at most once a minute, and nobody waits for it."""
        number, used_us = reader.number, self._used_us
        if number is None:
            return
        login = self._last_known.used(reader, now_us)
        if login is None and abs(now_us - used_us.get(number, 0)) < USE_EVERY_US:
            return
        used_us[number] = now_us
        self.write(lambda connection: _note_both(connection, number, now_us, login), _forget)

    def is_allowed(self, reader: Reader, now_us: int) -> bool:
        """Return True if a reader who was found some time ago may still read: for a feed, at each heartbeat.

        False after a revocation, a logout, or the end of the token or login. A feed does not make a login last longer.
        """
        ends_us = self._ends_us(reader)
        return ends_us is None or now_us < ends_us

    @property
    def era(self) -> int:
        """Return a number that is another one as soon as other rules for readers hold (`end_era`)."""
        return self._era

    def end_era(self) -> None:
        """End all answers in pieces: other rules hold, and who may read under them asks again."""
        self._era += 1
        self._watches.end_all()

    def watch(self, reader: Reader, answer: Answer, era: int) -> None:
        """Cut an answer in pieces off as soon as its reader may not read any more (`http.stream.Stream`).

        The guard calls this for each answer in pieces that an endpoint begins before it returns. An endpoint that
        begins one later has to call it. Nobody has to report the end of an answer.

        Args:
            reader: who asks.
            answer: the answer.
            era: the era whose rules have let the reader in. An answer of a past era ends at once.
        """
        if era == self._era:
            self._watches.add(reader, answer)
        else:
            self._watches.end(answer)

    def _ends_us(self, reader: Reader) -> int | None:
        return self._last_known.ends_us(reader)

    def _take(self, readers: Readers) -> None:
        self._known = self._last_known = readers
        self._watches.look_soon()

    def _loaded(self, outcome: Known | Exception) -> None:
        self._note(outcome, _NOT_READ)
        if isinstance(outcome, Exception):
            self._watches.end_all()
        else:
            self._take(Readers(*outcome))
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(self._known)

    def _note(self, outcome: object, meaning: str) -> None:
        """Forget the readers after a fault of the file. Log what it means, the same once a minute."""
        if not isinstance(outcome, Exception) or isinstance(outcome, OrderRefusedError):
            return
        self._known = None
        now_s = time.monotonic()
        if f"{meaning} {outcome}" == self._fault and now_s - self._fault_at_s < _SAME_FAULT_EVERY_S:
            return
        self._fault, self._fault_at_s = f"{meaning} {outcome}", now_s
        if isinstance(outcome, AccessFileError):
            self._log.error("access", meaning, cause=str(outcome))
        else:
            self._log.exception("access", "the readers' file failed for a fault in winlogd itself", outcome)


def _note_both(connection: "apsw.Connection", number: int, now_us: int, login: LoginRow | None) -> None:
    note_use(connection, number, now_us)
    if login is not None:
        note_login(connection, login)


def _forget(_: Any) -> None:  # noqa: ANN401  # a result that nobody needs
    """Do nothing with a result."""
