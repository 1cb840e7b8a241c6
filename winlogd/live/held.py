"""One machine as the state holds it: what counts for its room, and its octets, which all readers share.

Pure. A reader's thread makes these values, so that the event loop encodes no machine.
"""

from typing import Final, final

import orjson

from winlogd.events.names import short_host
from winlogd.events.value import Value
from winlogd.live.spelling import Spelling
from winlogd.sessions.certainty import next_turn_us
from winlogd.sessions.machines import MachineState
from winlogd.store.read.filters import Site
from winlogd.store.read.machines import Machine


@final
class Held(Value):
    """One machine.

    Attributes:
        hostname: its name, as the API shows it. No two machines of the state have the same.
        label: the first label of its name, folded.
        room: the room in which it stands; None if that is not known.
        state: its state.
        last_contact_us: the receipt of its last event, in microseconds since 1970; None if it was never heard of.
        turns_us: the next moment at which time alone may change it; None if there is none.
        octets: its JSON.
        octets_of_now: the same without the last user.
    """

    __slots__ = ("hostname", "label", "last_contact_us", "octets", "octets_of_now", "room", "state", "turns_us")

    def __init__(
        self,
        hostname: str,
        room: str | None,
        state: MachineState,
        last_contact_us: int | None,
        turns_us: int | None,
        octets: bytes,
        octets_of_now: bytes,
    ) -> None:
        self.hostname: Final = hostname
        self.label: Final = short_host(hostname)
        self.room: Final = room
        self.state: Final[MachineState] = state
        self.last_contact_us: Final = last_contact_us
        self.turns_us: Final = turns_us
        self.octets: Final = octets
        self.octets_of_now: Final = octets_of_now


def held(machine: Machine, site: Site, now_us: int, spelling: Spelling) -> Held:
    """Return a machine as the state holds it.

    Args:
        machine: the machine, as of `now_us`.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        spelling: writes it.
    """
    fields = spelling.machine(machine, site.zone)
    octets = octets_of_now = orjson.dumps(fields)
    without_past = fields | {"last_user": None, "last_contact": None}
    if without_past != fields:
        octets_of_now = orjson.dumps(without_past)
    turns = [next_turn_us(found.session, site.rules, now_us) for found in machine.open_sessions]
    return Held(
        machine.hostname,
        machine.room,
        machine.state,
        machine.last_contact_us,
        min((turn for turn in turns if turn is not None), default=None),
        octets,
        octets_of_now,
    )
