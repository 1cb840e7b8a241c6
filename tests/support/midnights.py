"""Start a server by whose clock a day ends soon."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.support.running import Winlogd

ELSEWHEN: Final = """
import sys, time
ahead, real = float(sys.argv.pop(1)), time.time
time.time = lambda: real() + ahead
time.time_ns = lambda: int(time.time() * 1e9)
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, with a clock that is ahead by the seconds of its first argument."""
UTC_DAYS: Final = '[server]\ntimezone = "UTC"\n[rotation]\nat = ""\n'


def before_midnight(folder: Path, seconds: float, settings: str = UTC_DAYS) -> tuple[Winlogd, str]:
    """Start a server by whose clock the day ends in some seconds. Return it, and the day."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    server = Winlogd(folder, settings)
    ahead = (midnight - now).total_seconds() - seconds
    server.command = (sys.executable, "-c", ELSEWHEN, str(ahead), "--config", "config.toml")
    return server.start(), f"{now:%Y-%m-%d}"
