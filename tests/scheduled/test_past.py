"""The past is built when something is due, once at a time, and again after a failure."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import apsw
import pytest

from winlogd.log.log import Log
from winlogd.scheduled.past import Past
from winlogd.store.errors import JobCutShortError
from winlogd.store.jobs.build import Build, Built
from winlogd.store.jobs.hours import Counted, Hours
from winlogd.store.jobs.job import AnyJob
from winlogd.store.jobs.look import Look
from winlogd.store.store import Store

NOTHING = Built(0, 0, 0, 0.0)
SOMETHING = Built(9, 4, 1, 0.5)
COUNTED = Counted(1, 0.1)


class Timer:
    def __init__(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.delay_s = delay_s
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """An event loop whose timers stand still until a test lets them ring."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, delay_s: float, callback: Callable[..., None], *values: object) -> Timer:
        self.timers.append(Timer(delay_s, partial(callback, *values)))
        return self.timers[-1]

    @property
    def running(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.is_cancelled]


class Works:
    """A store that ends no job by itself."""

    def __init__(self) -> None:
        self.jobs: list[type[AnyJob]] = []
        self.end: Callable[[Any], None] = lambda outcome: None
        self.report: Callable[[Mapping[str, int]], None] | None = None

    def run(
        self,
        job: AnyJob,
        ended: Callable[[Any], None],
        report: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        self.jobs.append(type(job))
        self.end, self.report = ended, report


class Lines(Log):
    """A log that keeps its lines."""

    def __init__(self) -> None:
        super().__init__("info", "compact")
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def info(self, target: str, message: str, /, **fields: object) -> None:
        self.lines.append(("info", message, fields))

    def warn(self, target: str, message: str, /, **fields: object) -> None:
        self.lines.append(("warn", message, fields))

    def exception(self, target: str, message: str, error: BaseException, /, **fields: object) -> None:
        self.lines.append(("error", message, fields))


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def past(loop: Loop, works: Works, log: Lines) -> Past:
    return Past(cast("asyncio.AbstractEventLoop", loop), cast("Store[Any]", works), log)


def test_the_hours_are_counted_after_a_build(past: Past, works: Works, log: Lines) -> None:
    past.look()
    works.end(SOMETHING)
    assert works.jobs == [Build, Hours]
    works.end(COUNTED)

    assert works.jobs == [Build, Hours]
    assert log.lines == [("info", f"the past is built: {SOMETHING.sentence}", {})]


def test_a_build_that_finds_nothing_to_do_is_not_logged(past: Past, works: Works, log: Lines) -> None:
    past.look()
    works.end(NOTHING)
    works.end(COUNTED)

    assert log.lines == []


def test_a_longer_build_is_logged_when_it_begins(past: Past, works: Works, log: Lines) -> None:
    past.look()
    assert works.report is not None
    works.report({"rows_taken_in": 8, "rows": 900})
    works.report({"rows_taken_in": 16, "rows": 900})
    works.end(SOMETHING)

    assert log.lines[0] == ("info", "building the past", {"rows": 900})
    assert len(log.lines) == 2


@pytest.mark.parametrize("ends_before", [0, 1])
def test_what_comes_into_the_archive_meanwhile_is_built_after_it(past: Past, works: Works, ends_before: int) -> None:
    past.look()
    outcomes = [SOMETHING, COUNTED]
    for outcome in outcomes[:ends_before]:
        works.end(outcome)
    past.look()
    past.look()
    for outcome in outcomes[ends_before:]:
        works.end(outcome)
    assert works.jobs == [Build, Hours, Build]
    works.end(NOTHING)
    works.end(COUNTED)

    assert works.jobs == [Build, Hours] * 2


@pytest.mark.parametrize(("error", "level"), [(apsw.FullError("full"), "warn"), (ValueError("a fault"), "error")])
@pytest.mark.parametrize("ends_before", [0, 1])
def test_what_has_failed_is_tried_again_five_minutes_later(
    past: Past, works: Works, log: Lines, loop: Loop, error: Exception, level: str, ends_before: int
) -> None:
    past.look()
    if ends_before:
        works.end(NOTHING)
    works.end(error)
    [timer] = loop.running
    assert (timer.delay_s, log.lines[-1][0]) == (300.0, level)
    timer.callback()
    works.end(NOTHING)
    works.end(COUNTED)

    assert works.jobs[-2:] == [Build, Hours]
    assert loop.running == []


def test_a_rotation_does_not_wait_for_the_next_try(past: Past, works: Works, loop: Loop) -> None:
    past.look()
    works.end(apsw.FullError("full"))
    past.look()

    assert loop.running == []
    assert works.jobs == [Build, Build]


@pytest.mark.parametrize("is_long", [False, True])
def test_after_a_stop_nothing_is_tried_again(past: Past, works: Works, loop: Loop, log: Lines, is_long: bool) -> None:
    past.look()
    if is_long and works.report is not None:
        works.report({"rows_taken_in": 8, "rows": 900})
    works.end(JobCutShortError("winlogd is stopping"))
    assert [line[1].partition(";")[0] for line in log.lines[1:]] == ["building the past was cut short"] * is_long
    past.look()
    works.end(apsw.FullError("full"))
    past.stop()

    assert loop.running == []


def test_once_an_hour_it_looks_and_builds_only_if_something_is_due(past: Past, works: Works, loop: Loop) -> None:
    past.begin(is_due=False)
    assert works.jobs == []
    for outcome in (False, apsw.BusyError("busy"), JobCutShortError("winlogd is stopping")):
        [timer] = loop.running
        assert timer.delay_s == 3600.0
        timer.is_cancelled = True  # it has rung
        timer.callback()
        works.end(outcome)
    assert works.jobs == [Look] * 3

    loop.running[0].callback()
    works.end(True)
    assert works.jobs[-1] is Build


def test_while_it_builds_or_waits_to_try_again_it_does_not_look(past: Past, works: Works, loop: Loop) -> None:
    past.begin(is_due=True)
    assert works.jobs == [Build]
    loop.running[0].callback()
    works.end(apsw.FullError("full"))
    loop.running[0].callback()
    assert works.jobs == [Build]


def test_after_a_stop_it_looks_no_more(past: Past, loop: Loop) -> None:
    past.begin(is_due=False)
    past.stop()
    assert loop.running == []
