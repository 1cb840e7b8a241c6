"""Delete old events after each rotation, and those that somebody orders to be deleted. Change what is exempt.

The work is a chain of jobs: the rows, then names and free pages, then files that were replaced. When it has ended, the
past looks whether it has to be built. This file must not know SQL, or how long the archive is kept.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from winlogd.log.log import Log
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.faults import WAIT_FOR
from winlogd.store.file.marks import RETAINED_AT
from winlogd.store.jobs.delete import Delete, Deleted
from winlogd.store.jobs.holding import ChangeHolds
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.purge import Purge, sentence_of
from winlogd.store.jobs.replaced import RemoveReplaced
from winlogd.store.jobs.selections import Received
from winlogd.store.jobs.tidy import Tidied, Tidy
from winlogd.store.jobs.truncate import Truncate
from winlogd.store.past.holds import Hold
from winlogd.store.store import Store

KEPT_PERCENT: Final = 5
"""After the daily deletion, this part of the file may stay free for the rows of the next days."""
_NEVER_US: Final = 0
_DONE: Final = {"retention": "old events deleted", "purge": "events purged"}
"""What the log says, by the subject of a line."""

Ended = Callable[[str | Exception], None]
"""A function of the outcome: a sentence, or the error that ended the deletion."""
Progress = Callable[[Mapping[str, int]], None]


class Retention:
    """Runs deletions. Used on the event loop's thread only.

    Args:
        store: runs the jobs.
        log: gets a line for each deletion.
        path: the database's real path.
        changed: called after each deletion: the past may have to be built or counted.
        ended_s: when the last daily deletion before this process has ended.

    Attributes:
        ended_s: when the last daily deletion has ended, in seconds since 1970; None before the first.
    """

    def __init__(
        self, store: Store[Any], log: Log, path: str, changed: Callable[[], None], ended_s: float | None
    ) -> None:
        self._store = store
        self._log = log
        self._path = path
        self._changed = changed
        self.ended_s = ended_s

    def delete_before(self, before_us: int) -> None:
        """Delete what was received in the archive before a moment, in microseconds since 1970, without open sessions.

        An open session has its logon in ``events_today``, which this does not touch.
        """
        job = Delete(Received("events_history", before_us), None, hours="kept")
        self._run(job, Tidy(before_us, KEPT_PERCENT), "retention", self._note_end, None)

    def _note_end(self, outcome: str | Exception) -> None:
        """Keep when the daily deletion has come to its end, also for those who ask while no server runs."""
        if isinstance(outcome, Exception):
            return
        self.ended_s = time.time()

        def marked(outcome: Exception | None) -> None:
            if outcome is not None and not isinstance(outcome, JobCutShortError):
                self._log.warn("retention", "the time of the deletion could not be stored", cause=str(outcome))

        self._store.run(SetMark(RETAINED_AT, str(int(self.ended_s))), marked)

    def remove_replaced(self, parts: Iterable[str]) -> None:
        """Remove files that were replaced more than a week ago, and old ones of `parts` of backups."""

        def ended(outcome: int | Exception) -> None:
            if isinstance(outcome, Exception):
                self._log_failure("retention", outcome)
            elif outcome:
                self._log.info("retention", "old files removed", files=outcome)

        self._store.run(RemoveReplaced(self._path, parts), ended)

    def purge(self, purge: Purge, ended: Ended, progress: Progress) -> None:
        """Delete what somebody has ordered to be deleted.

        Args:
            purge: what.
            ended: called with the outcome.
            progress: called now and then with how far it is.
        """
        self._run(purge.job(), Tidy(purge.before_us or _NEVER_US, 0), "purge", ended, progress)

    def change_holds(self, change: Hold | int, ended: Callable[[int | Exception], None]) -> None:
        """Add a hold, or end the one with a number. The log says so: an ended hold leaves no row.

        Args:
            change: the hold, or the number.
            ended: called with the number, 0 if there is no such hold; or with the error.
        """

        def changed(outcome: int | Exception) -> None:
            if isinstance(change, Hold) and isinstance(outcome, int):
                self._log.info("hold", "hold added", number=outcome, by=change.held_by, reason=change.reason)
            elif isinstance(outcome, int) and outcome:
                self._log.info("hold", "hold ended", number=outcome)
            ended(outcome)

        self._store.run(ChangeHolds(change), changed)

    def _run(self, job: Delete, tidy: Tidy, target: str, ended: Ended, progress: Progress | None) -> None:
        def tidied(deleted: Deleted, outcome: Tidied | Exception) -> None:
            if isinstance(outcome, Exception):
                self._log_failure(target, outcome)
                ended(outcome)
                return
            self._log.info(
                target, _DONE[target], history=deleted.history, today=deleted.today, names=outcome.names,
                pages=outcome.pages, seconds=round(deleted.seconds + outcome.seconds, 3),
            )  # fmt: skip
            sentence = sentence_of(deleted, outcome)
            if deleted.history or deleted.today or outcome.names:
                # The WAL still has the pages as they were. A reader that keeps it is no fault: later COMMITs reuse it.
                self._store.run(Truncate(), lambda _: ended(sentence))
            else:
                ended(sentence)

        def deleted(outcome: Deleted | Exception) -> None:
            self._changed()
            if isinstance(outcome, Exception):
                self._log_failure(target, outcome)
                ended(outcome)
                return
            if not outcome.history and not outcome.today:
                tidy.leave_names()
            self._store.run(tidy, lambda done: tidied(outcome, done), progress)

        self._store.run(job, deleted, progress)

    def _log_failure(self, target: str, error: Exception) -> None:
        if isinstance(error, JobCutShortError):
            self._log.info(target, "the deletion was cut short; what is left goes another time", cause=str(error))
        elif isinstance(error, WAIT_FOR):
            self._log.warn(target, "the deletion could not go on; what is left stays", cause=str(error))
        else:
            self._log.exception(target, "the deletion could not go on; what is left stays", error)
