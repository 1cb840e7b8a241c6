"""Selections for deletions, and a process that runs one and can be killed at any step.

``python -m tests.store.jobs.deleting FILE RUNNER STEP MOMENT``: deletes `ALICE` from FILE, and
tidies up. The process kills itself by
SIGKILL at step STEP (-1: never), at a MOMENT: ``inside`` the step, or when it is ``committed``. It prints how many
steps it had.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw

from tests.store.jobs.building import Killable, Steps
from tests.store.jobs.tiny import Killed, settings_of
from tests.support.pasts import DAY, EIGHT
from tests.support.writing import Running
from winlogd.sessions.session import US
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.delete import Delete, Found
from winlogd.store.jobs.tidy import Tidy
from winlogd.store.past.events import events_with

ALICE = "username = 'alice'"
HOURS_BEFORE_US = int((DAY + timedelta(hours=1)).timestamp()) * US
"""Some counts by hour are older."""


class Where:
    """Chooses the rows of a table for which a condition in SQL is true."""

    def __init__(self, table: str, condition: str) -> None:
        self._table = table
        self._ids = f"SELECT id FROM {table} WHERE id > ? AND id <= ? AND ({condition}) ORDER BY id LIMIT ?"

    def find(self, connection: apsw.Connection, after_id: int, until_id: int, most: int) -> Found:
        ids: list[Any] = [row[0] for row in connection.execute(self._ids, (after_id, until_id, most))]
        return Found(events_with(connection, self._table, ids), ids[-1] if len(ids) == most else until_id)


def delete(history: str | None = None, today: str | None = None) -> Delete:
    """Return a deletion of the rows for which conditions are true, eight in each step."""
    return Delete(
        None if history is None else Where("events_history", history),
        None if today is None else Where("events_today", today),
        EIGHT,
    )


def main(file: str, runner: str, step: str, moment: str) -> None:
    path, steps = Path(file), Steps(Killed(int(step), moment))
    jobs = [Killable(job, steps) for job in (delete(ALICE, ALICE), Tidy(HOURS_BEFORE_US, 0, EIGHT))]
    if runner == "alone":
        for job in jobs:
            run_alone(job, settings_of(path))
    else:
        running = Running(path)
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
