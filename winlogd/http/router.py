"""(method, path) → endpoint, and the answers for what has none.

An endpoint is asked once for a head: it looks at the header section and returns the handler for all
requests with that very head. The parser hands out one Head object for equal bytes, so what an endpoint
derives from the header section is derived once for a thousand requests of the same client.
"""

from collections.abc import Callable, Mapping
from typing import Final

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head, Response, is_known

Endpoint = Callable[[Head], Handler]
"""Looks at a head and returns what handles requests with it: a Refusal when the head alone decides."""


class Refusal:
    """A handler whose answer does not depend on the body.

    It is told apart from others so that a client that waits for 100 (Continue) gets it before it sends
    the body.
    """

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response: Final = response

    def __call__(self, exchange: Exchange, body: bytes) -> None:
        """Answers with `response`."""
        exchange.respond(self.response)


class Guard:
    """A handler behind a look at the peer.

    Args:
        refusal: what a peer is answered that may not pass, otherwise None.
        handler: for those that may.
    """

    __slots__ = ("_handler", "refusal")

    def __init__(self, refusal: Callable[[str], Response | None], handler: Handler) -> None:
        self.refusal: Final = refusal
        self._handler = handler

    def __call__(self, exchange: Exchange, body: bytes) -> None:
        """Hands on, or refuses."""
        refusal = self.refusal(exchange.sender.peer)
        if refusal is None:
            self._handler(exchange, body)
        else:
            exchange.respond(refusal)

    def refuses(self, peer: str) -> bool:
        """Whether what `peer` asks for is refused whatever its body."""
        return self.refusal(peer) is not None or is_refused(self._handler, peer)


def is_refused(handler: Handler, peer: str) -> bool:
    """Whether `handler` refuses a request of `peer` whatever its body."""
    return isinstance(handler, Refusal) or (isinstance(handler, Guard) and handler.refuses(peer))


class Router:
    """The route table.

    Args:
        routes: endpoints by method and path; GET serves HEAD as well, OPTIONS is answered for every path.
        method_not_allowed: the body of a 405, by path; ``{"error":"Method not allowed"}`` where it has none.
    """

    def __init__(
        self,
        routes: Mapping[tuple[str, str], Endpoint],
        method_not_allowed: Mapping[str, bytes] | None = None,
    ) -> None:
        self._routes = dict(routes)
        self._method_not_allowed = dict(method_not_allowed or {})
        self._allow: dict[str, str] = {}
        for path in {path for _, path in routes}:
            methods = {method for method, at in routes if at == path}
            if "GET" in methods:
                methods.add("HEAD")
                self._routes[("HEAD", path)] = self._routes[("GET", path)]
            self._allow[path] = ", ".join(sorted(methods))
        self._allow["*"] = ", ".join(sorted({method for method, _ in self._routes} | {"OPTIONS"}))

    def handler_for(self, head: Head) -> Handler:
        """The handler for requests with `head`, found once and kept with it."""
        handler = head.handler
        if handler is None:
            endpoint = self._routes.get((head.method, head.path))
            handler = endpoint(head) if endpoint is not None else Refusal(self._without_endpoint(head))
            head.handler = handler
        return handler

    def _without_endpoint(self, head: Head) -> Response:
        """501, 404, 204 or 405 (RFC 9110 §9.1, §9.3.7, §15.5.5, §15.5.6)."""
        if not is_known(head.method):
            return Response(501, b'{"error":"Method not implemented"}')
        allow = self._allow.get(head.path)
        if allow is None:
            return Response(404, b'{"error":"Not found"}')
        if head.method == "OPTIONS":
            return Response(204, b"", (("Allow", allow),))
        body = self._method_not_allowed.get(head.path, b'{"error":"Method not allowed"}')
        return Response(405, body, (("Allow", allow),))
