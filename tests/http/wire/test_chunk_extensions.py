"""Chunk extensions beside a slow reader of RFC 9112 §7.1.1, which reads one octet after the other.

Other implementations cannot be the reference: they accept any text after a semicolon.
"""

import itertools
import string
from typing import Final

import pytest

from tests.http.wire.beside_h11 import read_here

_POST: Final = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_TCHAR: Final = frozenset((string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~").encode())
_WHITE: Final = frozenset(b"\t ")
_TEXT: Final = frozenset({*_WHITE, *range(0x21, 0x7F), *range(0x80, 0x100)})
_QDTEXT: Final = _TEXT - frozenset(b'"\\')


class _Reader:
    """Reads one element of the grammar after the other. Each method returns True if the element was there."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._octets)

    def one_of(self, octets: frozenset[int]) -> bool:
        if self.at_end() or self._octets[self._at] not in octets:
            return False
        self._at += 1
        return True

    def one(self, octet: bytes) -> bool:
        return self.one_of(frozenset(octet))

    def token(self) -> bool:
        if not self.one_of(_TCHAR):
            return False
        while self.one_of(_TCHAR):
            pass
        return True

    def white_space(self) -> None:
        while self.one_of(_WHITE):
            pass

    def equals_sign(self) -> bool:
        """Read it with the white space around it, or read nothing."""
        before = self._at
        self.white_space()
        if not self.one(b"="):
            self._at = before
            return False
        self.white_space()
        return True

    def quoted_string(self) -> bool:
        if not self.one(b'"'):
            return False
        while not self.one(b'"'):
            if not (self.one_of(_TEXT) if self.one(b"\\") else self.one_of(_QDTEXT)):
                return False
        return True


def are_extensions(octets: bytes) -> bool:
    """Return True if all of `octets` is chunk-ext of RFC 9112 §7.1.1 without white space before its first semicolon."""
    if octets[:1] in (b" ", b"\t"):
        return False
    reader = _Reader(octets)
    while not reader.at_end():
        reader.white_space()
        if not reader.one(b";"):
            return False
        reader.white_space()
        if not reader.token():
            return False
        if reader.equals_sign() and not (reader.token() or reader.quoted_string()):
            return False
    return True


def assert_judged_alike(extensions: bytes) -> None:
    for octets, body in ((b"5%b\r\nhello\r\n0\r\n\r\n", b"hello"), (b"0%b\r\n\r\n", b"")):
        here = read_here(_POST + octets % extensions)
        if are_extensions(extensions):
            assert ([request.body for request in here.requests], here.status) == ([body], None), extensions
        else:
            assert (here.requests, here.status) == ((), 400), extensions


@pytest.mark.parametrize("length", range(6))
def test_all_short_extensions_of_the_octets_that_matter(length: int) -> None:
    for octets in itertools.product(b';= "\\x\xe9', repeat=length):
        assert_judged_alike(bytes(octets))


@pytest.mark.parametrize("around", [b";%b", b";a%b", b";a=%b", b';a="%b"', b';a="\\%b"', b';a="b"%b', b";a=b%b;c"])
def test_each_octet_in_each_place(around: bytes) -> None:
    for octet in range(0x100):
        assert_judged_alike(around % bytes([octet]))
