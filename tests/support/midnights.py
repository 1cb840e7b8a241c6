"""Start a server by whose clock a day ends soon."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.support.running import Winlogd
from tests.support.standing import stand_still

UTC_DAYS: Final = '[server]\ntimezone = "UTC"\n[rotation]\nat = ""\n'


def before_midnight(folder: Path) -> tuple[Winlogd, str]:
    """Start a server whose clock stands a second before midnight until `standing.go_on`. Return it, and the day."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    server = Winlogd(folder, UTC_DAYS)
    stand_still(server, int(midnight.timestamp() - 1) * 1_000_000)
    return server.start(), f"{now:%Y-%m-%d}"
