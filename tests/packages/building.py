"""Run the scripts of packaging/ on copies of the sources.

This file knows where the scripts are and what they print. It must not know what a package holds.
"""

import os
import shutil
import subprocess
import sys
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


def by_the_page(text: str, sources: Path, python: Path) -> list[Path]:
    """Run the commands of a page in `sources`, with this Python as python3. Return the paths that they print.

    Args:
        text: the commands.
        sources: the folder in which the page runs them.
        python: a new file, which is to be python3.
    """
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    environ = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}", "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(
        ["bash", "-ec", text], cwd=sources, env=environ, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [Path(line) for line in done.stdout.splitlines() if line.startswith(str(sources))]


def built(sources: Path, script: str, folder: Path) -> list[Path]:
    """Run packaging/`script` of `sources`, which builds into `folder`. Return the paths that it prints."""
    environ = {**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": EPOCH}
    command = [sources / "packaging" / script, folder]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return [Path(line) for line in done.stdout.splitlines()]
