"""What is known of one user on one host, and what is decided on an event: values, which threads may share.

Pure. The rules are in `pairing`; who keeps the pairs is `book`.
"""

from typing import Final, final

from winlogd.events.names import folded, folded_host
from winlogd.events.value import Value

UNKNOWN_HOST: Final = "unknown"
"""Stands for the host in a pair and in identifiers when the client does not tell its name."""

ACTIONS: Final = ("C", "D", "M")
OPPOSITES: Final = {"C": "D", "D": "C"}

PairKey = tuple[str, str]
"""(username, hostname or `UNKNOWN_HOST`), both folded: made by `pair_key` alone."""


@final
class OpenSession(Value):
    """A session whose logon is stored and whose logoff is not.

    Attributes:
        event_id: the row of its logon in ``events_today``.
        session_uuid: the identifier that its logoff will get.
        connected_at: the logon's timestamp as stored.
        username: as stored; with `hostname` (None where the client told none) what people are shown.
        source_ip: where the logon came from; `os_name` and `os_version` what the workstation said it runs.
    """

    __slots__ = (
        "connected_at",
        "event_id",
        "hostname",
        "os_name",
        "os_version",
        "session_uuid",
        "source_ip",
        "username",
    )

    def __init__(
        self,
        event_id: int,
        session_uuid: str,
        connected_at: str,
        username: str,
        hostname: str | None,
        source_ip: str | None,
        os_name: str | None,
        os_version: str | None,
    ) -> None:
        self.event_id: Final = event_id
        self.session_uuid: Final = session_uuid
        self.connected_at: Final = connected_at
        self.username: Final = username
        self.hostname: Final = hostname
        self.source_ip: Final = source_ip
        self.os_name: Final = os_name
        self.os_version: Final = os_version


@final
class Closed(Value):
    """A session that a new logon closes: the automatic D row to be stored before it.

    Attributes:
        event_id: of the D row.
        session: what it closes.
        timestamp: one second before the new logon, but not before the session began.
    """

    __slots__ = ("event_id", "session", "timestamp")

    def __init__(self, event_id: int, session: OpenSession, timestamp: str) -> None:
        self.event_id: Final = event_id
        self.session: Final = session
        self.timestamp: Final = timestamp


@final
class Decision(Value):
    """What is to be done with one event, and what is remembered of it when it is done.

    Attributes:
        timestamp: the event's, as stored.
        event_id: its row, existing when `is_retry`.
        session_uuid: its identifier.
        is_retry: nothing is to be stored: the client gets the first answer again.
        closed: sessions to be closed by D rows first.
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


@final
class Latest(Value):
    """What is known of one action of a pair.

    Attributes:
        stored: the latest event in order of arrival. None when none is known, or when the same again is no retry of it
            (`Pair.ending_retries`).
        highest: the greatest timestamp, as text, of this pair's remembered events of the action. An event with a
            greater one is no retry. Any order of texts would do, as long as equal texts are equal. Each action has its
            own: a logoff and a logon of one moment often arrive in the wrong order, and neither is a retry.
    """

    __slots__ = ("highest", "stored")

    def __init__(self, stored: Decision | None, highest: str) -> None:
        self.stored: Final = stored
        self.highest: Final = highest


NONE: Final = Latest(None, "")


@final
class Pair(Value):
    """What is known of one user on one host.

    Attributes:
        open: the open sessions, the one with the latest timestamp last, ties in order of arrival.
        connection: of its C; `disconnection` of its D, `hardware` of its M.
    """

    __slots__ = ("connection", "disconnection", "hardware", "open")

    def __init__(
        self,
        open: tuple[OpenSession, ...] = (),
        connection: Latest = NONE,
        disconnection: Latest = NONE,
        hardware: Latest = NONE,
    ) -> None:
        self.open: Final = open
        self.connection: Final = connection
        self.disconnection: Final = disconnection
        self.hardware: Final = hardware

    def of(self, action: str) -> Latest:
        """Return what is known of `action`: C, D or M."""
        return self.connection if action == "C" else self.disconnection if action == "D" else self.hardware

    def after(self, action: str, latest: Latest, open: tuple[OpenSession, ...]) -> "Pair":
        """Return the pair with another latest event of `action` and other open sessions."""
        if action == "C":
            return Pair(open, latest, self.disconnection, self.hardware)
        if action == "D":
            return Pair(open, self.connection, latest, self.hardware)
        return Pair(open, self.connection, self.disconnection, latest)

    def event_ids(self) -> list[int]:
        """Return the ids of all rows that the pair refers to."""
        latest = (self.connection.stored, self.disconnection.stored, self.hardware.stored)
        return [each.event_id for each in (*self.open, *latest) if each is not None]

    def without(self, session_uuid: str) -> "Pair":
        """Return the pair after a logoff with this identifier, which closes all sessions that share it."""
        return self.replaced(open=tuple(session for session in self.open if session.session_uuid != session_uuid))

    def ending_retries(self, action: str, timestamp: str) -> "Pair":
        """Return the pair after a client's `action` whose `timestamp` has no fraction.

        Clients that tell whole seconds may log on, off and on within one. So the latest event of the opposite action,
        if it has the same timestamp, is sent again no more: the same once more is another event.
        """
        latest = self.disconnection if action == "C" else self.connection if action == "D" else NONE
        if latest.stored is None or latest.stored.timestamp != timestamp:
            return self
        return self.after(OPPOSITES[action], Latest(None, latest.highest), self.open)


NEW_PAIR: Final = Pair()


def pair_key(username: str, hostname: str | None) -> PairKey:
    """Return the key of a pair, whatever the spelling of its names; an empty hostname counts as none."""
    host = hostname or UNKNOWN_HOST
    return folded(username), folded_host(host) or UNKNOWN_HOST
