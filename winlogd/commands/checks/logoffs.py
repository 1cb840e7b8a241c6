"""Check how many sessions have no logoff, by room: where many have none, the image of the room is broken."""

from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine
from winlogd.commands.checks.looked import Looked
from winlogd.sessions.machines import MOST_LOST_PERCENT
from winlogd.store.read.rooms import Week

_FEWEST_SESSIONS: Final = 10
"""Of fewer sessions a week, some without a logoff may be chance."""
_ADVICE: Final = (
    "check on one of its machines that the client logout runs at logoff and at shutdown: docs/clients.md; winlogd"
    " sessions --ended-by auto,expired --room ROOM lists the sessions"
)


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find rooms in which too many sessions of the last week have no logoff."""
    found = list(judged(looked.week))
    yield from found
    if not found:
        total, lost = looked.week.sessions.total(), looked.week.lost.total()
        yield fine(f"{lost} of the last week's {total} sessions have none")


def judged(week: Week) -> Iterator[Finding]:
    """Judge each room, by the rule that says where free machines can be counted."""
    for room in sorted(week.sessions, key=lambda name: (name is None, name or "")):
        sessions, lost = week.sessions[room], week.lost[room]
        if 100 * lost > MOST_LOST_PERCENT * sessions:
            where = "of the machines without a room" if room is None else f"of room {room}"
            yield Finding(
                "fault" if sessions >= _FEWEST_SESSIONS else "note",
                f"{lost} of the last week's {sessions} sessions {where} have no logoff ({100 * lost / sessions:.0f} %)",
                "nobody knows when these ended, and which machines are free",
                _ADVICE,
            )
