"""A server whose clock stands still until a test lets it go on: however slow a start is, it comes before a moment."""

import sys
from pathlib import Path
from typing import Final

from tests.support.running import Winlogd

_STANDING: Final = """
import itertools, os, sys, time
begun_s, mark, looks, real = float(sys.argv.pop(1)), sys.argv.pop(1), itertools.count(), time.time
def now():
    now_s = begun_s + next(looks) / 1e6
    try:
        return now_s + max(real() - os.stat(mark).st_mtime, 0.0)
    except FileNotFoundError:
        return now_s
time.time = now
time.time_ns = lambda: int(now() * 1e9)
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, with a clock that stands at the first argument, in seconds since 1970, until a file is made.

With each look it moves on by a microsecond, so that no two events are of the same moment.
"""


def stand_still(server: Winlogd, now_us: int) -> None:
    """Let the clock of a server stand still at a moment, in microseconds since 1970. Call this before its start."""
    words = (str(now_us / 1e6), str(_mark(server)), "--config", "config.toml")
    server.command = (sys.executable, "-c", _STANDING, *words)


def go_on(server: Winlogd) -> None:
    """Let the clock go on."""
    _mark(server).touch()


def _mark(server: Winlogd) -> Path:
    return server.folder / "clock_goes_on"
