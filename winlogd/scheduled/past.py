"""Have the store build the past: at the start if that is due, after each rotation, and when others changed the archive.

Nothing reports that another program has put rows into the archive or deleted some. So the past looks once an hour.
This file must not know SQL, or what the past is.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from winlogd.log.log import Log
from winlogd.store.errors import JobCutShortError
from winlogd.store.store import Store

if TYPE_CHECKING:  # loaded with the first build
    from winlogd.store.jobs.build import Built
    from winlogd.store.jobs.hours import Counted

_LOOK_EVERY_S: Final = 3600.0
"""Ask the writer this often whether something is due."""
_RETRY_AFTER_S: Final = 300.0
"""Try again this long after a failure."""


class Past:
    """Build the past, and then count its hours. Where nothing is due, the two jobs write nothing.

    Used on the event loop's thread only.

    Args:
        loop: the event loop.
        store: builds.
        log: gets a line when a longer build begins, and one when it ends.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store[Any], log: Log) -> None:
        self._loop = loop
        self._store = store
        self._log = log
        self._is_running = False
        self._is_due_again = False
        self._was_reported = False
        self._timer: asyncio.TimerHandle | None = None
        self._next_look: asyncio.TimerHandle | None = None

    def begin(self, is_due: bool) -> None:
        """Begin to look once an hour, now that the database is open.

        Args:
            is_due: True if the past has to be built now.
        """
        self._look_later()
        if is_due:
            self.look()

    def look(self) -> None:
        """Build what is missing: rows may have come into the archive. While a build runs, look once more after it."""
        if self._is_running:
            self._is_due_again = True
            return
        from winlogd.store.jobs.build import Build

        self._forget_retry()
        self._is_running, self._is_due_again, self._was_reported = True, False, False
        self._store.run(Build(), self._built, self._report)

    def stop(self) -> None:
        """Look no more, and try no failed build again."""
        self._forget_retry()
        if self._next_look is not None:
            self._next_look.cancel()

    def _look_later(self) -> None:
        self._next_look = self._loop.call_later(_LOOK_EVERY_S, self._ask)

    def _ask(self) -> None:
        """Ask the writer whether something is due. The modules that build are not loaded for that."""
        from winlogd.store.jobs.look import Look

        def answered(outcome: bool | Exception) -> None:
            if outcome is True:
                self.look()

        self._look_later()
        if not self._is_running and self._timer is None:  # otherwise a build runs, or is tried again soon
            self._store.run(Look(), answered)

    def _forget_retry(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _report(self, progress: Mapping[str, int]) -> None:
        if not self._was_reported:
            self._was_reported = True
            self._log.info("past", "building the past", rows=progress["rows"])

    def _built(self, outcome: "Built | Exception") -> None:
        if isinstance(outcome, Exception):
            self._fail(outcome)
            return
        if outcome.rows or outcome.repaired or self._was_reported:
            self._log.info("past", f"the past is built: {outcome.sentence}")
        from winlogd.store.jobs.hours import Hours

        self._store.run(Hours(), self._counted)

    def _counted(self, outcome: "Counted | Exception") -> None:
        if isinstance(outcome, Exception):
            self._fail(outcome)
            return
        self._is_running = False
        if self._is_due_again:
            self.look()

    def _fail(self, error: Exception) -> None:
        from winlogd.store.file.faults import WAIT_FOR

        self._is_running = False
        if isinstance(error, JobCutShortError):
            if self._was_reported:
                self._log.info("past", "building the past was cut short; the next start goes on", cause=str(error))
            return
        if isinstance(error, WAIT_FOR):
            self._log.warn("past", "building the past could not go on; it is tried again", cause=str(error))
        else:
            self._log.exception("past", "building the past could not go on; it is tried again", error)
        self._timer = self._loop.call_later(_RETRY_AFTER_S, self.look)
