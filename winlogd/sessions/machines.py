"""The state of a machine and the counts of a room. Pure: the caller passes what it knows of the machines.

All times are whole microseconds since 1970.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal, final

from winlogd.events.value import Value
from winlogd.sessions.certainty import Certainty
from winlogd.sessions.places import Place

MachineState = Literal["in_use", "doubtful", "free", "silent", "never_seen", "out_of_order"]

MOST_LOST_PERCENT: Final = 30
"""If more of a week's sessions than this have no logoff, nobody can tell which machines of the room are free."""


def machine_state(
    place: Place | None,
    last_contact_us: int | None,
    certainties: Iterable[Certainty | None],
    silent_since_us: int | None,
) -> MachineState:
    """Return the state of a machine. The first of these that is true counts.

    1. ``in_use``: a session is certain or presumed now. What a machine reports comes before what a list says of it.
    2. ``out_of_order``: the list of machines says so.
    3. ``doubtful``: a session is doubtful now.
    4. ``never_seen``: no event ever came from it.
    5. ``silent``: its last event is older than `silent_since_us`.
    6. ``free``: nobody is reported on.

    Args:
        place: the machine's row in the list of machines; None without one. It is not retired.
        last_contact_us: the receipt of its last event; None if there was none.
        certainties: the grades of its open sessions now; None for a session that has no grade.
        silent_since_us: what `silent_since` returns.
    """
    found = set(certainties)
    if "certain" in found or "presumed" in found:
        return "in_use"
    if place is not None and place.state == "out_of_order":
        return "out_of_order"
    if "doubtful" in found:
        return "doubtful"
    if last_contact_us is None:
        return "never_seen"
    if silent_since_us is not None and last_contact_us < silent_since_us:
        return "silent"
    return "free"


def silent_since(active_days_us: Sequence[int], silent_days: int) -> int | None:
    """Return the moment before which a silent machine sent its last event; None if no machine can be silent yet.

    Holidays make no machine silent, because only days with events count.

    Args:
        active_days_us: the beginnings of the last days on which the site had events, the earliest first.
        silent_days: the number of such days after which a machine is silent; 1 or more.
    """
    return active_days_us[-silent_days] if 0 < silent_days <= len(active_days_us) else None


@final
class RoomCounts(Value):
    """How many machines of a room are in each state.

    Attributes:
        machines: all machines of the room. Retired ones are not among them.
        in_use: how many are in use.
        doubtful: how many may be in use.
        free: on how many nobody is reported; None if that cannot be told.
        silent: how many have not reported for a long time.
        never_seen: how many are expected and never reported.
        out_of_order: how many are out of order.
        free_unknown: why `free` is None, as a sentence; None if it is a number.
    """

    __slots__ = ("doubtful", "free", "free_unknown", "in_use", "machines", "never_seen", "out_of_order", "silent")

    def __init__(
        self,
        machines: int,
        in_use: int,
        doubtful: int,
        free: int | None,
        silent: int,
        never_seen: int,
        out_of_order: int,
        free_unknown: str | None = None,
    ) -> None:
        self.machines: Final = machines
        self.in_use: Final = in_use
        self.doubtful: Final = doubtful
        self.free: Final = free
        self.silent: Final = silent
        self.never_seen: Final = never_seen
        self.out_of_order: Final = out_of_order
        self.free_unknown: Final = free_unknown


def room_counts(states: Iterable[MachineState], week_sessions: int, week_sessions_without_logoff: int) -> RoomCounts:
    """Count the machines of a room.

    Args:
        states: the state of each machine of the room, without retired ones.
        week_sessions: how many sessions the room had in the last week.
        week_sessions_without_logoff: how many of them have no logoff of a client.
    """
    count = Counter(states)
    is_unknown = 100 * week_sessions_without_logoff > MOST_LOST_PERCENT * week_sessions
    return RoomCounts(
        machines=count.total(),
        in_use=count["in_use"],
        doubtful=count["doubtful"],
        free=None if is_unknown else count["free"],
        silent=count["silent"],
        never_seen=count["never_seen"],
        out_of_order=count["out_of_order"],
        free_unknown=_why_unknown(week_sessions, week_sessions_without_logoff) if is_unknown else None,
    )


def _why_unknown(sessions: int, without_logoff: int) -> str:
    return f"{without_logoff} of the last week's {sessions} sessions have no logoff."
