"""Run ``winlogd doctor`` on a site that a test has made, and read what it has found."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.paths import ROOT
from tests.support.questions import at, stay
from tests.support.running import A_SMALL_DISK_WILL_DO, COMMAND_PATIENCE_S
from tests.support.school_clients import Sent
from tests.support.school_rows import store

NOW_US: Final = at(1, 10.25)
"""Tuesday 13 January 2026, 10:15."""
SETTINGS: Final = '[server]\ntimezone = "UTC"\n[rooms]\nfrom_hostname = "{room}-*"\n'

_CODE: Final = """
import os, sys, time
now = float(sys.argv.pop(1))
if now:
    time.time = lambda: now
BEFORE
from winlogd.cli import main
sys.exit(main())
"""


class Found(NamedTuple):
    """One finding, as the JSON has it."""

    level: str
    what: str
    meaning: str
    advice: str


class Examined(NamedTuple):
    """What the doctor has found.

    Attributes:
        status: its exit status.
        answer: the JSON.
        checks: the findings of each check.
    """

    status: int
    answer: dict[str, Any]
    checks: dict[str, list[Found]]

    def one(self, check: str) -> Found:
        """Return the only finding of a check."""
        [found] = self.checks[check]
        return found

    def faults(self) -> set[str]:
        """Return the checks with a fault."""
        return {check for check, found in self.checks.items() if any(each.level == "fault" for each in found)}


def doctor(
    folder: Path,
    *words: str,
    now_us: int = NOW_US,
    environ: Mapping[str, str] | None = None,
    before: str = "",
    prefix: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run the doctor in a folder.

    Args:
        folder: has the configuration.
        words: its flags.
        now_us: the time for which it takes the present; 0 for the real one.
        environ: variables besides the inherited ones.
        before: Python that runs before winlogd does.
        prefix: the beginning of the command line, such as that of another program which runs the doctor.
    """
    inherited = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    code = _CODE.replace("BEFORE", before)
    return subprocess.run(
        [*prefix, sys.executable, "-c", code, str(now_us / 1_000_000), "doctor", *words],
        cwd=folder,
        env={**inherited, **A_SMALL_DISK_WILL_DO, "PYTHONPATH": str(ROOT), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=COMMAND_PATIENCE_S,
        check=False,
    )


def examined(folder: Path, **how: Any) -> Examined:  # noqa: ANN401  # the arguments of `doctor`
    """Run the doctor, and read its JSON."""
    ended = doctor(folder, "--json", **how)
    assert ended.stderr == ""
    answer = json.loads(ended.stdout)
    checks: dict[str, list[Found]] = {}
    for each in answer["findings"]:
        checks.setdefault(each.pop("check"), []).append(Found(**each))
    return Examined(ended.returncode, answer, checks)


def make_site(folder: Path, *events: Sent, settings: str = SETTINGS) -> Path:
    """Make a configuration and a database, whose nights until `NOW_US` were rotated. No server uses it.

    Args:
        folder: where.
        events: what came before that time; without any, somebody's morning of the day before.
        settings: the configuration.
    """
    (folder / "config.toml").write_text(settings)
    (folder / "data").mkdir()
    came = events or stay(at(0, 8), at(0, 9), "alice")
    store(folder / "data" / "winlog.db", sorted(came, key=lambda each: each.received_us), until_us=NOW_US)
    return folder


def set_options(site: Path, text: str) -> None:
    """Add options to the configuration of a site. The first ones may be of `[rooms]`."""
    (site / "config.toml").write_text(SETTINGS + text)
