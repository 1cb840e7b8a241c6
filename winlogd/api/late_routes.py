"""The routes of all endpoints but those that take events. Loaded with the first request for one of them.

The endpoints that ask the reader are loaded with the first question, and those for pages with the first page. This file
must not know what an endpoint does.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

from winlogd.api.routes import (
    ACCOUNT,
    CURRENT,
    EVENTS,
    FILES,
    FOLLOWING,
    LOGIN,
    LOGOUT,
    METRICS,
    OPENAPI,
    PAGES,
    QUESTIONS,
    READY,
    Route,
)
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint
from winlogd.http.wire.message import Head

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

    from winlogd.access.guard import PageEndpoint, PageHandler
    from winlogd.access.readers import ReadEndpoint, Reader, ReadHandler
    from winlogd.http.exchange import Exchange


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


def endpoints(
    event_paths: tuple[str, ...],
    sessions: Endpoint,
    questions: Questions,
    following: Questions,
    monitoring: Late,
    doors: Doors,
    zone: "Callable[[], tzinfo | None]",
) -> Mapping[Route, Endpoint]:
    """Return the endpoints by their routes.

    Args:
        event_paths: the paths that take events. A GET of such a path lists the events.
        sessions: the endpoint that lists the open sessions.
        questions: the endpoints that ask the reader.
        following: the endpoints that follow the state.
        monitoring: the endpoints `READY` and `METRICS`.
        doors: let those pass who may read. Everybody may read /ready.
        zone: returns the time zone of the site; None for the system's own.
    """
    reading = doors.reading
    stored = reading(EVENTS, questions.at(EVENTS))
    return {
        **{("GET", path): doors.page(path, _page(zone)) for path in PAGES},
        ("GET", FILES): doors.file(_file),
        **{("GET", path): stored for path in event_paths},
        **{("GET", path): reading(path, questions.at(path)) for path in QUESTIONS},
        **{("GET", path): reading(path, following.at(path)) for path in FOLLOWING},
        ("GET", READY): monitoring.at(READY),
        ("GET", METRICS): reading(METRICS, _alike(monitoring.at(METRICS))),
        ("GET", CURRENT): reading(CURRENT, _alike(sessions)),
        ("GET", OPENAPI): reading(OPENAPI, _alike(_openapi)),
        ("GET", LOGIN): doors.show_login,
        ("POST", LOGIN): doors.log_in,
        ("POST", LOGOUT): doors.log_out,
        ("GET", ACCOUNT): doors.page(ACCOUNT, _account),
    }


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


def _page(zone: "Callable[[], tzinfo | None]") -> "PageEndpoint":
    def handler_for(head: Head) -> "PageHandler":
        from winlogd.api import pages  # loaded with the first request

        return pages.page_for(head, zone)

    return handler_for


def _file(head: Head) -> Handler:
    from winlogd.api import pages

    return pages.file_for(head)


def _account(head: Head) -> "PageHandler":
    from winlogd.api import login  # loaded with the first request

    return login.account(head)
