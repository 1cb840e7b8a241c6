"""Sessions and rules for tests of what readers see."""

from typing import Final

from winlogd.sessions.session import US, Ending, Session

HOUR: Final = 3600 * US
LOGON: Final = 1_768_291_200 * US
"""08:00 on 13 January 2026, UTC. The sessions begin then by both clocks, unless a test says otherwise."""


def session(
    ended_by: Ending | None = None,
    *,
    received: int = LOGON,
    connected: int | None = LOGON,
    logoff_received: int | None = None,
    disconnected: int | None = None,
    host: str | None = "A102-07",
) -> Session:
    """Return a session of alice. All times are microseconds since 1970."""
    return Session(
        *(1, "alice", host, "192.0.2.1", "Windows", "11", "alice@A102-07@3f9c1e"),
        received_us=received,
        connected_us=connected,
        ended_by=ended_by,
        logoff_received_us=logoff_received,
        disconnected_us=disconnected,
    )


def ended(ended_by: Ending, disconnected: int, logoff_received: int | None = None) -> Session:
    """Return a session that begins at `LOGON` and ends by both clocks at `disconnected`, unless the receipt differs."""
    received = disconnected if logoff_received is None else logoff_received
    return session(ended_by, disconnected=disconnected, logoff_received=received)
