"""Describe the machine that the figures were taken on."""

import os
import platform
import sqlite3
import subprocess
from pathlib import Path

from bench import cores


def describe() -> dict[str, str]:
    """Return the processor, the cores, the kernel and the versions that matter, by name."""
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()} (server on core {cores.SERVER}, load on core {cores.LOAD})",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite of winlogd": _apsw_sqlite(),
        "sqlite of Python": sqlite3.sqlite_version,
        "wrk": _first_line(["wrk", "-v"]),
        "rustc": _first_line(["rustc", "--version"]),
        "php": _first_line(["php", "-v"]),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _apsw_sqlite() -> str:
    try:
        import apsw
    except ImportError:
        return "missing"
    return apsw.sqlite_lib_version()


def _first_line(command: list[str]) -> str:
    """Return the first line that a program prints about itself, or "missing". wrk prints its line with status 1."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        return "missing"
    return done.stdout.partition("\n")[0].strip()
