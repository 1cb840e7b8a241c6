"""Check which machines report nothing: those that fell silent, those that were never seen, and all of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, Level, few, fine
from winlogd.commands.checks.looked import DAY_US, Looked
from winlogd.sessions.moments import local_time
from winlogd.store.read.machines import Machine

_FAULT_PERCENT: Final = 10
_FEWEST_IN_ROOM: Final = 2
_QUIET_DAYS: Final = 7
_CLIENT: Final = "does it still run, and is the client still installed? docs/clients.md, Check"


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find machines that are silent or were never seen."""
    days = context.config.rooms.silent_days
    silent = [each for each in looked.machines if each.state == "silent"]
    missing = [each for each in looked.machines if each.state == "never_seen"]
    total = len(looked.machines)
    if silent:
        rooms = _whole_rooms(looked.machines, silent)
        level: Level = "fault" if rooms or 100 * len(silent) > _FAULT_PERCENT * total else "note"
        whole = f"; all of {few(rooms)}" if rooms else ""
        what = f"{len(silent)} of {total} machines sent nothing on the last {days} days with events"
        meaning = "nobody knows who is on there" + (
            "; a whole room points to its network or its image" if rooms else ""
        )
        yield Finding(level, f"{what}: {few(_names(silent))}{whole}", meaning, _CLIENT)
    if missing:
        is_many = looked.has_silent_days and 100 * len(missing) > _FAULT_PERCENT * total
        yield Finding(
            "fault" if is_many else "note",
            f"{len(missing)} of {total} machines were never seen: {few(_names(missing))}",
            "the list of machines (rooms.rooms_file) expects them, and no event ever came",
            "install the client there (docs/clients.md), correct the name, or mark the machine as retired in the list",
        )
    if not silent and not missing:
        yield fine(f"none of {total} is silent or was never seen")


def check_arrivals(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find out that no event has come for a long time, or none at all."""
    last_us = max((each.last_contact_us or 0 for each in looked.machines), default=0)
    if not last_us:
        yield Finding(
            "fault",
            "no workstation has sent an event yet",
            "nobody is seen",
            "set up the clients: docs/clients.md; its part Check finds out where an event is lost",
        )
        return
    days, at = (context.now_us - last_us) // DAY_US, f"{local_time(last_us, context.zone):%Y-%m-%d %H:%M}"
    if days < _QUIET_DAYS:
        yield fine(f"the last one came at {at}")
        return
    yield Finding(
        "note",
        f"no event has come for {days} days, since {at}",
        "in the holidays that is right; else something between the workstations and this server is broken",
        "log on to a workstation and look: winlogd who; docs/clients.md, Check",
    )


def _names(machines: Sequence[Machine]) -> list[str]:
    return [each.hostname for each in machines]


def _whole_rooms(machines: Sequence[Machine], silent: Sequence[Machine]) -> list[str]:
    """Return the rooms all of whose machines are silent."""
    total, quiet = (Counter(each.room for each in some) for some in (machines, silent))
    return sorted(
        f"room {room}"
        for room, count in quiet.items()
        if room is not None and count == total[room] and count >= _FEWEST_IN_ROOM
    )
