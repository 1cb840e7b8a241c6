"""The route table: every path that this server answers, in one place.

Most servers only take events, and all servers have to start fast. So the endpoints that ask the reader are loaded with
the first question. This file must not know what an endpoint does.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from winlogd.access.gate import Gate
from winlogd.api import health
from winlogd.api.current_sessions import CurrentSessions
from winlogd.api.events import METHOD_NOT_ALLOWED, Events
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Router
from winlogd.http.wire.message import Head

if TYPE_CHECKING:  # types only
    from winlogd.access.guard import PageEndpoint, PageHandler
    from winlogd.access.readers import ReadEndpoint, Reader, ReadHandler
    from winlogd.http.exchange import Exchange

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


class Doors(Protocol):
    """Put the rules for readers before endpoints, and let people log in."""

    def reading(self, path: str, endpoint: "ReadEndpoint") -> Endpoint:
        """Return the endpoint of a path for those who may read it."""

    def page(self, path: str, endpoint: "PageEndpoint") -> Endpoint:
        """Return the endpoint of a page for those who may open it. A person who has not logged in gets `LOGIN`."""

    def file(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that everybody may ask by this server's own names."""

    def show_login(self, head: Head) -> Handler:
        """Return the handler of requests for the form of `LOGIN`."""

    def log_in(self, head: Head) -> Handler:
        """Return the handler of forms that are sent to `LOGIN`."""

    def log_out(self, head: Head) -> Handler:
        """Return the handler of `LOGOUT`."""


class Questions:
    """Endpoints that are made when the first request for one of them comes.

    Args:
        make: loads the endpoints, and returns them by their paths.
    """

    def __init__(self, make: "Callable[[], Mapping[str, ReadEndpoint]]") -> None:
        self._make = make
        self._made: Mapping[str, ReadEndpoint] | None = None

    def at(self, path: str) -> "ReadEndpoint":
        """Return the endpoint of one of the paths. A request that a guard refuses loads nothing."""

        def handler_for(head: Head) -> "ReadHandler":
            return lambda exchange, body, reader: self._endpoint(path)(head)(exchange, body, reader)

        return handler_for

    def _endpoint(self, path: str) -> "ReadEndpoint":
        if self._made is None:
            self._made = self._make()
        return self._made[path]


class Late:
    """Endpoints that are the same for all readers, and are made when the first request for one of them comes.

    Args:
        make: loads the endpoints, and returns them by their paths.
    """

    def __init__(self, make: Callable[[], Mapping[str, Endpoint]]) -> None:
        self._made = cache(make)

    def at(self, path: str) -> Endpoint:
        """Return the endpoint of one of the paths. A request that a guard refuses loads nothing."""

        def handler_for(head: Head) -> Handler:
            return lambda exchange, body: self._made()[path](head)(exchange, body)

        return handler_for


def make_router(
    events: Events,
    event_paths: tuple[str, ...],
    sessions: CurrentSessions,
    questions: Questions,
    following: Questions,
    monitoring: Late,
    senders: Gate,
    doors: Doors,
) -> Router:
    """Return the router of this server.

    Args:
        events: the endpoint that takes events.
        event_paths: the paths of that endpoint. A GET of such a path lists the events.
        sessions: the endpoint that lists the open sessions.
        questions: the endpoints that ask the reader.
        following: the endpoints that follow the state.
        monitoring: the endpoints `READY` and `METRICS`.
        senders: lets the peers pass that may send events.
        doors: let those pass who may read. Everybody may read /health and /ready.
    """
    reading = doors.reading
    take, stored = senders.before(events.handler_for), reading(EVENTS, questions.at(EVENTS))
    return Router(
        {
            **{("GET", path): doors.page(path, _page) for path in PAGES},
            ("GET", FILES): doors.file(_file),
            **{("GET", path): stored for path in event_paths},
            **{("GET", path): reading(path, questions.at(path)) for path in QUESTIONS},
            **{("GET", path): reading(path, following.at(path)) for path in FOLLOWING},
            ("GET", HEALTH): health.handler_for,
            ("GET", READY): monitoring.at(READY),
            ("GET", METRICS): reading(METRICS, _alike(monitoring.at(METRICS))),
            ("GET", CURRENT): reading(CURRENT, _alike(sessions.handler_for)),
            ("GET", OPENAPI): reading(OPENAPI, _alike(_openapi)),
            ("GET", LOGIN): doors.show_login,
            ("POST", LOGIN): doors.log_in,
            ("POST", LOGOUT): doors.log_out,
            ("GET", ACCOUNT): doors.page(ACCOUNT, _account),
            **{("POST", path): take for path in event_paths},
        },
        dict.fromkeys(event_paths, METHOD_NOT_ALLOWED),
    )


def _alike(endpoint: Endpoint) -> "ReadEndpoint":
    """Return an endpoint that answers the same to all readers."""

    def handler_for(head: Head) -> "ReadHandler":
        handler = endpoint(head)

        def answer(exchange: "Exchange", body: bytes, reader: "Reader") -> None:
            handler(exchange, body)

        return answer

    return handler_for


def _openapi(head: Head) -> Handler:
    from winlogd.api import openapi  # loaded with the first request

    return openapi.handler_for(head)


def _page(head: Head) -> "PageHandler":
    from winlogd.api import pages  # loaded with the first request

    return pages.page_for(head)


def _file(head: Head) -> Handler:
    from winlogd.api import pages

    return pages.file_for(head)


def _account(head: Head) -> "PageHandler":
    from winlogd.api import login  # loaded with the first request

    return login.account(head)
