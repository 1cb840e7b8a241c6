"""GET /api/v1/machines and /api/v1/machines/{hostname}: where each machine stands, its state, and who is on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import orjson

from winlogd.api.parameters import Values, host_pattern, one_of, room_asked
from winlogd.api.reading import Asked
from winlogd.api.session_fields import local_text, session_fields
from winlogd.events.names import folded_host
from winlogd.store.read.days import silent_before
from winlogd.store.read.machine import find_machine
from winlogd.store.read.machines import Machine
from winlogd.store.read.some_machines import find_narrowed

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

    from winlogd.store.read.access import Access

PARAMETERS: Final = ("host", "room", "state")
_STATES: Final = ("in_use", "doubtful", "free", "silent", "never_seen", "out_of_order")
_MOST_DAYS: Final = 3660

Question = Callable[["Access"], object | None]


def machines(values: Values, asked: Asked) -> Question:
    """Return the question for all machines that pass the filters.

    The command `machines` has one filter more, `unseen`: the machines without an event on that many of the site's last
    days with events. They are the silent ones, too.
    """
    site = asked.site
    host, state = values.read("host", host_pattern), values.read("state", one_of(_STATES))
    room_text, unseen = values.read("room", str), values.read("unseen", _days)

    def find(access: "Access") -> object:
        room = room_asked(access, room_text, site)
        since_us = None if unseen is None else silent_before(access, site, asked.now_us, unseen)
        found = [
            machine_fields(machine, site.zone, asked.asker.sees_past)
            for machine in find_narrowed(access, site, asked.now_us, unseen or site.silent_days, room, host)
            if (host is None or host.matches_host(folded_host(machine.hostname)))
            and (room is None or machine.room == room)
            and (state is None or machine.state == state)
            and (unseen is None or _is_unseen(machine, since_us))
        ]
        return {"machines": found, "history": access.history()}

    return find


def machine(values: Values, asked: Asked) -> Question:
    """Return the question for one machine: also its hardware, each change of it, and its last sessions."""
    site, hostname = asked.site, asked.path["hostname"]

    def find(access: "Access") -> object | None:
        details = find_machine(access, hostname, site, asked.now_us, site.silent_days)
        if details is None:
            return None
        if not asked.asker.sees_past:
            return machine_fields(details.machine, site.zone, sees_past=False)
        return {
            **machine_fields(details.machine, site.zone),
            "hardware": _json_or_text(details.hardware),
            "hardware_received_at": local_text(details.hardware_us, site.zone),
            "changes": [
                {
                    "path": change.path,
                    "from": _json_or_text(change.old),
                    "to": _json_or_text(change.new),
                    "at": local_text(change.at_us, site.zone),
                }
                for change in details.changes
            ],
            "sessions": [session_fields(each, site.zone) for each in details.sessions],
            "history": access.history(),
        }

    return find


def machine_fields(machine: Machine, zone: "tzinfo | None", sees_past: bool = True) -> dict[str, object]:
    """Return the fields of a machine in a list. One who does not see the past is told no last user or contact."""
    last = machine.last_session
    return {
        "hostname": machine.hostname,
        "room": machine.room,
        "state": machine.state,
        "users": [
            {
                "username": each.session.username,
                "connected_at": local_text(each.session.connected_us, zone),
                "certainty": each.certainty,
                "doubt": each.reason,
            }
            for each in machine.open_sessions
        ],
        "last_user": last.username if last is not None and sees_past else None,
        "last_contact": local_text(machine.last_contact_us if sees_past else None, zone),
        "os_name": None if last is None else last.os_name,
        "os_version": None if last is None else last.os_version,
        "source_ip": None if last is None else last.source_ip,
    }


def _is_unseen(machine: Machine, since_us: int | None) -> bool:
    """Return True if a machine was never heard of, or not since a moment. None is no moment."""
    if machine.last_contact_us is None:
        return True
    return since_us is not None and machine.last_contact_us < since_us


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _MOST_DAYS:
        return int(text)
    raise ValueError(f"must be a whole number of days from 1 to {_MOST_DAYS}")


def _json_or_text(value: str | None) -> object:
    """Return the value in a JSON text; the text itself if another program wrote what is no JSON."""
    if value is None:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
