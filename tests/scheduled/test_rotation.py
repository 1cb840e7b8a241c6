"""The server rotates by itself once each scheduled day, however the clock is set."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo

import apsw
import pytest

from winlogd.log.log import Log
from winlogd.scheduled.clock import Schedule
from winlogd.scheduled.rotation import Rotator
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.reporting import Writability
from winlogd.store.store import Store

UTC = ZoneInfo("UTC")


class Clock:
    """The wall clock and the loop's timers. Both stand still until a test moves them."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._due: list[Callable[[], None]] = []

    def set(self, text: str) -> None:
        self.now_s = datetime.fromisoformat(f"{text}+00:00").timestamp()

    def call_later(self, delay_s: float, callback: Callable[..., None], *values: object) -> None:
        self._due.append(partial(callback, *values))

    def ring(self) -> None:
        """Let all timers run out."""
        due, self._due = self._due, []
        for callback in due:
            callback()


class Archive:
    """A store in which every rotation succeeds."""

    def __init__(self) -> None:
        self.days: list[str] = []

    def run(self, job: Rotation | SetMark, tell: Callable[[Any], None]) -> None:
        if isinstance(job, Rotation) and job._day is not None:
            self.days.append(job._day)
        tell(job.outcome)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: clock.now_s)
        yield clock


class FullDisk(Archive):
    """A store that cannot store the first two marks."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[str | None] = []

    def run(self, job: Rotation | SetMark, tell: Callable[[Any], None]) -> None:
        assert isinstance(job, SetMark)
        self.marks.append(job.value)
        tell(apsw.FullError("the disk is full") if len(self.marks) < 3 else job.outcome)


def rotator(clock: Clock, archive: Archive) -> Rotator:
    loop, store = cast("asyncio.AbstractEventLoop", clock), cast("Store[Any]", archive)
    return Rotator(loop, store, Log("error", "compact"), Schedule("01:00", UTC), Schedule("00:00", UTC), 24.0)


def test_each_day_is_rotated_once(clock: Clock) -> None:
    archive = Archive()
    clock.set("2026-01-13T00:30:00")
    rotator(clock, archive).begin("2026-01-12")
    for moment in ("13T00:59:59", "13T01:00:00", "13T02:00:00", "14T00:59:59", "14T01:00:00"):
        clock.set(f"2026-01-{moment}")
        clock.ring()

    assert archive.days == ["2026-01-13", "2026-01-14"]


def test_the_last_rotation_is_known_from_its_mark_and_then_from_the_clock(clock: Clock) -> None:
    clock.set("2026-01-13T00:30:00")
    rotating = rotator(clock, Archive())
    assert rotating.rotated_s() is None
    rotating.begin("2026-01-12")
    assert rotating.rotated_s() == datetime(2026, 1, 12, 1, tzinfo=UTC).timestamp()
    clock.set("2026-01-13T01:00:00")
    clock.ring()
    assert rotating.rotated_s() == datetime(2026, 1, 13, 1, tzinfo=UTC).timestamp()


def test_a_mark_that_is_no_day_gives_no_last_rotation(clock: Clock) -> None:
    clock.set("2026-01-13T00:30:00")
    rotating = rotator(clock, FullDisk())
    rotating._rotated_day = "yesterday"
    assert rotating.rotated_s() is None


@pytest.mark.parametrize("wrong", ["2026-01-14T12:00:00", "2099-12-31T12:00:00"])
def test_after_a_clock_that_was_ahead_each_day_is_rotated_again(clock: Clock, wrong: str) -> None:
    archive = Archive()
    clock.set("2026-01-13T12:00:00")
    rotator(clock, archive).begin("2026-01-13")
    clock.set(wrong)
    clock.ring()
    for moment in ("13T13:00:00", "14T01:00:00", "15T01:00:00"):
        clock.set(f"2026-01-{moment}")
        clock.ring()

    assert archive.days == [wrong[:10], "2026-01-13", "2026-01-14", "2026-01-15"]


def test_a_day_in_the_future_that_an_earlier_process_has_left_stops_nothing(clock: Clock) -> None:
    archive = Archive()
    clock.set("2026-01-13T12:00:00")
    rotator(clock, archive).begin("2099-12-31")
    clock.set("2026-01-14T01:00:00")
    clock.ring()

    assert archive.days == ["2026-01-13", "2026-01-14"]


def test_a_machine_that_is_on_by_day_only_rotates_at_once_after_a_clock_that_was_ahead(clock: Clock) -> None:
    """The machine is never on at 01:00, and its mark is a week ahead."""
    days: list[str] = []
    for day in (13, 14, 15):
        archive = Archive()
        clock.set(f"2026-01-{day}T09:00:00")
        rotator(clock, archive).begin("2026-01-20" if day == 13 else days[-1])
        days += archive.days

    assert days == ["2026-01-13", "2026-01-14", "2026-01-15"]


def test_after_a_clock_that_was_behind_the_day_is_looked_through_once_more(clock: Clock) -> None:
    archive = Archive()
    clock.set("2026-01-13T12:00:00")
    rotator(clock, archive).begin("2026-01-13")
    for moment in ("12T12:00:00", "13T12:00:01"):
        clock.set(f"2026-01-{moment}")
        clock.ring()

    assert archive.days == ["2026-01-12", "2026-01-13"]


def test_a_day_that_could_not_be_marked_is_marked_later(clock: Clock) -> None:
    disk = FullDisk()
    clock.set("2026-01-13T12:00:00")
    rotator(clock, disk).begin(None)
    for minute in (5, 10, 15, 20):
        clock.set(f"2026-01-13T12:{minute:02d}:00")
        clock.ring()

    assert disk.marks == ["2026-01-13"] * 3


# ── another schedule ──────────────────────────────────────────────────────────────────────────────────


def at(text: str) -> Schedule:
    return Schedule(text, UTC)


@pytest.mark.parametrize(
    ("before", "now", "after", "days"),
    [
        ("01:00", "13T12:00:00", "03:00", []),  # both have passed, and the rotation is done
        ("01:00", "13T12:00:00", "23:00", ["2026-01-13"]),  # the next one is at 23:00
        ("13:00", "13T12:00:00", "11:00", ["2026-01-13"]),  # due at once
        ("13:00", "13T12:00:00", "14:00", ["2026-01-13"]),
    ],
)
def test_another_time_of_day_makes_only_that_due_which_was_not_done(
    before: str, now: str, after: str, days: list[str], clock: Clock
) -> None:
    archive = Archive()
    clock.set(f"2026-01-{now}")
    changing = Rotator(
        cast("asyncio.AbstractEventLoop", clock),
        cast("Store[Any]", archive),
        Log("error", "compact"),
        at(before),
        at("00:00"),
        24.0,
    )
    changing.begin("2026-01-13" if before == "01:00" else "2026-01-12")
    changing.change(at(after), at("00:00"), 24.0)
    at_once = list(archive.days)
    clock.set("2026-01-13T23:30:00")
    clock.ring()
    assert archive.days == days
    assert at_once == (days if after == "11:00" else [])


def test_a_rotation_that_is_turned_off_and_on_again_goes_on(clock: Clock) -> None:
    archive = Archive()
    clock.set("2026-01-13T12:00:00")
    changing = rotator(clock, archive)
    changing.change(None, at("00:00"), 24.0)
    changing.begin(None)
    clock.set("2026-01-15T12:00:00")
    clock.ring()
    assert archive.days == []
    changing.change(at("13:00"), at("00:00"), 24.0)
    assert archive.days == []  # no day was ever rotated: the next moment is the first
    clock.set("2026-01-15T13:00:00")
    clock.ring()
    assert archive.days == ["2026-01-15"]


class LowDisk(Archive):
    """A store in which a rotation waits for space, until there is some."""

    def __init__(self) -> None:
        super().__init__()
        self.is_low = True
        self._ended: list[Callable[[], None]] = []

    def run(self, job: Rotation | SetMark, tell: Callable[[Any], None]) -> None:
        self._ended.append(partial(tell, job.outcome))

    def writability(self) -> Writability:
        return Writability(not self.is_low, 0.0, "too little space is free" if self.is_low else None)

    def end(self) -> None:
        """End the job that waits."""
        self._ended.pop(0)()


def test_a_daily_rotation_that_waits_for_space_is_told_until_it_ends(clock: Clock) -> None:
    told: list[str] = []
    store, loop = LowDisk(), cast("asyncio.AbstractEventLoop", clock)
    schedules = Schedule("01:00", UTC), Schedule("00:00", UTC)
    waiting = Rotator(
        loop, cast("Store[Any]", store), Log("error", "compact"), *schedules, 24.0,
        partial(told.append, "rotated"), partial(told.append, "waits"),
    )  # fmt: skip
    clock.set("2026-01-13T02:00:00")
    waiting.begin("2026-01-12")
    clock.ring()
    clock.ring()
    assert told == ["waits", "waits"]

    store.is_low = False
    clock.ring()
    store.end()
    clock.ring()

    assert told == ["waits", "waits", "rotated"]
