"""The session as a reader sees it: who was on which machine, from when to when, and how surely that is known.

A session of today and one of the archive are the same value. Two clocks tell about it: the workstation's and the
server's. All times are whole microseconds since 1970. Pure: no SQL, no clock, no I/O.
"""

from typing import Final, Literal, final

from winlogd.events.names import folded, folded_host
from winlogd.events.value import Value
from winlogd.sessions.pair import UNKNOWN_HOST

US: Final = 1_000_000
"""Microseconds of a second."""
_LAST_US: Final = 7_258_118_400 * US
"""The first moment of the year 2200. A later time of receipt is taken for a fault."""

_SECOND_BITS: Final = 30
_ID_BITS: Final = 29
FROM_ARCHIVE: Final = 1 << _ID_BITS
"""The part of a key that tells the archive's ids from those of ``events_today``."""

Ending = Literal["client", "auto", "expired"]
"""How a session ended: by the client's logoff, by the pair's next logon, or because it was open for too long."""


@final
class Session(Value):
    """One session, or one logoff without a logon (an orphan).

    Attributes:
        key: sorts sessions by the receipt of their logon (`session_key`). No two sessions have the same.
        username: as the client sent it.
        hostname: as the client sent it; None if it sent none.
        source_ip: the address from which the logon came.
        os_name: the operating system that the workstation reported.
        os_version: its version.
        session_uuid: the identifier that its rows share; None if another program wrote rows without one.
        received_us: when the logon was received. An orphan: when its logoff was.
        connected_us: when the user logged on, by the workstation's clock; None for an orphan.
        ended_by: how it ended; None while it is open.
        logoff_received_us: when the logoff was received, or written by winlogd. None without a logoff.
        disconnected_us: when it ended, by the workstation's clock. None without a logoff.
    """

    __slots__ = (
        "connected_us",
        "disconnected_us",
        "ended_by",
        "hostname",
        "key",
        "logoff_received_us",
        "os_name",
        "os_version",
        "received_us",
        "session_uuid",
        "source_ip",
        "username",
    )

    def __init__(
        self,
        key: int,
        username: str,
        hostname: str | None,
        source_ip: str | None,
        os_name: str | None,
        os_version: str | None,
        session_uuid: str | None,
        received_us: int,
        connected_us: int | None,
        ended_by: Ending | None,
        logoff_received_us: int | None,
        disconnected_us: int | None,
    ) -> None:
        self.key: Final = key
        self.username: Final = username
        self.hostname: Final = hostname
        self.source_ip: Final = source_ip
        self.os_name: Final = os_name
        self.os_version: Final = os_version
        self.session_uuid: Final = session_uuid
        self.received_us: Final = received_us
        self.connected_us: Final = connected_us
        self.ended_by: Final = ended_by
        self.logoff_received_us: Final = logoff_received_us
        self.disconnected_us: Final = disconnected_us

    @property
    def is_orphan(self) -> bool:
        """Return True if this is a logoff without a logon."""
        return self.connected_us is None

    @property
    def is_open(self) -> bool:
        """Return True if nothing has ended the session."""
        return self.ended_by is None

    @property
    def user(self) -> str:
        """Return the user's name in the form in which it is compared."""
        return folded(self.username)

    @property
    def host(self) -> str:
        """Return the host's name in the form in which it is compared; `UNKNOWN_HOST` if there is none."""
        return folded_host(self.hostname or UNKNOWN_HOST) or UNKNOWN_HOST


def session_key(received_us: int, event_id: int, source: int = 0) -> int:
    """Return a session's key: second of receipt, then id. It follows from the row of the logon alone.

    So the reader, the rotation and the build of the past find the same key without a search, and a greater key was
    received later. It fits into 63 bits until the year 2242.

    Args:
        received_us: `receipt` of the row.
        event_id: the row's id.
        source: 0 for an id of ``events_today``, `FROM_ARCHIVE` for one of ``events_history``.
    """
    return (received_us // US << _SECOND_BITS) | source | (event_id & FROM_ARCHIVE - 1)


def first_key(moment_us: int) -> int:
    """Return the lowest key of a session that was received in the second of `moment_us` or later."""
    return moment_us // US << _SECOND_BITS


def second_of(key: int) -> int:
    """Return the second of receipt, since 1970, that is in a key."""
    return key >> _SECOND_BITS


def receipt(*candidates_us: int | None) -> int:
    """Return the first of some times that lies in the years 1970 to 2199; 0 if none does.

    A row's time of receipt may be missing or senseless: another program wrote it, or the clock was wrong. Then the time
    at which the row was made counts, and then the client's.
    """
    for moment_us in candidates_us:
        if moment_us is not None and is_receipt(moment_us):
            return moment_us
    return 0


def is_receipt(moment_us: int) -> bool:
    """Return True if a time lies in the years 1970 to 2199."""
    return 0 <= moment_us < _LAST_US
