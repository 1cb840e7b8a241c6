"""The paths that this server answers, all in one place, and its route table.

Most servers only take events, and all servers have to start fast. So all other endpoints are made with the first
request for one of them: `late_routes` makes them. This file must not know what an endpoint does.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from winlogd.access.gate import Gate
from winlogd.api import health
from winlogd.api.events import METHOD_NOT_ALLOWED, Events
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Router
from winlogd.http.wire.message import Head, Response

Route = tuple[str, str]
"""A method and a path."""

HEALTH: Final = "/health"
READY: Final = "/ready"
METRICS: Final = "/metrics"
CURRENT: Final = "/api/v1/sessions/current"
EVENTS: Final = "/api/v1/events"
OPENAPI: Final = "/api/v1/openapi.yaml"
QUESTIONS: Final = (
    "/api/v1/sessions",
    "/api/v1/moment",
    EVENTS,
    "/api/v1/machines",
    "/api/v1/machines/{hostname}",
    "/api/v1/users/{username}",
    "/api/v1/rooms",
    "/api/v1/stats",
    "/api/v1/occupancy",
    "/api/v1/search",
    "/api/v1/hardware",
    "/api/v1/readers/log",
    "/api/v1/me",
)
"""The paths of the endpoints that ask the reader. `Questions` knows their endpoints."""
PAGES: Final = (
    "/",
    "/timeline",
    "/machine/{hostname}",
    "/user/{username}",
    "/ghosts",
    "/hardware",
    "/trends",
    "/readers-log",
    "/wall",
)
"""The paths of the pages for people."""
FILES: Final = "/web/{name}"
"""The files that the pages load. Everybody may load them: they have no data."""
FOLLOWING: Final = ("/api/v1/snapshot", "/api/v1/live")
"""The paths of the endpoints that follow the state. Another `Questions` knows their endpoints."""
LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
ACCOUNT: Final = "/account"


class _Late:
    """Endpoints that are made when the first request for one of them comes.

    Args:
        make: loads the endpoints, and returns them by their routes.
    """

    def __init__(self, make: Callable[[], Mapping[Route, Endpoint]]) -> None:
        self._make = make
        self._made: Mapping[Route, Endpoint] | None = None

    def handler_for(self, route: Route, head: Head) -> Handler:
        """Return the handler of requests for a route."""
        if self._made is None:
            self._made = self._make()
        return self._made[route](head)


def make_router(
    events: Events, event_paths: tuple[str, ...], senders: Gate, others: Callable[[], Mapping[Route, Endpoint]]
) -> Router:
    """Return the router of this server.

    Args:
        events: the endpoint that takes events.
        event_paths: the paths of that endpoint. A GET of such a path lists the events.
        senders: lets the peers pass that may send events.
        others: makes the endpoints of all other routes (`late_routes.endpoints`).
    """
    take, late = senders.before(events.handler_for), _Late(others)
    return Router(
        {
            **{route: partial(late.handler_for, route) for route in made_late(event_paths)},
            ("GET", HEALTH): health.handler_for,
            **{("POST", path): take for path in event_paths},
        },
        dict.fromkeys(event_paths, METHOD_NOT_ALLOWED),
        _not_found,
    )


def _not_found(head: Head) -> Response | None:
    """Return a page for a person who has opened a wrong address in a browser; None for a program."""
    from winlogd.access.origin import is_navigation  # both are loaded with the first such request

    if head.path.startswith("/api/") or not is_navigation(head):
        return None
    from winlogd.api.unknown_page import unknown_page

    return unknown_page(head)


def made_late(event_paths: tuple[str, ...]) -> tuple[Route, ...]:
    """Return the routes whose endpoints `late_routes.endpoints` makes."""
    gets = (*PAGES, FILES, *event_paths, *QUESTIONS, *FOLLOWING, READY, METRICS, CURRENT, OPENAPI, LOGIN, ACCOUNT)
    return *(("GET", path) for path in gets), ("POST", LOGIN), ("POST", LOGOUT)
