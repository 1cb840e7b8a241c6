"""A session as the fields of an answer. This file must not know which sessions were asked for."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from winlogd.sessions.certainty import clock_error_seconds, duration_us
from winlogd.sessions.session import US
from winlogd.store.read.sessions import Found

FIELDS: Final = (
    "username",
    "hostname",
    "room",
    "connected_at",
    "disconnected_at",
    "duration_seconds",
    "state",
    "ended_by",
    "certainty",
    "doubt",
    "doubtful_since",
    "source_ip",
    "os_name",
    "os_version",
    "session_uuid",
    "received_at",
    "clock_error_seconds",
)
"""The names of a session's fields, in order."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def session_fields(found: Found, zone: tzinfo | None) -> dict[str, str | int | float | None]:
    """Return the fields of a session.

    Args:
        found: the session, and what is known of it.
        zone: the time zone in which times are shown; None for the system's.
    """
    session, doubt = found.session, found.doubt
    lasted_us = duration_us(session)
    return {
        "username": session.username,
        "hostname": session.hostname,
        "room": found.room,
        "connected_at": local_text(session.connected_us, zone),
        "disconnected_at": local_text(session.disconnected_us, zone),
        "duration_seconds": None if lasted_us is None else lasted_us / US,
        "state": "open" if session.is_open else "ended",
        "ended_by": session.ended_by,
        "certainty": found.certainty,
        "doubt": found.reason,
        "doubtful_since": None if doubt is None else local_text(doubt.since_us, zone),
        "source_ip": session.source_ip,
        "os_name": session.os_name,
        "os_version": session.os_version,
        "session_uuid": session.session_uuid,
        "received_at": local_text(session.received_us, zone),
        "clock_error_seconds": clock_error_seconds(session),
    }


def local_text(moment_us: int | None, zone: tzinfo | None) -> str | None:
    """Return a moment as RFC 3339 with microseconds and the zone's offset; None for none."""
    if moment_us is None:
        return None
    return (_EPOCH + moment_us * _MICROSECOND).astimezone(zone).isoformat(timespec="microseconds")
