"""Run the scripts of packaging/ on copies of the sources.

This file knows where the scripts are and what they print. It must not know what a package holds.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

EPOCH: Final = "1768293000"
"""SOURCE_DATE_EPOCH of all packages that tests build: 2026-01-13, 08:30 UTC."""

PATIENCE_S: Final = 300.0
_NOT_SOURCES: Final = (".*", "__pycache__", "build", "dist", "data", "tests", "bench", "node_modules", "*.egg-info")


def copied(folder: Path) -> Path:
    """Copy the sources to the new folder `folder`, without what a build does not need. Return it."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_SOURCES))
    return folder


def disturbed(sources: Path) -> Path:
    """Give all files other modes and times, and leave what an earlier build and a start leave. Return `sources`."""
    for count, path in enumerate(sorted(sources.rglob("*"))):
        is_program = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o700 if is_program else 0o600)
        os.utime(path, (1_000_000_000 + count, 1_000_000_000 + count))
    for leftover in ("build/lib/winlogd/removed.py", "winlogd/__pycache__/cli.cpython-311.pyc"):
        (sources / leftover).parent.mkdir(parents=True, exist_ok=True)
        (sources / leftover).write_text("")
    return sources


def built(sources: Path, script: str, folder: Path, environ: Mapping[str, str] | None = None) -> list[Path]:
    """Run packaging/`script` of `sources`, which builds into `folder`. Return the paths that it prints."""
    own = {"PYTHON": sys.executable, "SOURCE_DATE_EPOCH": EPOCH}
    command = [sources / "packaging" / script, folder]
    done = subprocess.run(
        command, env={**os.environ, **own, **(environ or {})}, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [Path(line) for line in done.stdout.splitlines()]
