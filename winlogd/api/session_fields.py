"""A session as the fields of an answer. This file must not know which sessions were asked for."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
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

_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE_US: Final = 60 * US
_HOUR_US: Final = 3_600 * US
_DAY_US: Final = 86_400 * US
_CACHED_DAYS: Final = 1_024
"""Days whose offset is remembered: more than the archive usually has. They take some 0.2 MB at most."""
_CACHED_HOURS: Final = 8_192
"""Hours whose text is remembered: those in which people work, of two years. They take some 1.5 MB at most."""


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
    offset = _offset(moment_us // _DAY_US, zone)
    if offset is None:
        return _in_zone(moment_us, zone).isoformat("T", "microseconds")
    ahead_us, text = offset
    hour, rest_us = divmod(moment_us + ahead_us, _HOUR_US)
    minute, rest_us = divmod(rest_us, _MINUTE_US)
    # An f-string takes 0.15 µs more (timeit), and a page of sessions has some three hundred times.
    return "%s%02d:%09.6f%s" % (_hour_text(hour), minute, rest_us / US, text)  # noqa: UP031


@lru_cache(_CACHED_HOURS)
def _hour_text(hour: int) -> str:
    """Return an hour, as a number since 1970, up to the colon before its minutes: ``2026-01-13T08:``."""
    return (_EPOCH_UTC + hour * timedelta(hours=1)).isoformat()[: len("2026-01-13T08:")]


@lru_cache(_CACHED_DAYS)
def _offset(utc_day: int, zone: tzinfo | None) -> tuple[int, str] | None:
    """Return by how many microseconds a zone's clocks are ahead of UTC on a day, and that offset as text.

    Return None if the offset changes on that day, which is the number of days since 1970 in UTC. To ask the zone for
    each time again would take 1.5 µs instead of 0.6.
    """
    try:
        first, last = (_in_zone(moment_us, zone) for moment_us in (utc_day * _DAY_US, (utc_day + 1) * _DAY_US - 1))
    except OverflowError:  # the first or the last day that Python knows
        return None
    ahead = first.utcoffset()
    if ahead is None or ahead != last.utcoffset():
        return None
    return ahead // _MICROSECOND, first.isoformat()[len("2026-01-13T00:00:00") :]


def _in_zone(moment_us: int, zone: tzinfo | None) -> datetime:
    return (_EPOCH_UTC + moment_us * _MICROSECOND).astimezone(zone)
