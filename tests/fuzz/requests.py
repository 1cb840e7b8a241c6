"""The target `parser`: octets of a connection → requests, beside h11 and beside itself.

h11 accepts each request that winlogd accepts, with the same framing (`tests.http.wire.beside_h11` lists exceptions).
The result does not depend on the cuts between octets, nor on remembered heads, nor on the short way for whole requests.
Smaller limits refuse more requests and change nothing else.
"""

import random
import re
import zlib
from itertools import pairwise
from typing import Final

from tests.fuzz.mutation import damaged
from tests.fuzz.target import Target
from tests.http.wire.beside_h11 import Outcome, assert_h11_agrees, read_as_a_connection_does, read_here
from tests.http.wire.tricks import FRAGMENTS, TRICKS
from tests.support.paths import DATA
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.parser import HeadCache

REAL_REQUESTS: Final = [path.read_bytes() for path in sorted(DATA.glob("*.http"))]

_STATUSES: Final = {None, 400, 411, 413, 414, 417, 431, 501, 505}
_LARGE: Final = Limits()
_SMALL: Final = Limits(request_line=32, headers=96, header_fields=4, body=40)
_OCTET_BY_OCTET_BYTES: Final = 512
"""Send longer inputs not octet by octet, but with random cuts, which is faster."""

_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH: Final = re.compile(r"\*|/[!$%&'()*+,\-./0-9:;=@A-Z_a-z~]*")
_QUERY: Final = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]*")
_FIELD_VALUE: Final = re.compile(r"(?![ \t])[\t\x20-\x7e\x80-\xff]*(?<![ \t])")


def check(octets: bytes) -> None:
    """Check the requests in `octets`."""
    here = read_here(octets)
    _assert_well_formed(here, _LARGE)
    assert_h11_agrees(octets, here)
    pieces = _pieces(octets)
    assert read_here(*pieces) == here
    _assert_memory_changes_nothing(octets, pieces, here, _LARGE)
    small = read_here(octets, limits=_SMALL)
    _assert_well_formed(small, _SMALL)
    assert small.requests == here.requests[: len(small.requests)]
    assert small.status is not None or small == here
    assert read_here(*pieces, limits=_SMALL) == small
    _assert_memory_changes_nothing(octets, pieces, small, _SMALL)
    if len(octets) <= _OCTET_BY_OCTET_BYTES:
        assert read_here(*(octets[at : at + 1] for at in range(len(octets))), limits=_SMALL) == small


def _assert_memory_changes_nothing(octets: bytes, pieces: list[bytes], expected: Outcome, limits: Limits) -> None:
    """Assert the same result if all heads are remembered: in one piece, with cuts, and request by request."""
    heads = HeadCache()
    read_here(octets, limits=limits, heads=heads)
    assert read_here(octets, limits=limits, heads=heads) == expected
    for served in ([octets], pieces, _at_requests(octets)):
        assert read_as_a_connection_does(*served, limits=limits, heads=heads) == expected


def _assert_well_formed(outcome: Outcome, limits: Limits) -> None:
    assert outcome.status in _STATUSES
    for request in outcome.requests:
        assert _METHOD.fullmatch(request.method)
        assert _PATH.fullmatch(request.path)
        assert _QUERY.fullmatch(request.query)
        assert len(request.method) + len(request.path) + len(request.query) + len("  HTTP/1.1") <= limits.request_line
        assert request.length in (None, len(request.body))
        assert len(request.body) <= limits.body
        assert len(request.fields) <= limits.header_fields
        assert sum(len(name) + len(value) + 3 for name, value in request.fields) <= limits.headers
        assert all(_METHOD.fullmatch(name) and name == name.lower() for name, _ in request.fields)
        assert all(_FIELD_VALUE.fullmatch(value) for _, value in request.fields)


def _pieces(octets: bytes) -> list[bytes]:
    """Return `octets` in pieces. The checksum chooses the cuts; thus an input always has the same pieces."""
    chance = random.Random(zlib.crc32(octets))
    places = [match.start() for match in re.finditer(rb"[\r\n:;,]|\Z", octets)]
    cuts = [chance.choice(places) + chance.randint(0, 2) for _ in range(chance.randint(1, 6))]
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    return [octets[start:stop] for start, stop in pairwise(edges) if start < stop]


def _at_requests(octets: bytes) -> list[bytes]:
    """Return `octets` cut before each text like a request line, as clients that wait for answers send them."""
    starts = [match.start() for match in re.finditer(rb"(?m)^[A-Z]+ \S+ HTTP/", octets)]
    return [octets[start:stop] for start, stop in pairwise([0, *starts, len(octets)]) if start < stop]


def mutate(octets: bytes, chance: random.Random) -> bytes:
    """Return an input with requests of an attacker, or with other valid requests."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        change = chance.choice((_tricked, _tricked, _joined, _rechunked, _with_right_length, _damaged, _damaged))
        octets = change(octets, chance)
    return octets


def _damaged(octets: bytes, chance: random.Random) -> bytes:
    return damaged(octets, chance, FRAGMENTS)


def _tricked(octets: bytes, chance: random.Random) -> bytes:
    trick = chance.choice(list(TRICKS))
    places = list(re.finditer(trick, octets))
    if not places:
        return octets
    place = chance.choice(places)
    return octets[: place.start()] + chance.choice(TRICKS[trick]) + octets[place.end() :]


def _joined(octets: bytes, chance: random.Random) -> bytes:
    """Return the input with another request before or after it, because the end of a request matters most."""
    others = [octets, chance.choice(REAL_REQUESTS), b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"]
    return chance.choice((octets + chance.choice(others), chance.choice(others) + octets))


def _with_right_length(octets: bytes, chance: random.Random) -> bytes:
    """Return the input with a true Content-Length in the first request. Then the parser reads the next ones too."""
    head, blank, body = octets.partition(b"\r\n\r\n")
    size = chance.choice((len(body), len(body), len(body) - 1, chance.randint(0, len(body))))
    length = b"Content-Length: %d" % max(size, 0)
    return re.sub(rb"(?i)content-length: *\d*", length, head, count=1) + blank + body


def _rechunked(octets: bytes, chance: random.Random) -> bytes:
    """Return the input with the first request's body in chunks."""
    head, blank, body = octets.partition(b"\r\n\r\n")
    head = re.sub(rb"(?i)content-length: *\d*", b"Transfer-Encoding: chunked", head, count=1)
    chunks = b""
    while body:
        size = min(chance.choice((1, 2, 15, 16, 17, 100, 1000)), len(body))
        extension = chance.choice(
            (b"", b"", b"", b";a", b";a=b", b';a="\\""', b" ;a", b"; a = b ;c", b";", b";=x", b';a="')
        )
        chunks += b"%x" % size + extension + b"\r\n" + body[:size] + b"\r\n"
        body = body[size:]
    trailers = chance.choice((b"", b"", b"X: y\r\n", b"Content-Length: 5\r\n", b"X\r\n", b" X: y\r\n"))
    return head + blank + chunks + b"0\r\n" + trailers + b"\r\n"


TARGET: Final = Target("parser", check, mutate)
