"""The route table: every path that this server answers, in one place.

Most servers only take events, and all servers have to start fast. So the endpoints that ask the reader are loaded with
the first question. This file must not know what an endpoint does.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from winlogd.access.gate import Gate
from winlogd.api import health
from winlogd.api.current_sessions import CurrentSessions
from winlogd.api.events import METHOD_NOT_ALLOWED, Events
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Router
from winlogd.http.wire.message import Head

if TYPE_CHECKING:  # types only
    from winlogd.access.readers import ReadEndpoint, Reader, ReadHandler
    from winlogd.http.exchange import Exchange

HEALTH: Final = "/health"
CURRENT: Final = "/api/v1/sessions/current"
EVENTS: Final = "/api/v1/events"
OPENAPI: Final = "/api/v1/openapi.yaml"
QUESTIONS: Final = (
    "/api/v1/sessions",
    EVENTS,
    "/api/v1/machines",
    "/api/v1/machines/{hostname}",
    "/api/v1/users/{username}",
    "/api/v1/rooms",
    "/api/v1/stats",
    "/api/v1/search",
    "/api/v1/readers/log",
)
"""The paths of the endpoints that ask the reader. `Questions` knows their endpoints."""


class Questions:
    """The endpoints that ask the reader. They are made when the first question comes.

    Args:
        make: loads the endpoints, and returns them by their paths.
    """

    def __init__(self, make: "Callable[[], Mapping[str, ReadEndpoint]]") -> None:
        self._make = make
        self._made: Mapping[str, ReadEndpoint] | None = None

    def at(self, path: str) -> "ReadEndpoint":
        """Return the endpoint of a path of `QUESTIONS`. A request that a guard refuses loads nothing."""

        def handler_for(head: Head) -> "ReadHandler":
            return lambda exchange, body, reader: self._endpoint(path)(head)(exchange, body, reader)

        return handler_for

    def _endpoint(self, path: str) -> "ReadEndpoint":
        if self._made is None:
            self._made = self._make()
        return self._made[path]


def make_router(
    events: Events,
    event_paths: tuple[str, ...],
    sessions: CurrentSessions,
    questions: Questions,
    senders: Gate,
    guarded: "Callable[[str, ReadEndpoint], Endpoint]",
) -> Router:
    """Return the router of this server.

    Args:
        events: the endpoint that takes events.
        event_paths: the paths of that endpoint. A GET of such a path lists the events.
        sessions: the endpoint that lists the open sessions.
        questions: the endpoints that ask the reader.
        senders: lets the peers pass that may send events.
        guarded: returns the endpoint of a path for those who may read it. Everybody may read /health.
    """
    take, stored = senders.before(events.handler_for), guarded(EVENTS, questions.at(EVENTS))
    return Router(
        {
            **{("GET", path): stored for path in event_paths},
            **{("GET", path): guarded(path, questions.at(path)) for path in QUESTIONS},
            ("GET", HEALTH): health.handler_for,
            ("GET", CURRENT): guarded(CURRENT, _alike(sessions.handler_for)),
            ("GET", OPENAPI): guarded(OPENAPI, _alike(_openapi)),
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
