"""Check in how many days the disk will be full, if the database grows as it did lately."""

import os
from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.disk import MB
from winlogd.commands.checks.finding import Finding, fine
from winlogd.commands.checks.looked import DAY_US, GROWTH_DAYS, Looked
from winlogd.commands.checks.retention import kept_days
from winlogd.daemon.settings import least_free_bytes
from winlogd.store.read.growth import Growth

_FAULT_DAYS: Final = 30
_NOTE_DAYS: Final = 180
_FEWEST_DAYS: Final = 3
"""Fewer days tell nothing: a new file has some pages anyway."""


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find out that the disk will be full soon."""
    try:
        status = os.statvfs(os.path.dirname(context.path))
    except OSError:  # the check of the disk says so
        return
    left_bytes = status.f_bavail * status.f_frsize - least_free_bytes(context.config)
    yield judged(looked.growth, left_bytes, kept_days(context.config, looked.marks), context.now_us)


def judged(found: Growth, left_bytes: int, kept: int | None, now_us: int) -> Finding:
    """Judge in how many days the disk will be full.

    Args:
        found: what the database holds.
        left_bytes: how much more it may hold.
        kept: after how many days the retention deletes a session; None for never.
        now_us: the time.
    """
    if found.oldest_us is None or now_us - found.oldest_us < _FEWEST_DAYS * DAY_US:
        return fine(f"too early to tell: fewer than {_FEWEST_DAYS} days with events")
    age_days = (now_us - found.oldest_us) / DAY_US
    a_day_bytes = found.used_bytes * found.lately / found.sessions / min(age_days, GROWTH_DAYS)
    if not a_day_bytes:
        return fine(f"nothing came in the last {GROWTH_DAYS} days")
    days = max(left_bytes, 0) / a_day_bytes
    what = f"the database grows by {a_day_bytes / MB:.2f} MB a day"
    if kept is not None and days > max(kept - age_days, 0):
        return fine(f"{what}, and stops growing when it has {kept} days: the retention deletes older ones")
    if days >= _NOTE_DAYS:
        return fine(f"{what}; the disk is full in {_rounded(days)}")
    return Finding(
        "fault" if days < _FAULT_DAYS else "note",
        f"the disk is full in {_rounded(days)}: {what}, and {max(left_bytes, 0) // MB} MB are left above"
        " limits.min_free_disk",
        "then events get 503 and are lost",
        "give it more space, remove old backups, or keep less: retention.history_days in docs/operate.md, Retention",
    )


def _rounded(days: float) -> str:
    return f"{days:.0f} days" if days < 3 * 365 else f"{days / 365:.0f} years"
