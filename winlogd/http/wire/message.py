"""The values of HTTP: a request's Head, a Response, and HttpError.

Nothing here reads octets from a peer or knows a socket. The parser makes heads out of octets; `encode`, at the end of
this file, makes octets out of a Response.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from winlogd.http.wire import grammar

JSON: Final = "application/json"

Body = bytes | memoryview
"""The content of an answer: a view if it is too large for the heap. Its octets must never change."""

REASONS: Final = {
    100: "Continue",
    200: "OK",
    204: "No Content",
    303: "See Other",
    304: "Not Modified",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    417: "Expectation Failed",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
"""Reason phrases of the status codes this server sends (RFC 9110 §15, RFC 6585)."""

_WITHOUT_CONTENT: Final = (204, 304)

FIELD_BYTES: Final = 160
"""The memory of a header field besides its octets: two strings and a pair."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""The interim answer to ``Expect: 100-continue`` (RFC 9110 §15.2.1)."""


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class HttpError(Exception):
    """A request cannot be read any further. It is answered with `status`, and the connection is closed.

    Args:
        status: the status code (RFC 9110 §15).
        reason: one plain sentence for the client and the log, without any text of the client.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status: Final = status
        self.reason: Final = reason


class Head:
    """A request line and its header section, checked.

    One Head may serve many requests: the parser returns the same object for the same octets. So it is immutable, except
    `handler` and `path_parameters`, which follow from the other attributes.

    Attributes:
        method: as received; letter case counts (RFC 9110 §9.1).
        path: absolute path as received, percent-encoding kept; ``*`` for ``OPTIONS *``.
        query: the text after ``?``; empty if there is none.
        minor: the minor HTTP version: 0, or 1 and above.
        fields: (name in lower case, value without surrounding white space), in order of arrival.
        content_length: octets of the body; None if it is chunked.
        keep_alive: True if the client allows another request on this connection (RFC 9112 §9.3).
        expects_continue: True if the client waits for 100 (Continue) before it sends the body.
        path_parameters: the parameters of a route such as ``/machines/{hostname}``, percent-decoded, by name. The
            router sets them before it calls the endpoint.
        handler: the handler that the router has found for this head; None before.
        plain: True if an answer to this head needs no Connection field and keeps its body.
    """

    __slots__ = (
        "content_length",
        "expects_continue",
        "fields",
        "handler",
        "keep_alive",
        "method",
        "minor",
        "path",
        "path_parameters",
        "plain",
        "query",
    )

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        minor: int,
        fields: tuple[tuple[str, str], ...],
        content_length: int | None,
        keep_alive: bool,
        expects_continue: bool,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.minor = minor
        self.fields = fields
        self.content_length = content_length
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.handler: Callable[..., None] | None = None
        self.path_parameters: Mapping[str, str] = _NONE
        self.plain = minor > 0 and keep_alive and method != "HEAD"

    def without_handler(self) -> "Head":
        """Return an equal head for which the router has found no handler yet."""
        return Head(
            self.method,
            self.path,
            self.query,
            self.minor,
            self.fields,
            self.content_length,
            self.keep_alive,
            self.expects_continue,
        )

    @property
    def octets(self) -> int:
        """The approximate memory that the head takes while a request waits, in octets."""
        fields = sum(len(name) + len(value) + FIELD_BYTES for name, value in self.fields)
        return len(self.path) + len(self.query) + fields

    def get(self, name: str) -> str | None:
        """Return the value of the first field called `name` (in lower case), or None."""
        for field, value in self.fields:
            if field == name:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """Return the values of all fields called `name` (in lower case), in order."""
        return [value for field, value in self.fields if field == name]


class Response(NamedTuple):
    """A final answer.

    Attributes:
        status: the status code; one of `REASONS`.
        body: the content; empty for 204 and 304.
        fields: further (name, value) pairs, without Content-Length, Content-Type and Connection.
        content_type: of the body.
        closes: True if the connection ends after this answer, whatever the client has asked for.
        reason: for the log, why the request was refused; empty for the status code's own phrase.
        sent: for the log, the request's body or the value that it was parsed to; empty if no body was read.
        head: for the log, the request's head; None if there was none, or it is known otherwise.
    """

    status: int
    body: Body
    fields: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON
    closes: bool = False
    reason: str = ""
    sent: object = b""
    head: Head | None = None


def encode(response: Response, head: Head | None, closes: bool) -> bytes:
    """Return the octets of `response` to the request `head`: those of `encode_head`, and the body."""
    return b"".join((encode_head(response, head, closes), body_of(response, head)))


def body_of(response: Response, head: Head | None) -> Body:
    """Return the body to send. It is empty for HEAD, which gets the same fields as GET (RFC 9110 §9.3.2)."""
    return b"" if head is not None and head.method == "HEAD" else response.body


def encode_head(response: Response, head: Head | None, closes: bool) -> bytes:
    """Return the status line and header section of an answer. 204 and 304 have no Content-Length (RFC 9110 §8.6).

    Args:
        response: the answer.
        head: of the request; None if it could not be read.
        closes: True if this is the connection's last answer (RFC 9112 §9.6).
    """
    lines = [f"HTTP/1.1 {response.status} {REASONS[response.status]}"]
    if response.status not in _WITHOUT_CONTENT:
        lines.append(f"Content-Type: {response.content_type}")
        lines.append(f"Content-Length: {len(response.body)}")
    lines += [f"{name}: {value}" for name, value in response.fields]
    if closes:
        lines.append("Connection: close")
    elif head is not None and head.minor == 0:
        lines.append("Connection: keep-alive")
    lines += ["", ""]
    return "\r\n".join(lines).encode("latin-1")


def encode_stream_head(status: int, fields: tuple[tuple[str, str], ...], head: Head, closes: bool) -> bytes:
    """Return the header section of an answer whose length is not known yet, to the request `head`.

    In HTTP/1.1 the answer is chunked. HTTP/1.0 has no transfer coding (RFC 9112 §6.1): the connection ends after it.
    """
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in fields)]
    if head.minor > 0:
        lines.append("Transfer-Encoding: chunked")
    if closes:
        lines.append("Connection: close")
    lines += ["", ""]
    return "\r\n".join(lines).encode("latin-1")


def is_known(method: str) -> bool:
    """Return True if the server knows `method`. An unknown method is answered 501 (RFC 9110 §15.6.2)."""
    return method in grammar.KNOWN_METHODS
