"""A process that imports a file and can be killed at any step.

``python -m tests.store.jobs.importing DATABASE FILE RUNNER STEP MOMENT``: the process kills itself by SIGKILL at step
STEP (-1: never), at a MOMENT: ``inside`` the step, or when it is ``committed``. It prints the number of steps.
"""

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw

from tests.store.jobs.tiny import Killed, settings_of
from tests.support.writing import Running
from winlogd.sessions.book import Book
from winlogd.store.imported.source import rows_of_sqlite
from winlogd.store.imported.staging import NewStaging
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.steps import Steps
from winlogd.store.jobs.take_over import TakenOver, TakeOver, TakeOverStep

FEW = Steps(10.0, 4, 4)
"""Steps of four rows, however long they take."""


def staged(database: Path, file: Path) -> str:
    """Put the rows of an SQLite file into a staging file. Return its path."""
    staging = NewStaging(str(database))
    shutil.copy(file, staging.source_path)
    for read in rows_of_sqlite(staging.source_path):
        assert read.row is not None
        staging.add(read.row)
    staging.finish()
    Path(staging.source_path).unlink()
    return staging.path


class Watched:
    """An import that has something done at its steps."""

    goes_first = False
    needs_space = True

    def __init__(self, path: str, killed: Killed | None = None, at: Callable[[int], None] = lambda _: None) -> None:
        self._job = TakeOver(path, FEW)
        self._killed = killed or Killed()
        self._at = at
        self.steps = 0

    @property
    def needs_transaction(self) -> bool:
        return self._job.needs_transaction

    @property
    def outcome(self) -> TakenOver:
        return self._job.outcome

    @property
    def progress(self) -> Mapping[str, int]:
        return self._job.progress

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> TakeOverStep:
        step = self._job.step(connection, book, now_s)
        self._killed.at(self.steps, "inside")
        return step

    def took(self, step: TakeOverStep, book: Book, took_s: float) -> None:
        self._killed.at(self.steps, "committed")
        self._job.took(step, book, took_s)
        self._at(self.steps)
        self.steps += 1

    def abandon(self) -> None:
        self._job.abandon()


def main(database: str, file: str, runner: str, step: str, moment: str) -> None:
    path = Path(database)
    job = Watched(staged(path, Path(file)), Killed(int(step), moment))
    if runner == "alone":
        run_alone(job, settings_of(path))
    else:
        running = Running(path)
        running.writer.run(job)
        outcome = running.ear.wait_for("job_ended")
        assert running.stop() is None
        if isinstance(outcome, Exception):
            raise outcome
    print(job.steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
