"""Tombstones for tests, and a process that applies some and can be killed at any step.

``python -m tests.support.forgetting FILE RUNNER STEP MOMENT PSEUDONYM``: forgets alice in FILE, builds the past and
tidies up. The process kills itself by SIGKILL at step STEP (-1: never), at a MOMENT: ``inside`` the step, or when it is
``committed``. It prints how many steps it had.
"""

import sys
from pathlib import Path
from typing import Any, Final

import apsw

from tests.store.jobs.building import Killable, Steps
from tests.store.jobs.tiny import Killed, settings_of
from tests.support.pasts import EIGHT, finish
from tests.support.writing import Running
from winlogd.events.names import folded
from winlogd.store.file.marks import FORGOTTEN
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.forget import Forget
from winlogd.store.jobs.job import AnyJob
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.tidy import Tidy
from winlogd.store.past.tombstones import Forgotten, Tombstone, digest_of

KEY: Final = b"k" * 32
LATE_US: Final = 4_000_000_000_000_000
"""After all rows of the tests."""


def tombstone(
    name: str,
    number: int = 1,
    at_us: int = LATE_US,
    first_us: int | None = None,
    last_us: int | None = None,
    pseudonym: str = "",
) -> Tombstone:
    return Tombstone(number, digest_of(KEY, folded(name)), first_us, last_us, at_us, pseudonym)


def forgotten(*tombstones: Tombstone) -> Forgotten:
    return Forgotten(KEY, tombstones)


def forget(*tombstones: Tombstone) -> Forget:
    """Return the job that applies tombstones, eight rows in each step."""
    return Forget(forgotten(*tombstones), EIGHT)


def apply(connection: apsw.Connection, *tombstones: Tombstone) -> Forget:
    """Apply tombstones, and note that. Return the job."""
    job = forget(*tombstones)
    finish(job, connection)
    finish(SetMark(FORGOTTEN, forgotten(*tombstones).mark), connection)
    return job


def main(file: str, runner: str, step: str, moment: str, pseudonym: str = "") -> None:
    path, steps = Path(file), Steps(Killed(int(step), moment))
    all_jobs: list[AnyJob] = [forget(tombstone("alice", pseudonym=pseudonym)), Build(EIGHT), Tidy(0, 0, EIGHT)]
    jobs: list[Any] = [Killable(job, steps) for job in all_jobs]
    if runner == "alone":
        for job in jobs:
            run_alone(job, settings_of(path))
    else:
        running = Running(path)
        for job in jobs:
            running.writer.run(job)
            outcome = running.ear.wait_for("job_ended")
            if isinstance(outcome, Exception):
                raise outcome
        assert running.stop() is None
    print(steps.done)


if __name__ == "__main__":
    main(*sys.argv[1:])
