"""A process that builds the past and counts its hours, and can be killed at any step.

``python -m tests.store.jobs.building FILE RUNNER STEP MOMENT``: see `tests.store.jobs.tiny`. Steps of the count go on
where the build's end.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from tests.store.jobs.tiny import Killed, settings_of
from tests.support.pasts import EIGHT
from tests.support.writing import Running
from winlogd.sessions.book import Book
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.hours import Hours
from winlogd.store.jobs.job import AnyJob, Step


class Steps:
    """Counts the steps of several jobs, and kills the process at one of them."""

    def __init__(self, killed: Killed) -> None:
        self.killed = killed
        self.done = 0


class Killable:
    """Does what a job does, and may be killed."""

    goes_first = False
    needs_space = True
    needs_transaction = True

    def __init__(self, job: AnyJob, steps: Steps) -> None:
        self._job = job
        self._steps = steps

    @property
    def outcome(self) -> Any:  # noqa: ANN401  # of any job
        return self._job.outcome

    @property
    def progress(self) -> Mapping[str, int]:
        return self._job.progress

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        step: Step = self._job.step(connection, book, now_s)
        self._steps.killed.at(self._steps.done, "inside")
        return step

    def took(self, step: Step, book: Book, took_s: float) -> None:
        self._steps.killed.at(self._steps.done, "committed")
        self._steps.done += 1
        self._job.took(step, book, took_s)

    def abandon(self) -> None:
        self._job.abandon()


def main(file: str, runner: str, step: str, moment: str) -> None:
    steps = Steps(Killed(int(step), moment))
    jobs = [Killable(job, steps) for job in (Build(EIGHT), Hours(EIGHT))]
    if runner == "alone":
        for job in jobs:
            run_alone(job, settings_of(Path(file)))
    else:
        running = Running(Path(file))
        for job in jobs:
            running.writer.run(job)
        for _ in jobs:
            outcome = running.ear.wait_for("job_ended")
            if isinstance(outcome, Exception):
                raise outcome
        assert running.stop() is None
    print(steps.done)


if __name__ == "__main__":
    main(*sys.argv[1:])
