"""Read the same octets with this parser and with h11, another implementation of RFC 9112, and compare.

Request smuggling needs two recipients that disagree on the end of a request. So h11 has to accept all that this parser
accepts, and has to read the same requests. The reverse is not required: this parser is the stricter one.

This parser accepts three things that h11 refuses: an empty line before a request, lengths of more than 20 digits, and
trailers with the name of a length or a coding. It drops such trailers. Their end is compared nevertheless.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import h11

from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, HttpError
from winlogd.http.wire.parser import HeadCache, RequestParser

_TWENTY_ONE_DIGITS: Final = re.compile(rb"(?im)^(?:content-length:[ \t]*)?[0-9a-f]{21}")
_LENGTH_REFUSED: Final = re.compile("bad Content-Length|illegal chunk header")
_FRAMING_TRAILER: Final = re.compile("Content-Length|Transfer-Encoding", re.IGNORECASE)
DEFAULTS: Final = Limits()
_FRAMING_FIELDS: Final = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Got:
    """One request, as one of the two parsers has read it.

    Attributes:
        length: None for a chunked body.
        fields: those that do not frame the body, because h11 rewrites those that do.
    """

    method: str
    path: str
    query: str
    length: int | None
    body: bytes
    keep_alive: bool
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The requests, and the end: a status, or the part of a request that is incomplete."""

    requests: tuple[Got, ...]
    status: int | None
    in_body: bool = False
    in_head: bool = False


def read_here(*pieces: bytes, limits: Limits = DEFAULTS, heads: HeadCache | None = None) -> Outcome:
    """Return all requests of a connection on which `pieces` come. `heads` is a new cache by default."""
    return _read(pieces, RequestParser(limits, heads or HeadCache()))


def read_as_a_connection_does(*pieces: bytes, limits: Limits, heads: HeadCache) -> Outcome:
    """Read as `read_here`, but first try each piece as one whole request with a familiar head."""
    parser = RequestParser(limits, heads)
    requests: list[Got] = []
    for number, piece in enumerate(pieces):
        only = parser.only_request(piece)
        if only is None:
            rest = _read([piece], parser)
            requests += rest.requests
            if rest.status is not None or number == len(pieces) - 1:
                return Outcome(tuple(requests), rest.status, rest.in_body, rest.in_head)
        else:
            requests.append(_got(*only))
    return Outcome(tuple(requests), None)


def _read(pieces: Iterable[bytes], parser: RequestParser) -> Outcome:
    requests: list[Got] = []
    try:
        for piece in pieces:
            parser.receive(piece)
            while (request := parser.next_request()) is not None:
                requests.append(_got(*request))
    except HttpError as error:
        return Outcome(tuple(requests), error.status)
    return Outcome(tuple(requests), None, parser.in_body, parser.in_head)


def _got(head: Head, body: bytes) -> Got:
    fields = tuple((name, value) for name, value in head.fields if name not in _FRAMING_FIELDS)
    return Got(head.method, head.path, head.query, head.content_length, body, head.keep_alive, fields)


class H11Reader:
    """Return the requests in `octets`, as h11 reads them: each with a connection of its own, so that none closes."""

    def __init__(self, octets: bytes) -> None:
        self._rest = octets

    def next_head(self) -> tuple[h11.Connection, h11.Request]:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
        connection.receive_data(self._rest.removeprefix(b"\r\n"))
        request = connection.next_event()
        assert isinstance(request, h11.Request)
        return connection, request

    def next_request(self) -> Got:
        connection, request = self.next_head()
        body = b""
        try:
            while isinstance(part := connection.next_event(), h11.Data):
                body += part.data
        except h11.RemoteProtocolError as error:
            if _length(request) is not None or not _FRAMING_TRAILER.search(str(error)):
                raise
            # h11 has read all trailers, and refuses the value of one.
        else:
            assert isinstance(part, h11.EndOfMessage)
        self._rest = connection.trailing_data[0]
        path, query = _path_and_query(request)
        keep_alive = _stays_open(request)
        return Got(request.method.decode(), path, query, _length(request), body, keep_alive, _fields(request))


def assert_h11_agrees(octets: bytes, here: Outcome) -> None:
    """Check that h11 reads the same from `octets` as was read `here`.

    Raises:
        AssertionError, h11.RemoteProtocolError: h11 reads something else.
    """
    there = H11Reader(octets)
    try:
        assert tuple(there.next_request() for _ in here.requests) == here.requests
        if here.in_body:
            there.next_head()
    except h11.RemoteProtocolError as error:
        if not (_LENGTH_REFUSED.search(str(error)) and _TWENTY_ONE_DIGITS.search(octets)):
            raise


def _length(request: h11.Request) -> int | None:
    fields = dict(request.headers)
    return None if b"transfer-encoding" in fields else int(fields.get(b"content-length", b"0"))


def _fields(request: h11.Request) -> tuple[tuple[str, str], ...]:
    fields = ((name.decode(), value.decode("latin-1")) for name, value in request.headers)
    return tuple((name, value) for name, value in fields if name not in _FRAMING_FIELDS)


def _stays_open(request: h11.Request) -> bool:
    """Return True if the fields keep the connection open (RFC 9112 §9.3). h11 itself never does so in HTTP/1.0."""
    values = b",".join(value for name, value in request.headers if name == b"connection")
    options = [option.strip(b" \t") for option in values.lower().split(b",")]
    return b"close" not in options and (request.http_version != b"1.0" or b"keep-alive" in options)


def _path_and_query(request: h11.Request) -> tuple[str, str]:
    """Return path and query of the target, cut out without any grammar."""
    target = request.target.decode()
    if not target.startswith(("/", "*")):
        authority = target.partition("://")[2]
        target = authority[len(re.split("[/?]", authority)[0]) :]
        if not target and request.method == b"OPTIONS":
            target = "*"
        elif not target.startswith("/"):
            target = "/" + target
    path, _, query = target.partition("?")
    return path, query
