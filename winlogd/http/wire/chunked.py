"""Read a body in chunked transfer coding (RFC 9112 §7.1).

Sans-I/O, like the head's reader. Chunk extensions and trailer fields are checked, bounded and dropped. This server does
not use them, and trailers that are merged into the header section allow request smuggling (RFC 9112 §7.1.2). Loaded
with the first chunked body.
"""

import re
from enum import Enum, auto
from typing import Final

from winlogd.http.wire.head import parse_field
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.line import take_line
from winlogd.http.wire.message import HttpError

_CHUNK_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?")
"""RFC 9112 §7.1: chunk-size and extensions.

White space before the semicolon is refused: the grammar calls it bad, and some recipients read it differently."""

_PLAIN_CHUNK_SIZE_LINE: Final = re.compile(rb"([1-9A-Fa-f][0-9A-Fa-f]{0,7})\r\n")
"""The line as most senders write it: the size of a chunk with data, without extensions."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"  # RFC 9110 §5.6.2
_QUOTED: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*+"'  # RFC 9110 §5.6.4
_VALUE: Final = rb"[ \t]*+=[ \t]*+(?:" + _TOKEN + rb"|" + _QUOTED + rb")"

_EXTENSIONS: Final = re.compile(rb"(?:[ \t]*+;[ \t]*+" + _TOKEN + rb"(?:" + _VALUE + rb")?+)*+")
"""RFC 9112 §7.1.1: each extension is a name, and a value if there is an equals sign.

All repetitions are possessive, so that no input makes the pattern slow: the worst line of 16 KiB takes 0.2 ms."""

_MAX_SIZE_DIGITS: Final = 15
"""A chunk-size with more hexadecimal digits (leading zeros not counted) is larger than any limit."""

_OCTETS_FOR_ONE_OF_FRAMING: Final = 16
"""This many octets of data earn one octet for chunk-size lines: chunks of 48 octets and more never run out of them.

A chunk costs up to 9 µs whatever its size, and the whole event loop waits: 1 MiB in chunks of one octet took 9 s."""

_TINY_BYTES: Final = 48
"""A smaller chunk is tiny."""
_FRAMING_OF_A_TINY_CHUNK: Final = 8
"""Octets that a tiny chunk costs besides its line. If it cost its line alone, 16,000 chunks of one octet would pass.

Then a few clients that sent nothing else held up all others for half a second."""


class _Part(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedReader:
    """The body of one request.

    Attributes:
        body: the octets of the body that have come; the whole body once `done`.
    """

    __slots__ = ("_framing_left", "_left", "_limits", "_part", "_trailers", "body")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._part = _Part.SIZE
        self._left = 0
        self._trailers = 0
        self._framing_left = limits.headers
        """Octets that chunk-size lines, and later trailers, may still have: a body cannot come in a million chunks."""
        self.body = bytearray()

    @property
    def begun(self) -> bool:
        """Return True if the first chunk's size has been read."""
        return self._part is not _Part.SIZE or bool(self.body)

    @property
    def done(self) -> bool:
        """Return True if the last chunk and the trailer section have been read."""
        return self._part is _Part.DONE

    def read(self, buffer: bytes | bytearray, start: int) -> int:
        """Read as much of `buffer` from `start` as possible. Return the position of the first unread octet.

        Raises:
            HttpError: 400 for broken framing, 413 for a body that is too large, 431 for trailers that are too large.
        """
        while self._part is not _Part.DONE:
            before = start, self._part
            if self._part is _Part.DATA:
                start = self._read_data(buffer, start)
            elif self._part is _Part.DATA_END:
                start = self._read_data_end(buffer, start)
            elif self._part is _Part.SIZE:
                start = self._read_size(buffer, self._read_plain(buffer, start))
            else:
                start = self._read_trailer(buffer, start)
            if (start, self._part) == before:
                break
        return start

    def _read_plain(self, buffer: bytes | bytearray, start: int) -> int:
        """Read whole chunks without extensions, and leave everything else to the full check. Return as `read`.

        A chunk takes 1.0 to 1.8 µs instead of 5.2: a few clients that send only tiny chunks delay all others.
        """
        body, most = self.body, self._limits.body
        while (match := _PLAIN_CHUNK_SIZE_LINE.match(buffer, start)) is not None:
            digits = match.group(1)
            size = int(digits, 16)
            data = match.end()
            end = data + size
            if buffer[end : end + 2] != b"\r\n" or len(digits) > self._framing_left or len(body) + size > most:
                break
            self._pay(len(digits), size)
            body += buffer[data:end]
            start = end + 2
        return start

    def _read_size(self, buffer: bytes | bytearray, start: int) -> int:
        too_long = HttpError(400, "Chunks are too small, or their extensions too long")
        taken = take_line(buffer, start, max(self._framing_left, 0), too_long)
        if taken is None:
            return start
        line, start = taken
        match = _CHUNK_SIZE_LINE.fullmatch(line)
        if match is None:
            raise HttpError(400, "A chunk does not begin with its size")
        if len(line) > match.end(1) and _EXTENSIONS.fullmatch(line, match.end(1)) is None:
            raise HttpError(400, "A chunk extension is not ;name or ;name=value")
        digits = match.group(1)
        significant = digits.lstrip(b"0")
        size = int(significant or b"0", 16) if len(significant) <= _MAX_SIZE_DIGITS else self._limits.body + 1
        if len(self.body) + size > self._limits.body:
            raise HttpError(413, "The body is too large")
        self._pay(len(line), size)
        self._left = size
        self._part = _Part.DATA if size else _Part.TRAILER
        if not size:
            self._framing_left = self._limits.headers
        return start

    def _pay(self, line_octets: int, size: int) -> None:
        """Subtract the cost of a chunk's framing from the octets left for framing, and add what its data earns."""
        cost = line_octets + (_FRAMING_OF_A_TINY_CHUNK if size < _TINY_BYTES else 0)
        earned = size // _OCTETS_FOR_ONE_OF_FRAMING
        self._framing_left = min(self._framing_left - cost + earned, self._limits.headers)

    def _read_data(self, buffer: bytes | bytearray, start: int) -> int:
        piece = memoryview(buffer)[start : start + self._left]
        self.body += piece
        self._left -= len(piece)
        if not self._left:
            self._part = _Part.DATA_END
        return start + len(piece)

    def _read_data_end(self, buffer: bytes | bytearray, start: int) -> int:
        end = bytes(buffer[start : start + 2])
        if not b"\r\n".startswith(end):
            raise HttpError(400, "A chunk is longer than its size says")
        if len(end) < 2:
            return start
        self._part = _Part.SIZE
        return start + 2

    def _read_trailer(self, buffer: bytes | bytearray, start: int) -> int:
        limit = max(self._framing_left - 2, 0)
        taken = take_line(buffer, start, limit, HttpError(431, "The trailer section is too large"))
        if taken is None:
            return start
        line, start = taken
        if not line:
            self._part = _Part.DONE
            return start
        self._trailers += 1
        if self._trailers > self._limits.header_fields:
            raise HttpError(431, "The trailer section has too many fields")
        parse_field(line)
        self._framing_left -= len(line) + 2
        return start
