"""The parser beside h11, another implementation of RFC 9112: valid requests, damaged ones, and cut ones."""

import re
from itertools import pairwise
from typing import Final

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.http.wire.beside_h11 import assert_h11_agrees, read_here
from tests.http.wire.tricks import FRAGMENTS, TRICKS

generously: Final = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


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
    """Draw a request that both parsers must accept."""
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


@st.composite
def tricked_streams(draw: st.DrawFn) -> bytes:
    """Draw valid requests, with one place written as an attacker would write it."""
    octets = draw(streams)
    places = {trick: found for trick in TRICKS if (found := list(re.finditer(trick, octets)))}
    trick = draw(st.sampled_from(list(places)))
    place = draw(st.sampled_from(places[trick]))
    return octets[: place.start()] + draw(st.sampled_from(TRICKS[trick])) + octets[place.end() :]


@st.composite
def mutated_streams(draw: st.DrawFn) -> bytes:
    """Draw requests with a few octets flipped, inserted or removed, or with doubled lines and pieces."""
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
            put = b"" if kind == "take out" else draw(st.sampled_from(FRAGMENTS))
            octets = octets[:at] + put + octets[at + (kind != "put in") :]
    return octets


def assert_read_alike(octets: bytes) -> None:
    here = read_here(octets)
    event(f"{len(here.requests)} accepted, then {here.status or 'no fault'}")
    assert_h11_agrees(octets, here)


@settings(generously, max_examples=200)
@given(streams)
def test_valid_requests_are_read_as_h11_reads_them(octets: bytes) -> None:
    here = read_here(octets)
    assert here.requests
    assert (here.status, here.in_body) == (None, False)
    assert_read_alike(octets)


@settings(generously, max_examples=400)
@given(tricked_streams() | mutated_streams())
def test_what_is_accepted_of_damaged_requests_h11_accepts_too(octets: bytes) -> None:
    assert_read_alike(octets)


@settings(generously, max_examples=300)
@given(tricked_streams() | mutated_streams(), st.lists(st.integers(0, 600), max_size=6).map(sorted))
def test_damaged_requests_come_out_the_same_however_they_are_cut(octets: bytes, cuts: list[int]) -> None:
    whole = read_here(octets)
    edges = [0, *(min(cut, len(octets)) for cut in cuts), len(octets)]
    assert read_here(*(octets[start:stop] for start, stop in pairwise(edges) if start < stop)) == whole
    assert read_here(*(octets[at : at + 1] for at in range(len(octets)))) == whole
