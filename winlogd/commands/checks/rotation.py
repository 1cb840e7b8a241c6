"""Check that finished days have moved to the archive."""

from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine
from winlogd.commands.checks.looked import Looked
from winlogd.scheduled.clock import Schedule
from winlogd.sessions.session import US
from winlogd.store.file.marks import ROTATED_DAY

_GRACE_S: Final = 2 * 3600
"""A rotation of many rows takes a while, and one that failed is tried again after five minutes."""


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find a rotation that is overdue."""
    at, last = context.config.rotation.at, looked.marks.get(ROTATED_DAY)
    if not at:
        yield Finding(
            "note",
            f"nothing is rotated by itself: rotation.at is empty; the last rotation was {last or 'never'}",
            "events_today grows, retention does not run, and the server starts more slowly",
            "set rotation.at, or run winlogd rotate by cron",
        )
        return
    due = Schedule(at, context.zone).last(context.now_us / US - _GRACE_S).day
    if last is None:
        yield fine(f"there was none yet; the first is at {at}")
    elif last < due:
        yield Finding(
            "fault",
            f"the last rotation was on {last}, and the one of {due} is missing",
            "the days since then are not in the archive, and retention did not run",
            "if the server runs, its log says why: journalctl -u winlogd -p warning; then winlogd rotate",
        )
    else:
        yield fine(f"the last one was on {last}")
