"""The guard before each endpoint that reads, and before each page: who asks, may they, and is it in the readers' log.

A token that is revoked, or a configuration that changes, counts from the next request on. An answer in pieces ends at
once with the right to read it. Loaded with the first read.
"""

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote

from winlogd.access import cookie
from winlogd.access.audit import Audit
from winlogd.access.identity import Asked, Cure, Identity
from winlogd.access.origin import is_navigation
from winlogd.access.readers import ReadEndpoint, Reader
from winlogd.access.refusals import NOT_WRITTEN, PAST_CLOSED
from winlogd.access.register import Register
from winlogd.access.scopes import LIFETIMES_S, PAGES, RULES
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.responses import FAILED
from winlogd.http.router import Endpoint
from winlogd.http.stream import Stream
from winlogd.http.wire.message import Head, Response

LOGIN: Final = "/login"
"""The path of the page on which a person logs in. It takes the parameter `next`, the path to go to afterwards."""
ACCOUNT: Final = "/account"
"""The path of the page that shows who is logged in. It takes the parameter `refused`, a page that is not theirs."""
_NO_STORE: Final = ("Cache-Control", "no-store")


class Visit(NamedTuple):
    """A request for a page.

    Attributes:
        reader: who asks.
        fields: to be sent with the page. They let the browser keep the cookie as long as the server keeps the login.
    """

    reader: Reader
    fields: tuple[tuple[str, str], ...]


PageHandler = Callable[[Exchange, bytes, Visit], None]
"""Answers one request for a page."""
PageEndpoint = Callable[[Head], PageHandler]
"""Returns the handler for requests with a given head."""


class ReadGuard:
    """The guard. Everything here runs on the event loop's thread.

    Args:
        identity: finds who asks.
        register: the readers.
        audit: the readers' log.
        is_past_closed: returns True while nobody may see the past.
    """

    def __init__(
        self, identity: Identity, register: Register, audit: Audit, is_past_closed: Callable[[], bool]
    ) -> None:
        self._identity = identity
        self._register = register
        self._audit = audit
        self._is_past_closed = is_past_closed
        self._era = register.era

    def before(self, path: str, endpoint: ReadEndpoint) -> Endpoint:
        """Return `endpoint` behind the guard.

        Args:
            path: the path of the route, which has a rule (`scopes.RULES`).
            endpoint: the endpoint.

        Raises:
            KeyError: there is no rule.
        """
        scopes = RULES[path].scopes

        def handler_for(head: Head) -> Handler:
            handler = endpoint(head)

            def guarded(exchange: Exchange, body: bytes) -> None:
                def answer(reader: Reader) -> None:
                    handler(exchange, body, reader)

                def found(reader: Reader) -> None:
                    self._look(exchange, head, path, reader, answer)

                self._identity.find(Asked(exchange, head, scopes, found, lambda refusal, _: exchange.respond(refusal)))

            return guarded

        return handler_for

    def before_page(self, path: str, endpoint: PageEndpoint) -> Endpoint:
        """Return the endpoint of a page behind the guard. A person who has to log in first is sent to `LOGIN`.

        A page itself shows nothing that makes a row in the readers' log.

        Args:
            path: the path of the route, which is one of `scopes.PAGES`.
            endpoint: the endpoint.

        Raises:
            KeyError: it is none of them.
        """
        scopes = PAGES[path]

        def handler_for(head: Head) -> Handler:
            handler = endpoint(head)

            def guarded(exchange: Exchange, body: bytes) -> None:
                def found(reader: Reader) -> None:
                    visit = Visit(reader, self._renewal(exchange, head, reader))
                    self._answer(exchange, reader, lambda _: handler(exchange, body, visit))

                def refused(refusal: Response, cure: Cure) -> None:
                    exchange.respond(elsewhere(head, cure) or refusal)

                self._identity.find(Asked(exchange, head, scopes, found, refused))

            return guarded

        return handler_for

    def before_file(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that everybody may ask: by this server's own names, and from no page of another site."""

        def handler_for(head: Head) -> Handler:
            refusal = self._identity.local.refusal_of_head(head)
            return endpoint(head) if refusal is None else lambda exchange, body: exchange.respond(refusal)

        return handler_for

    def _renewal(self, exchange: Exchange, head: Head, reader: Reader) -> tuple[cookie.Field, ...]:
        """Return the field that lets a browser keep the cookie of its login for longer; none without a login."""
        secret = self._identity.secret_in(exchange, head)
        if reader.login is None or secret is None:
            return ()
        return (cookie.setting(secret, LIFETIMES_S[reader.scope], self._identity.is_secure(exchange, head)),)

    def _look(
        self, exchange: Exchange, head: Head, path: str, reader: Reader, answer: Callable[[Reader], None]
    ) -> None:
        """Answer a request, after its row is in the readers' log if it makes one.

        While the past is closed, refuse those that show it.
        """
        shows_past = reader.sees_past and RULES[path].shows_past
        if shows_past and self._is_past_closed():
            exchange.respond(PAST_CLOSED)
            return
        row = self._audit.row_of(reader, path, head, self._identity.address_of(exchange, head))
        if row is None:
            self._answer(exchange, reader, answer)
            return

        def written(is_written: bool) -> None:
            if is_written or not shows_past:
                self._answer(exchange, reader, answer)
            else:
                exchange.respond(NOT_WRITTEN)

        self._audit.write(row, written)

    def _answer(self, exchange: Exchange, reader: Reader, answer: Callable[[Reader], None]) -> None:
        """Answer a request whose peer still waits. If that fails, it gets 500 at once, and the log gets the exception.

        If the endpoint has begun an answer in pieces, watch it.
        """
        if not exchange.is_open:
            return
        try:
            answer(reader)
        except Exception:
            exchange.fail(FAILED)
            raise
        if isinstance(exchange.pieces, Stream):
            self._register.watch(reader, exchange.pieces, self._era)


def elsewhere(head: Head, cure: Cure) -> Response | None:
    """Return the answer that leads a person from a page that is refused to one that helps; None if none helps."""
    if cure == "none" or not is_navigation(head):
        return None
    asked = quote(f"{head.path}?{head.query}" if head.query else head.path, safe="/")
    target = f"{LOGIN}?next={asked}" if cure == "login" else f"{ACCOUNT}?refused={asked}"
    return Response(303, b"", (("Location", target), _NO_STORE))
