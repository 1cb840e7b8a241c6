"""The route table: every path that this server answers, in one place.

This file must not know what an endpoint does. Reserve each new path in `winlogd.config.list_kinds` too.
"""

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
    """Return the router of this server.

    Args:
        events: the endpoint that takes events.
        event_paths: the paths of that endpoint.
        sessions: the endpoint that lists the open sessions.
        senders: lets the peers pass that may send events.
        readers: lets the peers pass that may read. Every peer may read /health.
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
