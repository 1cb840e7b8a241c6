"""GET /api/v1/moment: all about one moment. Who was on, how surely, who came and left, and when something changed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import Values, addresses_in, host_pattern, room_asked
from winlogd.api.reading import Asked
from winlogd.api.rooms import room_fields
from winlogd.api.session_fields import local_text
from winlogd.events.patterns import Pattern
from winlogd.sessions.machines import RoomCounts
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.machines import Machine
from winlogd.store.read.machines_at import MachineAt
from winlogd.store.read.moment import Change, MomentFound, find_moment, moments_of
from winlogd.store.read.rooms import counted
from winlogd.store.read.sessions import Found

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

PARAMETERS: Final = ("at", "user", "host", "room", "ip")
_MOST_CHANGES: Final = 100
"""Of those who came and left, so many are listed: the nearest to the moment."""
_NOTHING: Final = MomentFound([], [], [], [], None, None)


def moment(values: Values, asked: Asked) -> "Callable[[Access], object]":
    """Return the question for a moment, by default now. A time of day may come twice. The future is not known."""
    site, now_us = asked.site, asked.now_us
    at_us = values.read("at", lambda text: _instants(text, values, asked)) or (now_us,)
    past_us = tuple(each for each in at_us if each <= now_us)
    filters = Filters(
        user=values.read("user", Pattern),
        host=values.read("host", host_pattern),
        room=values.read("room", str),
        ip=values.read("ip", addresses_in),
        at_us=past_us,
    )

    def find(access: "Access") -> object:
        wanted = filters.replaced(room=room_asked(access, filters.room, site))
        found = find_moment(access, wanted, site, now_us) if past_us else _NOTHING
        rooms = _rooms(access, found.whole, wanted, site) if past_us else []
        return {
            "now": local_text(now_us, site.zone),
            "at": [local_text(each, site.zone) for each in at_us],
            "is_future": not past_us,
            "previous": local_text(found.previous_us, site.zone),
            "next": local_text(found.next_us, site.zone),
            "rooms": [room_fields(name, counts) for name, counts in rooms],
            "machines": [_machine(each, past_us, site) for each in found.machines],
            "came": _changes(found.came, past_us, site),
            "left": _changes(found.left, past_us, site),
            "history": access.history(),
        }

    return find


def _instants(text: str, values: Values, asked: Asked) -> tuple[int, ...]:
    found = values.moment_of(text, asked.now_us, asked.site.zone)
    if not found.is_instant:
        raise ValueError("must be a moment, such as 2026-01-13T10:15")
    return tuple(first_us for first_us, _ in found.spans)


def _rooms(
    access: "Access", machines: Sequence[Machine], wanted: Filters, site: Site
) -> list[tuple[str | None, RoomCounts]]:
    """Return the counts of the asked rooms at the moment. The machines without a room are the room None."""
    found = counted(access, machines, site, max(wanted.at_us))
    rooms: list[tuple[str | None, RoomCounts]] = list(found.rooms.items())
    if found.elsewhere.machines:
        rooms.append((None, found.elsewhere))
    return [(name, counts) for name, counts in rooms if wanted.room in (None, name)]


def _machine(known: MachineAt, at_us: tuple[int, ...], site: Site) -> dict[str, object]:
    machine = known.machine
    last = machine.last_session
    return {
        "hostname": machine.hostname,
        "room": machine.room,
        "state": machine.state,
        "users": [_user(each, at_us, site) for each in machine.open_sessions],
        "last_user": None if last is None else last.username,
        "last_contact": local_text(machine.last_contact_us, site.zone),
        "heard_since": known.is_heard_since,
    }


def _user(found: Found, at_us: tuple[int, ...], site: Site) -> dict[str, object]:
    session = found.session
    return {
        "username": session.username,
        "connected_at": local_text(session.connected_us, site.zone),
        "disconnected_at": local_text(session.disconnected_us, site.zone),
        "ended_by": session.ended_by,
        "certainty": found.certainty,
        "doubt": found.reason,
        "source_ip": session.source_ip,
        "at": [local_text(each, site.zone) for each in moments_of(found, at_us, site)],
    }


def _changes(changes: Sequence[Change], at_us: tuple[int, ...], site: Site) -> dict[str, object]:
    """Return how many changes there are, and the nearest ones in the order of time."""
    nearest = sorted(changes, key=lambda each: min(abs(each.at_us - moment_us) for moment_us in at_us))[:_MOST_CHANGES]
    return {
        "count": len(changes),
        "sessions": [
            {
                "at": local_text(each.at_us, site.zone),
                "username": each.found.session.username,
                "hostname": each.found.session.hostname,
                "room": each.found.room,
            }
            for each in sorted(nearest, key=lambda each: each.at_us)
        ],
    }
