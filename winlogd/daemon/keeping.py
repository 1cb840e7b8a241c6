"""How long the archive is kept: delete what is too old after each rotation, and keep the mark that says so.

Loaded after the first rotation, or at the start if the database or the configuration differs from the default. This
file knows the configuration. It must not know how rows are deleted.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from winlogd.config.sections import Config
from winlogd.config.sections import Retention as Options
from winlogd.log.log import Log
from winlogd.scheduled.clock import Schedule, zone_of
from winlogd.scheduled.retention import Retention
from winlogd.store.backup.files import names_of
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.marks import KEPT_DAYS, ROTATED_DAY, TAKEN_OVER, WAITS, retained_s
from winlogd.store.jobs.mark import SetMark
from winlogd.store.past.kept import FOR_EVER, kept_text, kept_value
from winlogd.store.store import Store

_DAY_S: Final = 86_400
MOST_DAYS_BETWEEN: Final = 31
"""Delete nothing after a rotation that comes more than this many days after the one before: a clock may be ahead."""
FAR_AWAY: Final = (
    "the last rotation was long ago, or is in the future: set the clock if it is wrong; old events stay until the next"
    " rotation"
)
_US: Final = 1_000_000
DEFAULT_DAYS: Final = Options().history_days


def kept_since_us(config: Config, is_taken_over: bool, now_s: float) -> int | None:
    """Return the moment before which the archive is deleted, in microseconds since 1970; None if it is kept for ever.

    Args:
        config: the configuration.
        is_taken_over: the database has the mark `TAKEN_OVER`.
        now_s: the wall clock, in seconds since 1970.
    """
    options = config.retention
    if kept_value(options.history_days, options.is_chosen, is_taken_over) in (WAITS, FOR_EVER):
        return None
    calendar = Schedule("00:00", zone_of(config.server.timezone))
    return int(calendar.midnight_s(now_s - options.history_days * _DAY_S)) * _US


def rotated_s(marks: Mapping[str, str]) -> float | None:
    """Return when the last rotation was, to a day, in seconds since 1970; None if there was none."""
    try:
        return datetime.fromisoformat(marks.get(ROTATED_DAY, "")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def days_between(last_s: float | None, now_s: float) -> int:
    """Return how many days lie between the last rotation and this one, in seconds since 1970; 0 if there was none.

    A rotation of the future counts, too: the clock was ahead then, or is behind now.
    """
    return 0 if last_s is None else int(abs(now_s - last_s) // _DAY_S)


class Keeping:
    """Decides what is too old. Used on the event loop's thread only.

    Args:
        store: runs the jobs.
        log: gets the lines.
        path: the database's real path.
        config: the configuration.
        marks: those of the database at its opening; None until it is open.
        changed: called after each deletion: the past may have to be built or counted.
        prune: removes rows of the readers' log that are older than some days.

    Attributes:
        retention: runs deletions.
    """

    def __init__(
        self,
        store: Store[Any],
        log: Log,
        path: str,
        config: Config,
        marks: Mapping[str, str] | None,
        changed: Callable[[], None],
        prune: Callable[[int], None],
    ) -> None:
        self._store = store
        self._log = log
        self._config = config
        self._marks = marks or {}
        self._is_open = marks is not None
        self._rotated_s = rotated_s(self._marks)
        self._prune = prune
        self._path = path
        self.retention: Final = Retention(store, log, path, changed, retained_s(self._marks))

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks."""
        self._marks, self._is_open, self._rotated_s = marks, True, rotated_s(marks)
        self.retention.ended_s = retained_s(marks)
        self.tell()

    def change(self, config: Config) -> None:
        """Take another configuration. It counts from the next rotation on."""
        self._config = config
        if self._is_open:  # otherwise nobody knows yet if the archive was taken over
            self.tell()

    def rotated(self) -> None:
        """Delete what is too old: a rotation has ended, or waits for space. Wait a night if the clock may be ahead."""
        if not self._is_open:  # perhaps the archive was taken over
            return
        now_s = time.time()
        before_us = kept_since_us(self._config, TAKEN_OVER in self._marks, now_s)
        days, self._rotated_s = days_between(self._rotated_s, now_s), now_s
        if before_us is not None and days > MOST_DAYS_BETWEEN:
            self._log.warn("retention", FAR_AWAY, days=days)
        else:
            if before_us is not None:
                self.retention.delete_before(before_us)
            self.retention.remove_replaced(names_of(self._config.backup.folder, self._path).parts)
        self._prune(self._config.privacy.audit_days)

    def tell(self) -> None:
        """Log how long the archive is kept, and set the mark if it has changed."""
        value, text = self._value(), kept_text({**self._marks, KEPT_DAYS: self._value()}, DEFAULT_DAYS)
        if value == WAITS:
            self._log.warn("retention", f"the archive is {text}")
        before = self._marks.get(KEPT_DAYS, kept_value(DEFAULT_DAYS, False, TAKEN_OVER in self._marks))
        if value == before:
            return
        self._marks = {**self._marks, KEPT_DAYS: value}
        if value != WAITS:
            self._log.info("retention", f"the archive is {text}")
        self._store.run(SetMark(KEPT_DAYS, value), self._marked)

    def _value(self) -> str:
        options = self._config.retention
        return kept_value(options.history_days, options.is_chosen, TAKEN_OVER in self._marks)

    def _marked(self, outcome: Exception | None) -> None:
        if outcome is not None and not isinstance(outcome, JobCutShortError):
            self._log.warn("retention", "the mark of the archive's days could not be stored", cause=str(outcome))
