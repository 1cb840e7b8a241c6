"""Builds of the past in steps: what happens between two of them, and a process that is killed at one."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw

from tests.store.test_load_book import load
from tests.support.pasts import AT_ONCE, EIGHT, built, built_afresh, copy, finish, opened, step
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import Rules
from winlogd.store.past.progress import is_due

ROWS = 40
RULES = Rules("2026-01-13T00:00:00", "2026-01-12T01:00:00", 24.0)
DELETED = "DELETE FROM events_history WHERE username = 'alice'"
STEPS = 5
"""Of a build of `ROWS` rows, eight in each; `fill` adds one row more than it has to."""
CLEARING_STEPS = 7
"""Of a rebuild of them, before the first row is read."""
COUNTING_STEPS = 4
"""To count their hours."""


def ask_for_rebuild(connection: apsw.Connection) -> None:
    """Let the past be built again: more rows were deleted than are noted."""
    connection.execute("UPDATE winlogd_meta SET value = value + 1 WHERE key = 'history_deletions'")


def rotate(connection: apsw.Connection) -> None:
    finish(Rotation(RULES, None, EIGHT), connection)


def delete_alice(connection: apsw.Connection) -> None:
    connection.execute(DELETED)


def build_with(
    connection: apsw.Connection, between: Callable[[apsw.Connection], None], at: int, most: int = 1000
) -> int:
    """Build in steps of eight rows, and do something after the step `at`. Return the number of steps."""
    job, book = Build(EIGHT), load(connection)
    for number in range(most):
        if number == at:
            between(connection)
            book = load(connection)  # as a writer's, which learns of the rotation
        if step(job, connection, book).is_last:
            break
    if number + 1 <= at:
        between(connection)
        finish(Build(AT_ONCE), connection)
    return number + 1


def run(path: Path, runner: str, at: int = -1, moment: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.store.jobs.building", str(path), runner, str(at), moment]
    return subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)


def killed_at_each(path: Path, tmp_path: Path, runner: str, moment: str, steps: int) -> None:
    """Kill a process at each step that it has, and let another one go on. The past is as if nothing had happened."""
    with opened(path) as connection:
        expected = built_afresh(connection, tmp_path / "afresh.db")
    whole = copy(path, "whole.db")
    ended = run(whole, runner)
    assert (ended.returncode, ended.stdout.strip()) == (0, str(steps)), ended
    for at in range(steps):
        killed = copy(path, f"killed{at}.db")
        assert run(killed, runner, at, moment).returncode == -signal.SIGKILL
        with opened(killed) as connection:
            assert connection.pragma("integrity_check") == "ok"
            assert built(connection) == expected, f"killed at step {at}"
        with opened(killed) as connection:
            assert not is_due(connection)
