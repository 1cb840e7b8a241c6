"""Forget people in a running server: keep their tombstones, apply them, and close the past until that is done.

At the start the tombstones that the database lacks are applied: it may be a restored backup. An import brings rows of
any age, and the end of a hold leaves some without exemption. So all tombstones are applied after it. Loaded with the
first of these. This file must not know SQL.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from winlogd.daemon.looking import Looking
from winlogd.log.log import Log
from winlogd.scheduled.forgetting import Applied, Applying, Ended, Progress
from winlogd.store.access_file.errors import AccessFileBusyError, AccessFileError
from winlogd.store.access_file.forgotten import Wish, add_forgotten, read_forgotten
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.marks import FORGOTTEN, NO_MARK
from winlogd.store.jobs.mark import SetMark
from winlogd.store.past.tombstones import Forgotten

if TYPE_CHECKING:  # types only
    from typing import Any

    from winlogd.store.store import Store

Then = Callable[[Callable[[Applied | Exception | None], None]], None]
"""Goes on after a change. It calls what it gets with what was applied, or the fault; with None if nobody was forgotten.
"""

_RETRY_S: Final = 10.0
"""Try again this long after the first fault. The past stays closed meanwhile. A command may have the readers' file."""
_LONGEST_PAUSE_S: Final = 3600.0
_NOBODY: Final = Forgotten(b"", ())
_UNREADABLE: Final = (
    "nobody knows who was forgotten, so the past stays closed; put the readers' file of a backup in its place, and"
    " restart winlogd"
)
_IN_USE: Final = "another program has the readers' file; the past stays closed until it can be read"


def _ignore(outcome: object) -> None:
    """Nobody waits for it."""


class Forgetting:
    """Used on the event loop's thread only.

    One thing is done at a time: while rows come, tombstones wait, because the mark says nothing of later rows.

    Args:
        loop: the event loop.
        store: runs the jobs.
        log: gets the lines.
        looking: has the tombstones, and shows the past.
        changed: called when rows are gone: the past may have to be counted.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: "Store[Any]",
        log: Log,
        looking: Looking,
        changed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._store = store
        self._log = log
        self._looking = looking
        self._applying = Applying(store, log, changed)
        self._known = _NOBODY
        """All tombstones, as they were read last. What waits applies these, so that the mark never goes back."""
        self._is_busy = False
        self._waiting: list[Callable[[], None]] = []

    def begin(self, marks: Mapping[str, str]) -> None:
        """Apply what the database lacks, now that it is open and has these marks. The past is closed meanwhile."""
        mark = marks.get(FORGOTTEN, NO_MARK)
        self._looking.closings += 1
        waits_s = pauses()

        def read(outcome: Forgotten | Exception) -> None:
            if isinstance(outcome, Exception):
                sentence = _IN_USE if isinstance(outcome, AccessFileBusyError) else _UNREADABLE
                self._log.warn("forget", sentence, cause=str(outcome))
                self._loop.call_later(next(waits_s), ask)
            elif outcome.missing_in(mark).last:
                self._log.info("forget", "forgotten people are removed again; the past is closed until then")
                self._known = outcome
                self._apply_and_open()
            else:
                self._open()

        def ask() -> None:
            self._looking.writer().ask(read_forgotten, read, missing=_NOBODY)

        ask()

    def forget(self, wish: Wish, ended: Ended, progress: Progress) -> None:
        """Keep the tombstones of a wish, and apply them with all others that are missing.

        Args:
            wish: what somebody wants. Without a name, only what is missing is applied.
            ended: called with the outcome.
            progress: called now and then with how far it is.
        """

        def added(outcome: Forgotten | Exception) -> None:
            if isinstance(outcome, Exception):
                ended(outcome)
            else:
                self._known = outcome
                self._apply(ended, progress)

        writer, now_us = self._looking.writer(), time.time_ns() // 1000
        writer.ask(lambda connection: add_forgotten(connection, wish, now_us), added)
        writer.rest()  # its WAL has rows of the readers' log with the name

    def around(self, run: Callable[[Then], None], failed: Callable[[Exception], None]) -> None:
        """Run what brings rows that were forgotten, and apply all tombstones after it: an import, or the end of a hold.

        The past is closed from its begin on, if there are tombstones.

        Args:
            run: begins it, and calls what it is given when that has ended, also after a fault.
            failed: called instead if the tombstones cannot be read: nothing is begun.
        """

        def read(outcome: Forgotten | Exception) -> None:
            if isinstance(outcome, Exception):
                self._let_others_begin()
                failed(outcome)
            elif not outcome.last:
                run(nobody)
            else:
                self._known = outcome
                self._looking.closings += 1
                self._store.run(SetMark(FORGOTTEN, NO_MARK), marked)

        def marked(fault: Exception | None) -> None:
            if fault is None:
                run(go_on)
            else:
                self._open()
                self._let_others_begin()
                failed(fault)

        def nobody(answered: Callable[[None], None]) -> None:
            self._let_others_begin()
            answered(None)

        def go_on(answered: Ended) -> None:
            self._let_others_begin()
            self._apply_and_open(answered)

        self._when_free(lambda: self._looking.writer().ask(read_forgotten, read, missing=_NOBODY))

    def _apply_and_open(self, answered: Ended = _ignore) -> None:
        """Apply tombstones, and open the past. After a fault try again later, unless the server stops.

        Args:
            answered: called with the outcome of the first attempt.
        """
        waits_s = pauses()

        def first_ended(outcome: Applied | Exception) -> None:
            answered(outcome)
            ended(outcome)

        def ended(outcome: Applied | Exception) -> None:
            if isinstance(outcome, Applied):
                self._open()
            elif not isinstance(outcome, JobCutShortError):
                self._loop.call_later(next(waits_s), self._apply, ended, None)

        self._apply(first_ended, None)

    def _apply(self, ended: Ended, progress: Progress | None) -> None:
        def done(outcome: Applied | Exception) -> None:
            self._let_others_begin()
            ended(outcome)

        self._when_free(lambda: self._applying.apply(self._known, done, progress))

    def _open(self) -> None:
        self._looking.closings -= 1

    def _when_free(self, begin: Callable[[], None]) -> None:
        """Begin something now, or when what was begun before has ended. It calls `_let_others_begin` at its end."""
        if self._is_busy:
            self._waiting.append(begin)
        else:
            self._is_busy = True
            begin()

    def _let_others_begin(self) -> None:
        if self._waiting:
            self._waiting.pop(0)()
        else:
            self._is_busy = False


def pauses() -> Iterator[float]:
    """Return the seconds to wait after each fault: twice as long each time, up to an hour."""
    pause_s = _RETRY_S
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def plain_reason(error: Exception) -> str:
    """Return why a wish was not carried out to its end."""
    if isinstance(error, AccessFileError):
        return f"nothing was done: {error}"
    return f"not everything was forgotten yet; the next start goes on, and so does the same command: {error}"
