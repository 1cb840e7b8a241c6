"""The route table: every path that this server answers, in one place."""

from typing import Final

from winlogd.access.gate import Gate
from winlogd.api import health
from winlogd.api.current_sessions import CurrentSessions
from winlogd.api.events import METHOD_NOT_ALLOWED, Events
from winlogd.http.router import Router

HEALTH: Final = "/health"
SESSIONS: Final = "/api/v1/sessions/current"


def make_router(
    events: Events, event_paths: tuple[str, ...], sessions: CurrentSessions, senders: Gate, readers: Gate
) -> Router:
    """The router.

    Args:
        events: takes the events.
        event_paths: the paths that take them.
        sessions: tells the open sessions.
        senders: who may send events.
        readers: who may read; /health alone is everybody's.
    """
    take = senders.before(events.handler_for)
    return Router(
        {
            ("GET", HEALTH): health.handler_for,
            ("GET", SESSIONS): readers.before(sessions.handler_for),
            **{("POST", path): take for path in event_paths},
        },
        dict.fromkeys(event_paths, METHOD_NOT_ALLOWED),
    )
