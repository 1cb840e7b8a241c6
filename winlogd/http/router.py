"""Find the endpoint for a method and path, or the answer to a request without an endpoint.

The router calls an endpoint once for a head. The endpoint reads the header section and returns the handler for all
requests with that head. The parser returns one Head object for equal octets. So an endpoint derives its values from the
header section once for a thousand requests of the same client.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head, Response, is_known

Endpoint = Callable[[Head], Handler]
"""Returns the handler for requests with a given head. It is a Refusal if the head alone decides that."""


_WRONG_ADDRESS: Final = "POST to an unknown path"
"""The reason for the log. A client with a wrong address sends its events there. Who looks for pages sends a GET."""


class Refusal:
    """A handler whose answer does not depend on the body.

    It has a class of its own, so that a client that waits for 100 (Continue) gets the refusal before it sends the body.
    """

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response: Final = response

    def __call__(self, exchange: Exchange, body: bytes) -> None:
        """Answer with `response`."""
        exchange.respond(self.response._replace(sent=body))


class Guard:
    """A handler that checks the peer first.

    Args:
        refusal: returns the answer that refuses a peer's address, or None if the peer is admitted.
        handler: for requests of admitted peers.
    """

    __slots__ = ("_handler", "refusal")

    def __init__(self, refusal: Callable[[str], Response | None], handler: Handler) -> None:
        self.refusal: Final = refusal
        self._handler = handler

    def __call__(self, exchange: Exchange, body: bytes) -> None:
        """Call the handler, or refuse the request."""
        refusal = self.refusal(exchange.sender.peer)
        if refusal is None:
            self._handler(exchange, body)
        else:
            exchange.respond(refusal._replace(sent=body))

    def refuses(self, peer: str) -> bool:
        """Return True if a request of `peer` is refused whatever its body."""
        return self.refusal(peer) is not None or is_refused(self._handler, peer)


def is_refused(handler: Handler, peer: str) -> bool:
    """Return True if `handler` refuses a request of `peer` whatever its body."""
    return isinstance(handler, Refusal) or (isinstance(handler, Guard) and handler.refuses(peer))


def will_refuse(handler_for: Endpoint, head: Head, peer: str) -> bool:
    """Return True if a request of `peer` is refused whatever its body, or fails. Then it need not be deferred."""
    try:
        return is_refused(handler_for(head), peer)
    except Exception:
        return True  # then it is answered 500 at once


class _Pattern:
    """A path with parameters, cut at its slashes.

    Attributes:
        path: as in the route table, such as ``/machines/{hostname}``.
        segments: those of `path`, with None for each parameter.
        names: of the parameters, in order.
    """

    __slots__ = ("names", "path", "segments")

    def __init__(self, path: str) -> None:
        segments = path.split("/")
        self.path: Final = path
        self.names: Final = tuple(segment[1:-1] for segment in segments if segment[:1] == "{")
        self.segments: Final = tuple(None if segment[:1] == "{" else segment for segment in segments)

    def captured(self, segments: list[str]) -> list[str] | None:
        """Return the texts of the parameters, as received; None if the path does not match."""
        if len(segments) != len(self.segments):
            return None
        captured = []
        for got, wanted in zip(segments, self.segments, strict=True):
            if wanted is None and got:
                captured.append(got)
            elif got != wanted:
                return None
        return captured


class Router:
    """The route table.

    Args:
        routes: endpoints by method and path. GET serves HEAD as well, and OPTIONS is answered for every path. A segment
            of a path may be a parameter, such as ``{hostname}``. It matches any text except the empty one, and the
            endpoint finds the text in `Head.path_parameters`. A path without parameters goes before paths with
            parameters. Of two paths with parameters the first segment decides in which one is literal and the
            other is not: the literal path goes first.
        method_not_allowed: the body of a 405, by path. The default is ``{"error":"Method not allowed"}``.
        not_found: returns the answer to a GET or HEAD of a path that is not in the table; None for the default,
            ``{"error":"Not found"}``.

    Raises:
        ValueError: two paths differ only in the names of their parameters; or a path has a parameter twice, or one
            without a valid name.
    """

    def __init__(
        self,
        routes: Mapping[tuple[str, str], Endpoint],
        method_not_allowed: Mapping[str, bytes] | None = None,
        not_found: Callable[[Head], Response | None] = lambda head: None,
    ) -> None:
        self._routes = dict(routes)
        self._method_not_allowed = dict(method_not_allowed or {})
        self._not_found = not_found
        self._allow: dict[str, str] = {}
        for path in {path for _, path in routes}:
            methods = {method for method, at in routes if at == path}
            if "GET" in methods:
                methods.add("HEAD")
                self._routes[("HEAD", path)] = self._routes[("GET", path)]
            self._allow[path] = ", ".join(sorted(methods))
        self._patterns = _patterns(self._allow)
        self._allow["*"] = ", ".join(sorted({method for method, _ in self._routes} | {"OPTIONS"}))

    def is_literal(self, path: str) -> bool:
        """Return True if `path` itself is in the table, without parameters."""
        return path in self._allow

    def handler_for(self, head: Head) -> Handler:
        """Return the handler for requests with `head`. It is found once, and kept in `head.handler`."""
        handler = head.handler
        if handler is None:
            path = head.path  # without braces, which the parser refuses: it cannot name a parameter
            if self._patterns and path not in self._allow:
                handler = self._handler_of_pattern(head)
            else:
                handler = self._handler_at(path, head)
            head.handler = handler
        return handler

    def _handler_at(self, path: str, head: Head) -> Handler:
        endpoint = self._routes.get((head.method, path))
        return endpoint(head) if endpoint is not None else Refusal(self._without_endpoint(path, head))

    def _handler_of_pattern(self, head: Head) -> Handler:
        segments = head.path.split("/")
        for pattern in self._patterns:
            captured = pattern.captured(segments)
            if captured is None:
                continue
            if (head.method, pattern.path) in self._routes:
                faults = _decode(pattern.names, captured, head)
                if faults:
                    return Refusal(Response(400, faults, reason="Invalid path parameter"))
            return self._handler_at(pattern.path, head)
        return self._handler_at(head.path, head)

    def _without_endpoint(self, path: str, head: Head) -> Response:
        """Return 501, 404, 204 or 405 (RFC 9110 §9.1, §9.3.7, §15.5.5, §15.5.6)."""
        method = head.method
        if not is_known(method):
            return Response(501, b'{"error":"Method not implemented"}')
        allow = self._allow.get(path)
        if allow is None:
            page = self._not_found(head) if method in ("GET", "HEAD") else None
            return page or Response(404, b'{"error":"Not found"}', reason=_WRONG_ADDRESS if method == "POST" else "")
        if method == "OPTIONS":
            return Response(204, b"", (("Allow", allow),))
        body = self._method_not_allowed.get(path, b'{"error":"Method not allowed"}')
        return Response(405, body, (("Allow", allow),))


def _patterns(paths: Iterable[str]) -> tuple[_Pattern, ...]:
    """Return the paths that have parameters, in the order in which they are tried.

    Raises:
        ValueError: as `Router`.
    """
    patterns: dict[tuple[str | None, ...], _Pattern] = {}
    for path in paths:
        if "{" not in path:
            continue
        pattern = _Pattern(path)
        other = patterns.setdefault(pattern.segments, pattern)
        if other is not pattern:
            raise ValueError(f"{path} and {other.path} are the same path")
        if len(set(pattern.names)) < len(pattern.names) or not all(map(str.isidentifier, pattern.names)):
            raise ValueError(f"{path} has one parameter twice, or one without a name")
    return tuple(sorted(patterns.values(), key=lambda pattern: [segment is None for segment in pattern.segments]))


def _decode(names: tuple[str, ...], captured: list[str], head: Head) -> bytes:
    """Set the head's path parameters. Return the body of a 400 if one of them is badly encoded, otherwise nothing."""
    from winlogd.http.wire.parameters import percent_decoded  # loaded with the first request for such a path

    parameters: dict[str, str] = {}
    for name, text in zip(names, captured, strict=True):
        try:
            parameters[name] = percent_decoded(text)
        except ValueError as fault:
            return b'{"error":"Invalid path parameter","details":{"%b":"%b"}}' % (name.encode(), str(fault).encode())
    head.path_parameters = parameters
    return b""
