"""The parser beside h11, another implementation of RFC 9112.

Two recipients that disagree on where a request ends are how requests are smuggled. So: whatever is accepted
here, h11 accepts too, and reads the same requests out of it. The other way round is not asked for: this
parser is the stricter one. It takes three things that h11 refuses: an empty line before a request, lengths of
more than 20 digits, and trailers with the name of a length or a coding, which are dropped here.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import h11
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from winlogd.http.limits import Limits
from winlogd.http.message import HttpError
from winlogd.http.parser import HeadCache, RequestParser

TWENTY_ONE_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{21}")
FRAMING_TRAILER: Final = re.compile("Content-Length|Transfer-Encoding", re.IGNORECASE)

generously: Final = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, slots=True)
class Got:
    """One request, as either of the two has read it; `length` is None for a chunked body."""

    method: str
    path: str
    query: str
    length: int | None
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The requests, and how it ended: with a status, or whether the rest of a body is waited for."""

    requests: tuple[Got, ...]
    status: int | None
    in_body: bool


def read_here(*pieces: bytes) -> Outcome:
    parser = RequestParser(Limits(), HeadCache())
    requests: list[Got] = []
    try:
        for piece in pieces:
            parser.receive(piece)
            while (request := parser.next_request()) is not None:
                head = request.head
                framing = head.content_length, request.body, head.keep_alive
                requests.append(Got(head.method, head.path, head.query, *framing))
    except HttpError as error:
        return Outcome(tuple(requests), error.status, in_body=False)
    return Outcome(tuple(requests), None, parser.in_body)


class DroppedTrailerError(Exception):
    """h11 has refused a trailer that is dropped here."""


class H11Reader:
    """The requests in `octets`, as h11 reads them: each with a connection of its own, so that none closes."""

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
            if request_length(request) is None and FRAMING_TRAILER.search(str(error)):
                raise DroppedTrailerError from error
            raise
        assert isinstance(part, h11.EndOfMessage)
        self._rest = connection.trailing_data[0]
        path, query = path_and_query(request)
        return Got(request.method.decode(), path, query, request_length(request), body, stays_open(request))


def request_length(request: h11.Request) -> int | None:
    fields = dict(request.headers)
    return None if b"transfer-encoding" in fields else int(fields.get(b"content-length", b"0"))


def stays_open(request: h11.Request) -> bool:
    """RFC 9112 §9.3; asked of the fields, because h11 itself never keeps an HTTP/1.0 connection open."""
    values = b",".join(value for name, value in request.headers if name == b"connection")
    options = [option.strip() for option in values.lower().split(b",")]
    return b"close" not in options and (request.http_version != b"1.0" or b"keep-alive" in options)


def path_and_query(request: h11.Request) -> tuple[str, str]:
    """Path and query of the target, cut out without any grammar."""
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


def one_of(*choices: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from(choices)


def lines_of(*parts: bytes) -> bytes:
    return b"".join(part + b"\r\n" for part in parts)


FIELD: Final = one_of(
    b"User-Agent: Winlog/0.1.0",
    b"Content-Type: application/json",
    b"Connection: close",
    b"Connection: keep-alive",
    b"connection:x , Close",
    b"Expect: 100-continue",
    b"Upgrade: h2c",
    b"X:",
    b"X: caf\xc3\xa9\ta",
)
TARGET: Final = one_of(
    b"/", b"/health", b"/a//b?c=d&e", b"/%2f?", b"http://b", b"http://b?c", b"https://[::1]:80/c?d", b"/:80://x"
)


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    extension = one_of(b"", b"", b";a", b';a="b"')
    octets = b""
    for chunk in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=3)):
        size = draw(one_of(b"%x", b"%X", b"000%x")) % len(chunk)
        octets += size + draw(extension) + b"\r\n" + chunk + b"\r\n"
    trailers = draw(st.lists(one_of(b"X: y", b"Host: b", b"Y:"), max_size=2))
    return octets + lines_of(b"0" + draw(extension), *trailers, b"")


@st.composite
def valid_requests(draw: st.DrawFn) -> bytes:
    """A request that both must accept."""
    method = draw(one_of(b"GET", b"POST", b"POST", b"PUT", b"OPTIONS", b"HEAD", b"BREW"))
    version = draw(one_of(b"1.1", b"1.1", b"1.1", b"1.0", b"1.2"))
    fields = [b"Host: a:3000", *draw(st.lists(FIELD, max_size=3))]
    body = b""
    framing = draw(one_of(b"length", b"length", b"list", b"twice", b"chunked", b"none"))
    if framing == b"chunked" and version != b"1.0":
        fields.append(draw(one_of(b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED ")))
        body = draw(chunked_bodies())
    elif framing != b"none" or method == b"POST":
        body = draw(st.binary(max_size=20) | valid_requests_without_body)
        length = b"Content-Length: %d" % len(body)
        fields += [length, length] if framing == b"twice" else [length]
        if framing == b"list":
            fields[-1] += b", %d" % len(body)
    fields = draw(st.permutations(fields))
    return lines_of(method + b" " + draw(TARGET) + b" HTTP/" + version, *fields, b"") + body


valid_requests_without_body: Final = one_of(b"GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n", b"0\r\n\r\n")
streams: Final = st.lists(valid_requests(), min_size=1, max_size=3).map(b"".join)

FRAGMENT: Final = one_of(
    *(bytes([octet]) for octet in b"\r\n\0\t\x0b\x0c\x1c \x7f\x85\xa0\xff:;,.-+_/?#*%0159aAfFx\"'[]@"),
    *(b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\r\n", b" \r\n", b"\r\n ", b"0\r\n\r\n", b"0x", b"\xef\xbb\xbf"),
    *(b"chunked", b"identity, ", b"gzip", b"HTTP/1.1", b"http://", b"GET / ", b"Host: b\r\n", b"CONNECT"),
    *(b"Content-Length: 3\r\n", b"Content-Length: +3\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: x\r\n"),
)

TRICKS: Final = {
    rb":": [b" :", b"\t:", b"", b"::"],
    rb": ": [b": \x0b", b": \xa0", b": ,", b":\r\n "],
    rb"Content-Length: ": [b"Content-Length: " + sign for sign in (b"+", b"-", b"0x", b"0", b"1, ", b",", b"\x0b")],
    rb"Content-Length": [b"Content_Length", b"Content-Length ", b"Content-Length: 1\r\nContent-Length", b"X"],
    rb"(?i:chunked)": [b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked;q=1", b"\x0bchunked"],
    rb"Host": [b" Host", b"X", b"Host: b\r\nHost"],
    rb" HTTP/1": [b"  HTTP/1", b" http/1", b" HTTP/2", b"\tHTTP/1", b" x HTTP/1"],
    rb"\r\n": [b"\n", b"\r", b"\r\r\n", b" \r\n", b"", b"\r\n\r\n", b";\n\r\n"],
    rb"\r\n(?=[0-9A-Fa-f]+[;\r])": [b"\n", b"\r", b"xx", b"\n\r", b"", b"\r\n+", b"\r\n-", b"\r\n0x", b"\r\n "],
}
"""What is replaced by what; each is known from attacks on one recipient or another."""


@st.composite
def tricked_streams(draw: st.DrawFn) -> bytes:
    """Valid requests, one place of which is written as an attacker would write it."""
    octets = draw(streams)
    places = {trick: found for trick in TRICKS if (found := list(re.finditer(trick, octets)))}
    trick = draw(st.sampled_from(list(places)))
    place = draw(st.sampled_from(places[trick]))
    return octets[: place.start()] + draw(st.sampled_from(TRICKS[trick])) + octets[place.end() :]


@st.composite
def mutated_streams(draw: st.DrawFn) -> bytes:
    """Requests with a few octets flipped, put in, taken out, or lines and pieces doubled."""
    octets = draw(streams | tricked_streams())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(octets)))
        kind = draw(st.sampled_from(["put in", "put in", "replace", "flip", "take out", "double a line", "double"]))
        if kind == "double a line":
            lines = octets.splitlines(keepends=True) or [b""]
            chosen = draw(st.integers(0, len(lines) - 1))
            lines.insert(draw(st.integers(0, len(lines))), lines[chosen])
            octets = b"".join(lines)
        elif kind == "flip" and at < len(octets):
            octets = octets[:at] + bytes([octets[at] ^ (1 << draw(st.integers(0, 7)))]) + octets[at + 1 :]
        elif kind == "double":
            octets = octets[:at] + octets[max(at - draw(st.integers(1, 8)), 0) :]
        else:
            put = b"" if kind == "take out" else draw(FRAGMENT)
            octets = octets[:at] + put + octets[at + (kind != "put in") :]
    return octets


def assert_h11_agrees(octets: bytes) -> None:
    here = read_here(octets)
    event(f"{len(here.requests)} accepted, then {here.status or 'no fault'}")
    there = H11Reader(octets)
    try:
        assert tuple(there.next_request() for _ in here.requests) == here.requests
    except DroppedTrailerError:
        event("a trailer was dropped")
        return
    if here.in_body:
        there.next_head()


@settings(generously, max_examples=200)
@given(streams)
def test_valid_requests_are_read_as_h11_reads_them(octets: bytes) -> None:
    here = read_here(octets)
    assert here.requests
    assert (here.status, here.in_body) == (None, False)
    assert_h11_agrees(octets)


@settings(generously, max_examples=400)
@given(tricked_streams() | mutated_streams())
def test_what_is_accepted_of_damaged_requests_h11_accepts_too(octets: bytes) -> None:
    assume(TWENTY_ONE_DIGITS.search(octets) is None)
    assert_h11_agrees(octets)


@settings(generously, max_examples=300)
@given(tricked_streams() | mutated_streams(), st.lists(st.integers(0, 600), max_size=6).map(sorted))
def test_damaged_requests_come_out_the_same_however_they_are_cut(octets: bytes, cuts: list[int]) -> None:
    whole = read_here(octets)
    edges = [0, *(min(cut, len(octets)) for cut in cuts), len(octets)]
    assert read_here(*(octets[start:stop] for start, stop in pairwise(edges) if start < stop)) == whole
    assert read_here(*(octets[at : at + 1] for at in range(len(octets)))) == whole
