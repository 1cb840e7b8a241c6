"""Values: a pair (one user on one host), its open sessions and latest events, and the decision on an event.

Threads may share them. Pure. The rules are in `pairing`; `book` keeps the pairs.
"""

from typing import Any, Final, NamedTuple, final

from winlogd.events.names import folded, folded_host
from winlogd.events.value import Value

UNKNOWN_HOST: Final = "unknown"
"""The host in a pair and in identifiers if the client sends no hostname."""

ACTIONS: Final = ("C", "D", "M")
OPPOSITES: Final = {"C": "D", "D": "C"}

PairKey = str
"""Username, NUL, hostname or `UNKNOWN_HOST`; both names are folded. `pair_key` makes it, and `Draft.decide` alike.

One text takes 70 bytes, a tuple of two 130 to 190. Python hashes a text once, and a tuple each time. No event has a NUL
in a name."""


class System(NamedTuple):
    """The operating system that a workstation reported. Sessions share it (`Book.system_of`)."""

    name: str | None
    version: str | None


_DIGITS: Final = 6
"""Digits at the end of an identifier ``<username>@<hostname>@<digits>``."""


@final
class OpenSession(Value):
    """A session whose logon is stored and whose logoff is not.

    A site may have a million of them, so each keeps few objects. Its identifier nearly always has both names in it, and
    they are cut out when somebody asks: two texts less, 128 bytes. It also stands for the decision on its logon
    (`Known`): 80 bytes less, for 80 more of a pair whose session has ended.

    Attributes:
        event_id: the id of its logon in ``events_today``.
        session_uuid: the identifier that its logoff will get.
        connected_at: the logon's timestamp as stored.
        source_ip: the address from which the logon came.
        system: the operating system.
    """

    __slots__ = ("_names", "connected_at", "event_id", "session_uuid", "source_ip", "system")

    def __init__(
        self,
        event_id: int,
        session_uuid: str,
        connected_at: str,
        username: str,
        hostname: str | None,
        source_ip: str | None,
        system: System,
    ) -> None:
        self.event_id: Final = event_id
        self.session_uuid: Final = session_uuid
        self.connected_at: Final = connected_at
        self.source_ip: Final = source_ip
        self.system: Final = system
        self._names: Final[int | tuple[str, str | None]] = (
            len(username)  # the identifier has both names, the first one of this length
            if hostname
            and len(session_uuid) == len(username) + len(hostname) + _DIGITS + 2
            and session_uuid.startswith(f"{username}@{hostname}@")
            else (username, hostname)
        )

    @property
    def username(self) -> str:
        """Return the user's name as stored."""
        names = self._names
        return self.session_uuid[:names] if isinstance(names, int) else names[0]

    @property
    def hostname(self) -> str | None:
        """Return the host's name as stored; None if the client sent none."""
        names = self._names
        return self.session_uuid[names + 1 : -_DIGITS - 1] if isinstance(names, int) else names[1]

    @property
    def timestamp(self) -> str:
        """Return when it began: the session stands for the decision on its logon (`Known`)."""
        return self.connected_at

    @property
    def stored(self) -> "OpenSession":
        """Return the session itself: it stands for a `Latest` (`Known`)."""
        return self

    @property
    def highest(self) -> str:
        """Return when it began: the session stands for a `Latest` (`Known`)."""
        return self.connected_at

    def replaced(self, **changes: Any) -> "OpenSession":  # noqa: ANN401  # the parts' own types
        """Return a copy in which some parts have other values, by the names of the constructor."""
        parts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "_names"}
        return OpenSession(**parts | {"username": self.username, "hostname": self.hostname} | changes)


@final
class Closed(Value):
    """A session that a new logon closes: the automatic D row to be stored before it.

    Attributes:
        event_id: the id of the D row.
        session: the session that it closes.
        timestamp: one second before the new logon, but not before the session began.
    """

    __slots__ = ("event_id", "session", "timestamp")

    def __init__(self, event_id: int, session: OpenSession, timestamp: str) -> None:
        self.event_id: Final = event_id
        self.session: Final = session
        self.timestamp: Final = timestamp


@final
class Decision(Value):
    """What winlogd does with one event, and later remembers of it.

    Attributes:
        timestamp: the event's timestamp as stored.
        event_id: the id of its row. The row of a retry exists already.
        session_uuid: the identifier of its session, or its own if it belongs to none.
        is_retry: True if nothing is stored, and the client gets the first answer again.
        closed: the sessions that automatic logoffs close before it.
    """

    __slots__ = ("closed", "event_id", "is_retry", "session_uuid", "timestamp")

    def __init__(
        self, timestamp: str, event_id: int, session_uuid: str, is_retry: bool = False, closed: tuple[Closed, ...] = ()
    ) -> None:
        self.timestamp: Final = timestamp
        self.event_id: Final = event_id
        self.session_uuid: Final = session_uuid
        self.is_retry: Final = is_retry
        self.closed: Final = closed

    @property
    def stored(self) -> "Decision":
        """Return the decision itself: it stands for a `Latest` (`Known`)."""
        return self

    @property
    def highest(self) -> str:
        """Return the timestamp: the decision stands for a `Latest` (`Known`)."""
        return self.timestamp


Stored = Decision | OpenSession
"""A stored event: its id, timestamp and identifier. A logon's session tells the same as the decision on it."""


@final
class Latest(Value):
    """What is known of one action of a pair.

    Attributes:
        stored: the latest event in order of arrival. None if none is known, or if an equal event is no retry of it
            (`Pair.ending_retries`).
        highest: the greatest timestamp, as text, of this pair's remembered events of the action. An event with a
            greater one is no retry. Any order of texts would do, as long as equal texts are equal. Each action has its
            own: a logoff and a logon of one moment often arrive in the wrong order, and neither is a retry.
    """

    __slots__ = ("highest", "stored")

    def __init__(self, stored: Stored | None, highest: str) -> None:
        self.stored: Final = stored
        self.highest: Final = highest


Known = Decision | OpenSession | Latest
"""What is known of one action of a pair. Nearly always the latest event has the greatest timestamp. Then its decision
or session tells all, and no `Latest` is made: that saves 48 bytes for each action of a pair."""

NOTHING: Final = Latest(None, "")
"""The `Latest` of an action of which the pair has no event."""


def known(stored: Stored | None, highest: str) -> Known:
    """Return what is known of an action: `stored` alone if it tells all."""
    return stored if stored is not None and stored.timestamp == highest else Latest(stored, highest)


@final
class Pair(Value):
    """What is known of one user on one host.

    Attributes:
        open: the open sessions, the one with the latest timestamp last, ties in order of arrival.
        connection: what is known of its logons (C).
        disconnection: what is known of its logoffs (D).
        hardware: what is known of its inventory (M).
    """

    __slots__ = ("connection", "disconnection", "hardware", "open")

    def __init__(
        self,
        open: tuple[OpenSession, ...] = (),
        connection: Known = NOTHING,
        disconnection: Known = NOTHING,
        hardware: Known = NOTHING,
    ) -> None:
        self.open: Final = open
        self.connection: Final = connection
        self.disconnection: Final = disconnection
        self.hardware: Final = hardware

    def of(self, action: str) -> Known:
        """Return what is known of `action`: C, D or M."""
        return self.connection if action == "C" else self.disconnection if action == "D" else self.hardware

    def after(self, action: str, latest: Known, open: tuple[OpenSession, ...]) -> "Pair":
        """Return the pair with another latest event of `action` and other open sessions."""
        if action == "C":
            return Pair(open, latest, self.disconnection, self.hardware)
        if action == "D":
            return Pair(open, self.connection, latest, self.hardware)
        return Pair(open, self.connection, self.disconnection, latest)

    def event_ids(self) -> list[int]:
        """Return the ids of all rows to which the pair refers."""
        latest = (self.connection.stored, self.disconnection.stored, self.hardware.stored)
        return [each.event_id for each in (*self.open, *latest) if each is not None]

    def without(self, session_uuid: str) -> "Pair":
        """Return the pair after a logoff with this identifier, which closes all sessions that share it."""
        return self.replaced(open=tuple(session for session in self.open if session.session_uuid != session_uuid))

    def ending_retries(self, action: str, timestamp: str) -> "Pair":
        """Return the pair after a client's `action` whose `timestamp` has no fraction.

        Clients that send whole seconds may log on, off and on again within one second. So if the latest event of the
        opposite action has the same timestamp, winlogd forgets it: an equal event is then no retry, but another event.
        """
        latest = self.disconnection if action == "C" else self.connection if action == "D" else NOTHING
        if latest.stored is None or latest.stored.timestamp != timestamp:
            return self
        return self.after(OPPOSITES[action], Latest(None, latest.highest), self.open)


NEW_PAIR: Final = Pair()
"""A pair of which no row is known."""


def pair_key(username: str, hostname: str | None) -> PairKey:
    """Return the key of a pair: equal for all spellings of its names. An empty hostname counts as none."""
    host = folded_host(hostname or UNKNOWN_HOST) or UNKNOWN_HOST
    return f"{folded(username)}\0{host}"


def host_of(key: PairKey) -> str:
    """Return the folded hostname of a pair; `UNKNOWN_HOST` if it has none."""
    return key.partition("\0")[2]


def username_of(key: PairKey) -> str:
    """Return the folded username of a pair."""
    return key.partition("\0")[0]
