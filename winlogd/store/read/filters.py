"""What a question about sessions asks for, as values. This file must not know SQL, or how a person writes a filter."""

from typing import TYPE_CHECKING, Final, Literal, final

from winlogd.events.patterns import Pattern
from winlogd.events.value import Value
from winlogd.sessions.session import Ending
from winlogd.store.read.names import Addresses

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

    from winlogd.sessions.doubts import Rules
    from winlogd.sessions.period import Period
    from winlogd.sessions.rooms import Rooms

State = Literal["open", "ended", "doubtful", "orphan"]
"""The state that a filter asks for. ``orphan`` alone lists logoffs without a logon."""


@final
class Filters(Value):
    """Which sessions a question asks for. A filter that is None lets all pass.

    Attributes:
        user: the user's name.
        host: the machine's name.
        room: the room's name of today, as `Rooms.canonical` returns it.
        ip: the addresses from which the logon came.
        from_us: sessions that were on at this moment or later, in microseconds since 1970.
        to_us: sessions that were on at this moment or earlier.
        at_us: sessions that were on at one of these moments, with the surest certainty of them. A local time of day
            that comes twice means two moments. Empty lets all pass.
        state: the state now.
        ended_by: how the session ended: in one of these ways. Empty lets all pass.
    """

    __slots__ = ("at_us", "ended_by", "from_us", "host", "ip", "room", "state", "to_us", "user")

    def __init__(
        self,
        user: Pattern | None = None,
        host: Pattern | None = None,
        room: str | None = None,
        ip: Addresses | None = None,
        from_us: int | None = None,
        to_us: int | None = None,
        at_us: tuple[int, ...] = (),
        state: State | None = None,
        ended_by: tuple[Ending, ...] = (),
    ) -> None:
        self.user: Final = user
        self.host: Final = host
        self.room: Final = room
        self.ip: Final = ip
        self.from_us: Final = from_us
        self.to_us: Final = to_us
        self.at_us: Final = at_us
        self.state: Final[State | None] = state
        self.ended_by: Final[tuple[Ending, ...]] = ended_by


@final
class Site(Value):
    """What a reader knows of the site besides the database.

    Attributes:
        rooms: in which room a machine stands.
        rules: what the administrator has set about doubts.
        zone: the time zone whose midnight ends a day; None for the system's own.
        silent_days: a machine is silent after this many days with events, none of which is its own.
        periods: the names that the site has for times of the day.
        person_profile: True if a question about a person may be answered with sums of hours.
        history_days: how many days the archive is kept; 0 for ever.
        has_chosen_days: True if the administrator has set `history_days`. Until then a database that was taken over is
            kept for ever.
    """

    __slots__ = (
        "has_chosen_days",
        "history_days",
        "periods",
        "person_profile",
        "rooms",
        "rules",
        "silent_days",
        "zone",
    )

    def __init__(
        self,
        rooms: "Rooms",
        rules: "Rules",
        zone: "tzinfo | None",
        silent_days: int = 10,
        periods: "tuple[Period, ...]" = (),
        person_profile: bool = False,
        history_days: int = 365,
        has_chosen_days: bool = False,
    ) -> None:
        self.rooms: Final = rooms
        self.rules: Final = rules
        self.zone: Final = zone
        self.silent_days: Final = silent_days
        self.periods: Final = periods
        self.person_profile: Final = person_profile
        self.history_days: Final = history_days
        self.has_chosen_days: Final = has_chosen_days
