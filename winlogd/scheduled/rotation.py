"""Rotates once a day: looks at the clock, and asks the store.

It wakes up for the scheduled moment, and otherwise once an hour, because the clock may be set and a machine may
sleep, which no timer sees.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from winlogd.log.log import Log
from winlogd.scheduled.clock import Schedule
from winlogd.store.errors import JobCutShortError
from winlogd.store.file.marks import ROTATED_DAY
from winlogd.store.store import Store

if TYPE_CHECKING:  # loaded with the first rotation
    from winlogd.store.jobs.rotate import Moved, Rotation

_LOOKS_EVERY_S: Final = 3600.0
_TRIES_AGAIN_S: Final = 300.0

Tell = Callable[["Moved | Exception"], None]


class Rotator:
    """The daily rotation, and those that are asked for.

    Args:
        loop: the event loop that everything here runs on.
        store: has the rows.
        log: told what was moved.
        schedule: when; None for never.
        calendar: says when a day began.
        keep_open_hours: how long a session may stay open.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store[Any],
        log: Log,
        schedule: Schedule | None,
        calendar: Schedule,
        keep_open_hours: float,
    ) -> None:
        self._loop = loop
        self._store = store
        self._log = log
        self._schedule = schedule
        self._calendar = calendar
        self._keep_open_hours = keep_open_hours
        self._rotated_day: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._marking: asyncio.TimerHandle | None = None

    def begin(self, rotated_day: str | None) -> None:
        """Begins to look at the clock; `rotated_day` is the last day that was rotated, None when there was none."""
        if self._schedule is None:
            return
        self._rotated_day = rotated_day
        if rotated_day is None:  # just taken over: first rotated at the next scheduled moment, not now
            self._rotated_day = self._schedule.last(time.time()).day
            self._mark(self._rotated_day)
        self._look()

    def rotate_now(self, tell: Tell, report: Callable[[Mapping[str, int]], None]) -> None:
        """Move what is finished now.

        Args:
            tell: called with what became of it.
            report: called now and then with how far it is.
        """

        def ended(outcome: "Moved | Exception") -> None:
            self._log_outcome(outcome)
            tell(outcome)

        now_s = time.time()
        self._store.run(self._rotation((self._schedule or self._calendar).last(now_s).day), ended, report)

    def stop(self) -> None:
        """Looks at the clock no more."""
        for timer in (self._timer, self._marking):
            if timer is not None:
                timer.cancel()

    def _look(self) -> None:
        assert self._schedule is not None
        now_s = time.time()
        last = self._schedule.last(now_s)
        if self._rotated_day != last.day:  # a later one is of a clock that was ahead: what is due was never done
            self._store.run(self._rotation(last.day), lambda outcome: self._ended(last.day, outcome))
            return
        wait_s = min(self._schedule.following(now_s).at_s - now_s, _LOOKS_EVERY_S)
        self._timer = self._loop.call_later(max(wait_s, 0.0) + 0.001, self._look)

    def _ended(self, day: str, outcome: "Moved | Exception") -> None:
        self._log_outcome(outcome)
        if isinstance(outcome, Exception):
            self._timer = self._loop.call_later(_TRIES_AGAIN_S, self._look)
            return
        self._rotated_day = day
        self._look()

    def _rotation(self, day: str) -> "Rotation":
        from winlogd.store.jobs.rotate import Rotation
        from winlogd.store.jobs.rotation_rules import rules

        now_s = time.time()
        return Rotation(rules(now_s, self._calendar.midnight_s(now_s), self._keep_open_hours), day)

    def _mark(self, day: str) -> None:
        """Remembers `day` as the last one that was rotated, though nothing was moved."""

        from winlogd.store.jobs.mark import SetMark

        def marked(outcome: Exception | None) -> None:
            if outcome is not None and not isinstance(outcome, JobCutShortError):
                self._log_failure(outcome)
                self._marking = self._loop.call_later(_TRIES_AGAIN_S, self._mark, day)

        self._marking = None
        if self._rotated_day == day:  # otherwise a rotation has been done since
            self._store.run(SetMark(ROTATED_DAY, day), marked)

    def _log_outcome(self, outcome: "Moved | Exception") -> None:
        if isinstance(outcome, Exception):
            self._log_failure(outcome)
            return
        self._log.info(
            "rotation", "rotated", moved=outcome.rows, kept_open=outcome.kept, expired=outcome.expired,
            seconds=round(outcome.seconds, 3), open_sessions=outcome.open_sessions,
        )  # fmt: skip

    def _log_failure(self, error: Exception) -> None:
        from winlogd.store.file.faults import WAIT_FOR

        if isinstance(error, JobCutShortError):
            self._log.info("rotation", "rotation cut short; the rest moves another time", cause=str(error))
        elif isinstance(error, WAIT_FOR):
            self._log.warn("rotation", "the rotation could not go on; what is left stays", cause=str(error))
        else:
            self._log.exception("rotation", "the rotation could not go on; what is left stays", error)
