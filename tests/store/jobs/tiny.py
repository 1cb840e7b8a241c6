"""Two tiny jobs, one of each kind, and a process that runs one of them and can be killed at any step.

``python -m tests.store.jobs.tiny FILE KIND RUNNER STEP MOMENT``: runs a job on FILE. The
process kills itself by SIGKILL at step STEP (-1: never), at a MOMENT: ``inside`` the step, or when it is ``committed``.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import apsw

from tests.support.writing import Running
from winlogd.sessions.book import Book
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.job import AnyJob, Step

ROWS: Final = 4
PAGES_A_STEP: Final = 9


class Killed:
    """Kills the process at one moment of one step, by default never."""

    def __init__(self, step: int = -1, moment: str = "") -> None:
        self._step = step
        self._moment = moment

    def at(self, step: int, moment: str) -> None:
        if (step, moment) == (self._step, self._moment):
            os.kill(os.getpid(), signal.SIGKILL)


class Tally:
    """Counts to `ROWS`, a row a step. Each step needs a transaction. A new Tally goes on where an earlier one ended."""

    goes_first = False
    needs_space = True
    needs_transaction = True

    def __init__(self, killed: Killed | None = None) -> None:
        self._killed = killed or Killed()
        self._steps = 0
        self.outcome = 0
        self.is_abandoned = False

    @property
    def progress(self) -> Mapping[str, int]:
        return {"rows_counted": self._steps}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        connection.execute("CREATE TABLE IF NOT EXISTS winlogd_tally (n INTEGER PRIMARY KEY)")
        [(counted,)] = connection.execute("SELECT count(*) FROM winlogd_tally")
        assert isinstance(counted, int)
        if counted < ROWS:
            connection.execute("INSERT INTO winlogd_tally VALUES (?)", (counted,))
        self._killed.at(self._steps, "inside")
        return Step(is_last=counted + 1 >= ROWS, wrote=counted < ROWS)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        self._killed.at(self._steps, "committed")
        self._steps += 1
        self.outcome = self._steps

    def abandon(self) -> None:
        self.is_abandoned = True


class Copy:
    """Copies the database to a file beside it with SQLite's backup, which works outside transactions only."""

    goes_first = False
    needs_space = False
    needs_transaction = False

    def __init__(self, to: Path, killed: Killed | None = None) -> None:
        self._to = to
        self._killed = killed or Killed()
        self._target: apsw.Connection | None = None
        self._backup: apsw.Backup
        self._steps = 0
        self.outcome = 0

    @property
    def progress(self) -> Mapping[str, int]:
        return {"steps_done": self._steps}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> Step:
        if self._target is None:
            self._to.unlink(missing_ok=True)  # a killed process has left it
            self._target = apsw.Connection(str(self._to))
            self._backup = self._target.backup("main", connection, "main")
        self._backup.step(PAGES_A_STEP)
        self._killed.at(self._steps, "inside")
        return Step(is_last=self._backup.done, wrote=False)

    def took(self, step: Step, book: Book, took_s: float) -> None:
        self._killed.at(self._steps, "committed")
        self._steps += 1
        self.outcome = self._steps

    def abandon(self) -> None:
        if self._target is not None:
            self._backup.close(True)
            self._target.close()
            self._target = None


def settings_of(path: Path) -> Settings:
    return Settings(str(path), "WAL", "FULL", 30_000, 10_000)


def main(file: str, kind: str, runner: str, step: str, moment: str) -> None:
    path, killed = Path(file), Killed(int(step), moment)
    job: AnyJob = Tally(killed) if kind == "tally" else Copy(path.with_name("copy.db"), killed)
    if runner == "alone":
        run_alone(job, settings_of(path))
        return
    running = Running(path)
    running.writer.run(job)
    outcome = running.ear.wait_for("job_ended")
    assert running.stop() is None
    if isinstance(outcome, Exception):
        raise outcome


if __name__ == "__main__":
    main(*sys.argv[1:])
