"""Check the clocks of the workstations, as their logons of the last week show them."""

from collections.abc import Iterator, Sequence
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, few, fine
from winlogd.commands.checks.looked import Looked
from winlogd.sessions.session import US
from winlogd.store.read.clock_errors import HostClock

_FAULT_PERCENT: Final = 5
_ALL_PERCENT: Final = 80
_MINUTE_US: Final = 60 * US
_HOUR_MINUTES: Final = 60
_DAY_HOURS: Final = 24


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find workstations whose clock is wrong by more than five minutes."""
    yield judged(looked.clocks)


def judged(clocks: Sequence[HostClock]) -> Finding:
    """Judge the clocks of all machines."""
    sessions, wrong = sum(each.sessions for each in clocks), sum(each.wrong for each in clocks)
    if not wrong:
        return fine("no clock was wrong by more than 5 minutes in the last week")
    percent = 100 * wrong / sessions
    worst = sorted((each for each in clocks if each.wrong), key=lambda each: -each.wrong)
    advice = "set the clock of these machines by NTP (Windows: w32tm /resync); an old one may need a new battery"
    if percent >= _ALL_PERCENT and len(clocks) > 1:
        advice = f"nearly all differ: check the clock of this server first (timedatectl); else {advice}"
    return Finding(
        "fault" if percent >= _FAULT_PERCENT else "note",
        f"the clock was wrong by more than 5 minutes in {wrong} of the last week's {sessions} sessions"
        f" ({percent:.0f} %): {few([_shown(each) for each in worst])}",
        "winlogd shows these sessions as doubtful where the two clocks disagree",
        advice,
    )


def _shown(clock: HostClock) -> str:
    hours, minutes = divmod(round(abs(clock.ahead_us) / _MINUTE_US), _HOUR_MINUTES)
    days = hours // _DAY_HOURS
    size = f"{days} days" if days > 1 else f"{hours} h {minutes} min" if hours else f"{minutes} min"
    name = clock.hostname or "machines without a name"
    return f"{name} ({clock.wrong} of {clock.sessions}, {size} {'ahead' if clock.ahead_us > 0 else 'slow'})"
