"""Rotate once a day: look at the clock, and have the store rotate when that is due.

A timer does not notice that somebody sets the clock or that the machine sleeps. Therefore the rotator looks at the
clock once an hour, besides the scheduled moment. This file must not know SQL: the store moves the rows.
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

_LOOK_EVERY_S: Final = 3600.0
"""Look at the clock at least this often."""

_RETRY_AFTER_S: Final = 300.0
"""Try again this long after a rotation or its mark failed."""

_LATE_AFTER_S: Final = 60.0
"""Look after this time if a rotation that was due waits for the disk."""
_LATE_AGAIN_AFTER_S: Final = 86_400.0
"""If it does, look again after this time."""

Report = Callable[["Moved | Exception"], None]
"""A function of the outcome of a rotation: the rows that it moved, or the error that ended it."""


class Rotator:
    """Run the daily rotation, and those that somebody orders.

    Used on the event loop's thread only.

    Args:
        loop: the event loop.
        store: moves the rows.
        log: gets a line for each outcome.
        schedule: says when the daily rotation is due; None for never.
        calendar: says when a day began.
        keep_open_hours: how long a session may stay open before a rotation closes it.
        moved: called after each rotation that has come to its end.
        waits: called once a day while the daily rotation cannot go on, because nothing can be stored.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store[Any],
        log: Log,
        schedule: Schedule | None,
        calendar: Schedule,
        keep_open_hours: float,
        moved: Callable[[], None] = lambda: None,
        waits: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._store = store
        self._log = log
        self._schedule = schedule
        self._calendar = calendar
        self._keep_open_hours = keep_open_hours
        self._moved = moved
        self._waits = waits
        self._rotated_day: str | None = None
        self._has_begun = self._is_rotating = False
        self._timer: asyncio.TimerHandle | None = None
        self._marking: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None

    def begin(self, rotated_day: str | None) -> None:
        """Begin to look at the clock.

        Args:
            rotated_day: the last day that was rotated, ``YYYY-MM-DD``; None if the database never saw a rotation.
        """
        self._rotated_day = rotated_day
        self._has_begun = True
        if rotated_day is None:  # a new or taken-over database: rotate at the next scheduled moment, not now
            self._skip_to_next()
        self._look()

    def change(self, schedule: Schedule | None, calendar: Schedule, keep_open_hours: float) -> None:
        """Take other values of the same names as in `Rotator`. A rotation that runs goes on.

        A later time of day makes nothing due that was done by the earlier one: the next rotation is at the next moment
        of the new schedule. An earlier time that has passed today without a rotation is due now.
        """
        before = self._schedule
        self._schedule, self._calendar, self._keep_open_hours = schedule, calendar, keep_open_hours
        if not self._has_begun or self._is_rotating:
            return
        if self._timer is not None:
            self._timer.cancel()
        if schedule is not None and self._is_done_by(before, schedule):
            self._skip_to_next()
        self._look()

    def _is_done_by(self, before: Schedule | None, schedule: Schedule) -> bool:
        """Return True if no day was rotated yet, or the last one that `before` wants lies after that of `schedule`."""
        if self._rotated_day is None:
            return True
        now_s = time.time()
        return before is not None and before.last(now_s).day == self._rotated_day > schedule.last(now_s).day

    def _skip_to_next(self) -> None:
        """Rotate at the next scheduled moment, not now; also after another start."""
        if self._schedule is not None:
            self._rotated_day = self._schedule.last(time.time()).day
            self._mark(self._rotated_day)

    def rotate_now(self, report: Report, progress: Callable[[Mapping[str, int]], None]) -> None:
        """Start a rotation now.

        Args:
            report: called with its outcome on the event loop.
            progress: called now and then with how far it is.
        """

        def ended(outcome: "Moved | Exception") -> None:
            self._note_outcome(outcome)
            report(outcome)

        now_s = time.time()
        self._store.run(self._rotation((self._schedule or self._calendar).last(now_s).day), ended, progress)

    def rotated_s(self) -> float | None:
        """Return the scheduled moment of the last rotation that was done, in seconds since 1970.

        Return None if there is no daily rotation, or the database is not open yet.
        """
        if self._schedule is None or self._rotated_day is None:
            return None
        try:
            return self._schedule.on_day_s(self._rotated_day)
        except ValueError:  # somebody has written another text into the mark
            return None

    def stop(self) -> None:
        """Stop looking at the clock."""
        for timer in (self._timer, self._marking, self._late):
            if timer is not None:
                timer.cancel()

    def _look(self) -> None:
        if self._schedule is None:
            return
        now_s = time.time()
        last = self._schedule.last(now_s)
        if self._rotated_day != last.day:  # a later day is of a clock that was ahead: rotate again
            self._is_rotating = True
            self._late = self._loop.call_later(_LATE_AFTER_S, self._look_if_it_waits)
            self._store.run(self._rotation(last.day), lambda outcome: self._ended(last.day, outcome))
            return
        wait_s = min(self._schedule.following(now_s).at_s - now_s, _LOOK_EVERY_S)
        self._timer = self._loop.call_later(max(wait_s, 0.0) + 0.001, self._look)

    def _ended(self, day: str, outcome: "Moved | Exception") -> None:
        self._is_rotating = False
        if self._late is not None:
            self._late.cancel()
        self._note_outcome(outcome)
        if isinstance(outcome, Exception):
            self._timer = self._loop.call_later(_RETRY_AFTER_S, self._look)
            return
        self._rotated_day = day
        self._look()

    def _look_if_it_waits(self) -> None:
        """Notice a rotation that waits for free space: what needs none may make room for it."""
        if not self._is_rotating:
            return
        wait_s = _LATE_AFTER_S
        if not self._store.writability().is_writable:
            self._waits()
            wait_s = _LATE_AGAIN_AFTER_S
        self._late = self._loop.call_later(wait_s, self._look_if_it_waits)

    def _rotation(self, day: str) -> "Rotation":
        from winlogd.store.jobs.rotate import Rotation
        from winlogd.store.jobs.rotation_rules import rules

        now_s = time.time()
        return Rotation(rules(now_s, self._calendar.midnight_s(now_s), self._keep_open_hours), day)

    def _mark(self, day: str) -> None:
        """Store `day` as the last day that was rotated, although no row was moved."""

        from winlogd.store.jobs.mark import SetMark

        def marked(outcome: Exception | None) -> None:
            if outcome is not None and not isinstance(outcome, JobCutShortError):
                self._log_failure(outcome)
                self._marking = self._loop.call_later(_RETRY_AFTER_S, self._mark, day)

        self._marking = None
        if self._rotated_day == day:  # otherwise a rotation has stored a later mark
            self._store.run(SetMark(ROTATED_DAY, day), marked)

    def _note_outcome(self, outcome: "Moved | Exception") -> None:
        if isinstance(outcome, Exception):
            self._log_failure(outcome)
            return
        self._log.info(
            "rotation", "rotated", moved=outcome.rows, kept_open=outcome.kept, expired=outcome.expired,
            seconds=round(outcome.seconds, 3), open_sessions=outcome.open_sessions,
        )  # fmt: skip
        self._moved()

    def _log_failure(self, error: Exception) -> None:
        from winlogd.store.file.faults import WAIT_FOR

        if isinstance(error, JobCutShortError):
            self._log.info("rotation", "rotation cut short; the rest moves another time", cause=str(error))
        elif isinstance(error, WAIT_FOR):
            self._log.warn("rotation", "the rotation could not go on; what is left stays", cause=str(error))
        else:
            self._log.exception("rotation", "the rotation could not go on; what is left stays", error)
