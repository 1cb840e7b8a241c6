"""The route table: every path that this server answers, in one place."""

from typing import Final

from winlogd.api import health
from winlogd.api.events import METHOD_NOT_ALLOWED, Events
from winlogd.api.sessions import CurrentSessions
from winlogd.http.router import Router

HEALTH: Final = "/health"
SESSIONS: Final = "/api/v1/sessions/current"


def make_router(events: Events, event_paths: tuple[str, ...], sessions: CurrentSessions) -> Router:
    """The router; `event_paths` are the paths that take events."""
    return Router(
        {
            ("GET", HEALTH): health.bind,
            ("GET", SESSIONS): sessions.bind,
            **{("POST", path): events.bind for path in event_paths},
        },
        dict.fromkeys(event_paths, METHOD_NOT_ALLOWED),
    )
