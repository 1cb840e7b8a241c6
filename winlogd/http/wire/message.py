"""What is exchanged: a request's Head, a Response, and HttpError.

Values only: nothing here reads bytes from a peer or knows a socket. How they are read is the parser's
business; how a Response becomes bytes is `encode`'s, at the end of this file.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from winlogd.http.wire import grammar

JSON: Final = "application/json"

Body = bytes | memoryview
"""The content of an answer. A view is for one that is too large for the heap; nobody may change what it shows."""

REASONS: Final = {
    100: "Continue",
    200: "OK",
    204: "No Content",
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

FIELD_BYTES: Final = 160
"""What a header field takes in memory beside its octets: two strings and a pair."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""The interim answer to ``Expect: 100-continue`` (RFC 9110 §15.2.1)."""


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class HttpError(Exception):
    """A request that cannot be read on. It is answered with `status` and the connection is closed.

    Args:
        status: the status code (RFC 9110 §15).
        reason: one plain sentence for the client and the log; holds nothing that the client sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status: Final = status
        self.reason: Final = reason


class Head:
    """A request line and its header section, checked.

    One Head may serve many requests: the parser hands out the same object for the same bytes. Therefore
    nothing in it changes after it was made but `handler` and `path_parameters`, which follow from the rest.

    Attributes:
        method: as received; letter case counts (RFC 9110 §9.1).
        path: absolute path as received, percent-encoding kept; ``*`` for ``OPTIONS *``.
        query: what follows ``?``, without it; empty when there is none.
        minor: the minor HTTP version, 0 or 1 and up.
        fields: (name in lower case, value without surrounding white space), in order of arrival.
        content_length: octets of the body, or None when it is chunked.
        keep_alive: whether the client allows another request on this connection (RFC 9112 §9.3).
        expects_continue: whether it waits for 100 (Continue) before it sends the body.
        path_parameters: of a route such as ``/machines/{hostname}`` what stands in the path, percent-decoded, by name;
            the router sets it before it asks the endpoint for a handler.
        handler: what the router found for this head, None before; equal heads have the same.
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
        """Whether an answer to this head needs no Connection field and keeps its body."""

    @property
    def octets(self) -> int:
        """Of memory, about, that it takes while a request waits."""
        fields = sum(len(name) + len(value) + FIELD_BYTES for name, value in self.fields)
        return len(self.path) + len(self.query) + fields

    def get(self, name: str) -> str | None:
        """The value of the first field called `name` (in lower case), or None."""
        for field, value in self.fields:
            if field == name:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """The values of all fields called `name` (in lower case), in order."""
        return [value for field, value in self.fields if field == name]


class Response(NamedTuple):
    """A final answer.

    Attributes:
        status: the status code; one of `REASONS`.
        body: the content; empty for 204.
        fields: further (name, value) pairs; not Content-Length, Content-Type or Connection.
        content_type: of the body.
        closes: whether the connection ends after it whatever the client asked for.
        reason: for the log, why a request was refused; empty stands for the status code's own phrase.
        sent: for the log, what was refused: the body, or what was made of it; empty when none was read.
        head: for the log, that of the request; None when there was none, or it is known otherwise.
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
    """The bytes of `response` to the request `head`: those of `encode_head`, and the body."""
    return b"".join((encode_head(response, head, closes), body_of(response, head)))


def body_of(response: Response, head: Head | None) -> Body:
    """What is sent as the body of `response`: nothing to HEAD, which gets the fields of GET (RFC 9110 §9.3.2)."""
    return b"" if head is not None and head.method == "HEAD" else response.body


def encode_head(response: Response, head: Head | None, closes: bool) -> bytes:
    """Status line and header section of `response` to the request `head` (None when it could not be read).

    204 has no Content-Length (RFC 9110 §8.6); `closes` says whether this is the connection's last answer
    (RFC 9112 §9.6).
    """
    lines = [f"HTTP/1.1 {response.status} {REASONS[response.status]}"]
    if response.status != 204:
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

    Chunked in HTTP/1.1. HTTP/1.0 knows no transfer coding (RFC 9112 §6.1): there the connection ends after it.
    """
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in fields)]
    if head.minor > 0:
        lines.append("Transfer-Encoding: chunked")
    if closes:
        lines.append("Connection: close")
    lines += ["", ""]
    return "\r\n".join(lines).encode("latin-1")


def is_known(method: str) -> bool:
    """Whether the server knows `method` at all; unknown ones are answered 501 (RFC 9110 §15.6.2)."""
    return method in grammar.KNOWN_METHODS
