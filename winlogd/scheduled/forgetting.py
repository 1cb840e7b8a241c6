"""Have the store apply tombstones: forget the people, build the past, tidy up, note it, and empty the WAL.

The mark comes after all that could leave a name. So a server that was killed in between begins again at its next start.
This file must not know SQL, or where tombstones are kept.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, final

from winlogd.log.log import Log
from winlogd.store.errors import JobCutShortError, RowsLostError
from winlogd.store.file.faults import WAIT_FOR
from winlogd.store.file.marks import FORGOTTEN
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.forget import Forget, Forgot
from winlogd.store.jobs.job import AnyJob
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.tidy import Tidy
from winlogd.store.jobs.truncate import Truncate
from winlogd.store.past.tombstones import Forgotten
from winlogd.store.store import Store

_NEVER_US: Final = 0
_KEPT_PERCENT: Final = 0
_TRIGGER: Final = "forgetting could not go on; remove the trigger, which is not winlogd's, and restart winlogd"


class Applied(NamedTuple):
    """What was done.

    Attributes:
        forgot: the rows.
        is_wal_empty: False if a reader has kept an older state for so long that the WAL still has it.
    """

    forgot: Forgot
    is_wal_empty: bool


Ended = Callable[[Applied | Exception], None]
Progress = Callable[[Mapping[str, int]], None]


@final
class Applying:
    """Applies tombstones. Used on the event loop's thread only.

    Args:
        store: runs the jobs.
        log: gets a line for each end.
        changed: called at each end: the past may have to be counted.
    """

    def __init__(self, store: Store[Any], log: Log, changed: Callable[[], None]) -> None:
        self._store = store
        self._log = log
        self._changed = changed

    def apply(self, forgotten: Forgotten, ended: Ended, progress: Progress | None = None) -> None:
        """Apply all tombstones that are not applied yet.

        Args:
            forgotten: all tombstones.
            ended: called with the outcome.
            progress: called now and then with how far it is.
        """

        jobs: list[AnyJob] = [
            Forget(forgotten),
            Build(),
            Tidy(_NEVER_US, _KEPT_PERCENT),
            SetMark(FORGOTTEN, forgotten.mark),
            Truncate(),
        ]
        outcomes: list[Any] = []

        def run_next() -> None:
            self._store.run(jobs.pop(0), done, progress)

        def done(outcome: object) -> None:
            outcomes.append(outcome)
            if isinstance(outcome, Exception):
                self._fail(outcome)
                ended(outcome)
            elif jobs:
                run_next()
            else:
                self._end(Applied(outcomes[0], is_wal_empty=outcomes[-1]), ended)

        run_next()

    def _end(self, applied: Applied, ended: Ended) -> None:
        self._changed()
        history, today, reports, seconds, _ = applied.forgot
        self._log.info(
            "forget", "people forgotten", history=history, today=today, reports=reports, seconds=round(seconds, 3)
        )
        if not applied.is_wal_empty:
            self._log.warn(
                "forget", "the WAL still has what was forgotten: a program reads the database and does not end"
            )
        ended(applied)

    def _fail(self, error: Exception) -> None:
        self._changed()
        if isinstance(error, JobCutShortError):
            self._log.info("forget", "forgetting was cut short; the next start goes on", cause=str(error))
        elif isinstance(error, RowsLostError):
            self._log.warn("forget", _TRIGGER, cause=str(error))
        elif isinstance(error, WAIT_FOR):
            self._log.warn("forget", "forgetting could not go on", cause=str(error))
        else:
            self._log.exception("forget", "forgetting could not go on", error)
