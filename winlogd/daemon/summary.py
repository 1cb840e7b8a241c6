"""The line that sums a day up in the log, so that somebody who looks through the log sees how the site does.

It names nobody. Loaded at the first midnight. This file must not know when a day ends.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from winlogd.daemon.known_site import KnownSite
from winlogd.log.log import Log
from winlogd.scheduled.clock import Day
from winlogd.sessions.session import US
from winlogd.store.backup.files import names_of
from winlogd.store.read.reader import Reader
from winlogd.store.sizes import sizes_of

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_WHO: Final = "the summary of the day"
"""The name by which the reader counts this question."""
_MB_BYTES: Final = 1_000_000
_HOUR_S: Final = 3600


def sum_up(day: Day, refused: int, known: KnownSite, path: str, reader: Reader, log: Log) -> None:
    """Log one line about a day that has ended, and nothing if the log has no lines of information.

    Args:
        day: the day.
        refused: how many requests were refused on it.
        known: the site, and the configuration in force.
        path: the database's real path.
        reader: answers what is stored. Its thread also looks at the disk.
        log: gets the line.
    """
    if not log.enabled("info"):
        return
    site, config = known.site(), known.config
    begins_us, ends_us = int(day.begins_s) * US, int(day.ends_s) * US

    def look(access: "Access") -> Mapping[str, object]:
        from winlogd.store.read.activity import find_activity  # loaded on the reader's thread
        from winlogd.store.read.statistics import find_counts

        activity = find_activity(access, begins_us, ends_us)
        counts = find_counts(access, "day", begins_us, ends_us, site, ends_us - 1)
        now_s = time.time()
        sizes, backup = sizes_of(path), names_of(config.backup.folder, path).last(now_s)
        return {
            **activity._asdict(),
            "most_at_once": max(count.most for count in counts),
            "database_mb": sizes.database // _MB_BYTES,
            "free_mb": sizes.free // _MB_BYTES,
            "backup_hours": "none" if backup is None else max(int(now_s - backup.made_s), 0) // _HOUR_S,
        }

    def report(outcome: Mapping[str, object] | Exception) -> None:
        date = f"{datetime.fromtimestamp(day.begins_s, site.zone):%Y-%m-%d}"
        if isinstance(outcome, Exception):
            log.warn("summary", "the day cannot be summed up", day=date, refused=refused, cause=str(outcome))
        else:
            log.info("summary", "summary of the day", day=date, refused=refused, **outcome)

    reader.ask(_WHO, look, report)
