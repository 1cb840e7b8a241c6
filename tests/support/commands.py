"""Run winlogd's commands as processes whose clock says what a test wants, on the database of a played school."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.running import A_SMALL_DISK_WILL_DO, COMMAND_PATIENCE_S
from tests.support.school import School, a_school
from tests.support.school_building import DAY_US, TERMINAL_SERVER
from tests.support.school_habits import Habits
from tests.support.school_rows import store
from tests.support.school_truth import HOUR_US

AT: Final = """
import sys, time
now = float(sys.argv.pop(1))
time.time = lambda: now
from winlogd.cli import main
sys.exit(main())
"""
"""A program that runs winlogd as of the time of its first argument, in seconds since 1970."""

SETTINGS: Final = """\
[server]
timezone = "UTC"
[rotation]
at = ""
[rooms]
from_hostname = "{room}-*"
rooms_file = "machines.csv"
[sessions]
multi_user = ["TS-*"]
inventory_at_boot = true
"""
"""The configuration of the school. Its server does not rotate by the clock of the tests' machine."""


class Ended(NamedTuple):
    """A command that has ended.

    Attributes:
        status: its exit status.
        out: its standard output.
        notes: the lines of its standard error.
    """

    status: int
    out: str
    notes: list[str]

    @property
    def json(self) -> Any:  # noqa: ANN401  # any JSON value
        return json.loads(self.out)


def command(folder: Path, now_us: int, *words: str, environ: Mapping[str, str] | None = None) -> Ended:
    """Run a command in `folder` at a moment, in microseconds since 1970."""
    inherited = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    ended = subprocess.run(
        [sys.executable, "-c", AT, str(now_us / 1_000_000), *words],
        cwd=folder,
        env={**inherited, **A_SMALL_DISK_WILL_DO, **(environ or {})},
        capture_output=True,
        timeout=COMMAND_PATIENCE_S,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode().splitlines())


class Played(NamedTuple):
    """A school up to a moment, with its database in a folder.

    Attributes:
        school: the school.
        folder: has the configuration, and the database.
        now_us: the moment.
    """

    school: School
    folder: Path
    now_us: int

    @property
    def day_us(self) -> int:
        """Return midnight at the begin of the day."""
        return self.now_us // DAY_US * DAY_US

    def run(self, *words: str, environ: Mapping[str, str] | None = None) -> Ended:
        """Run a command that succeeds."""
        ended = command(self.folder, self.now_us, *words, environ=environ)
        assert ended.status == 0, ended.notes
        return ended

    def sessions(self, *words: str) -> list[dict[str, Any]]:
        """Return all sessions of a command's JSON."""
        answer = self.run(*words, "--json").json
        assert answer["next"] is None
        return list(answer["sessions"])


def played(folder: Path, habits: Habits) -> Played:
    """Play three weeks of a school with 50 machines, until 10:25 on the last Thursday."""
    school = a_school(machines=50, days=21, habits=habits)
    now_us = school.first_us + 17 * DAY_US + 10 * HOUR_US + 25 * HOUR_US // 60
    (folder / "data").mkdir(parents=True)
    (folder / "config.toml").write_text(SETTINGS)
    places = [f"{each.hostname},{each.room}" for each in school.machines if each.hostname != TERMINAL_SERVER]
    (folder / "machines.csv").write_text("\n".join(["hostname,room", *places]) + "\n")
    store(folder / "data" / "winlog.db", school.sent, until_us=now_us)
    return Played(school, folder, now_us)
