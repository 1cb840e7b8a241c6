"""Read one request head, line by line, and decide how its body is framed (RFC 9112 §3, §5, §6).

Sans-I/O: it gets buffers, and returns the position that it has reached. It does not know which paths and methods exist;
the router does. Every error raised here ends the connection: after it the beginning of the next request is unknown.
"""

import re
from typing import Final

from winlogd.http.wire import grammar
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.line import take_line
from winlogd.http.wire.message import FIELD_BYTES, Head, HttpError

_MAX_LENGTH_DIGITS: Final = 18
"""A Content-Length with more digits (leading zeros not counted) is larger than any limit."""


class HeadReader:
    """Reads the head of one request. The next request needs a new reader.

    Attributes:
        head: the complete Head; None while lines are missing.
    """

    __slots__ = ("_fields", "_limits", "_line", "_skipped_empty_line", "_used", "head")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line: tuple[str, str, str, int] | None = None
        self._fields: list[tuple[str, str]] = []
        self._used = 0
        self._skipped_empty_line = False
        self.head: Head | None = None

    @property
    def begun(self) -> bool:
        """Return True if the request line has been read."""
        return self._line is not None

    @property
    def kept(self) -> int:
        """The approximate memory of the fields read so far, in octets."""
        return self._used + len(self._fields) * FIELD_BYTES

    @property
    def so_far(self) -> Head | None:
        """The Head of the lines read so far, even if they are wrong; None before the request line."""
        if self._line is None:
            return None
        method, path, query, minor = self._line
        return Head(method, path, query, minor, tuple(self._fields), 0, keep_alive=False, expects_continue=False)

    def read(self, buffer: bytes | bytearray, start: int) -> int:
        """Read complete lines of `buffer` from `start`. Return the position of the first unread octet.

        Raises:
            HttpError: 400, 411, 413, 414, 417, 431, 501 or 505.
        """
        while self.head is None:
            taken = self._take_line(buffer, start)
            if taken is None:
                break
            line, start = taken
            if self._line is None:
                self._read_request_line(line)
            elif line:
                self._read_field_line(line)
            else:
                method, path, query, minor = self._line
                self.head = _finish(method, path, query, minor, tuple(self._fields), self._limits)
        return start

    def _take_line(self, buffer: bytes | bytearray, start: int) -> tuple[bytes, int] | None:
        if self._line is None:
            too_long = HttpError(414, "The request line is too long")
            return take_line(buffer, start, self._limits.request_line, too_long)
        too_large = HttpError(431, "The header section is too large")
        return take_line(buffer, start, max(self._limits.headers - self._used - 2, 0), too_large)

    def _read_request_line(self, line: bytes) -> None:
        if not line and not self._skipped_empty_line:  # RFC 9112 §2.2: a stray CRLF after a body
            self._skipped_empty_line = True
            return
        match = grammar.REQUEST_LINE.fullmatch(line)
        if match is None:
            raise HttpError(400, "The request line is not METHOD SP target SP HTTP/1.x")
        method, target, major, minor = match.groups()
        if major != b"1":
            raise HttpError(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here")
        path, query = _split_target(method, target)
        self._line = (method.decode("ascii"), path, query, int(minor))

    def _read_field_line(self, line: bytes) -> None:
        if len(self._fields) == self._limits.header_fields:
            raise HttpError(431, "The header section has too many fields")
        self._used += len(line) + 2
        self._fields.append(parse_field(line))


def parse_field(line: bytes) -> tuple[str, str]:
    """Return a field line as (name in lower case, value without surrounding white space); RFC 9112 §5.

    Raises:
        HttpError: 400 for a missing colon, white space before the colon, an invalid name, a control character in the
            value, or a folded line.
    """
    match = grammar.FIELD_LINE.fullmatch(line)
    if match is None:
        raise HttpError(400, "A header field is malformed")
    name, value = match.groups()
    return name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")


def _split_target(method: bytes, target: bytes) -> tuple[str, str]:
    """Return the target's path and query, from origin form, absolute form or (OPTIONS) asterisk form.

    Raises:
        HttpError: 400 for any other form.
    """
    if target == b"*" and method == b"OPTIONS":  # RFC 9112 §3.2.4
        return "*", ""
    match = grammar.ORIGIN_FORM.fullmatch(target) or re.fullmatch(grammar.ABSOLUTE_FORM, target)
    if match is None:
        raise HttpError(400, "The request target is neither an absolute path nor an http URI")
    path, query = match.group(1), match.group(2)
    if path is None:  # RFC 9112 §3.2.4: with OPTIONS, an http URI without a path means the server itself
        path = b"*" if method == b"OPTIONS" and query is None else b"/"
    return path.decode("ascii"), (query or b"").decode("ascii")


def _finish(
    method: str, path: str, query: str, minor: int, fields: tuple[tuple[str, str], ...], limits: Limits
) -> Head:
    """Return the Head of complete lines, after the checks that need all fields together.

    Raises:
        HttpError: 400, 411, 413, 417 or 501.
    """
    _check_host(minor, _values(fields, "host"))
    length = _body_length(method, minor, fields)
    if length is not None and length > limits.body:
        raise HttpError(413, "The body is too large")
    options = _elements(fields, "connection")
    keep_alive = "close" not in options and (minor > 0 or "keep-alive" in options)  # RFC 9112 §9.3
    expects_continue = minor > 0 and _expects_continue(_elements(fields, "expect"))
    return Head(method, path, query, minor, fields, length, keep_alive, expects_continue)


def _values(fields: tuple[tuple[str, str], ...], name: str) -> list[str]:
    return [value for field, value in fields if field == name]


def _elements(fields: tuple[tuple[str, str], ...], name: str) -> list[str]:
    """Return the elements, in lower case, of a list that may span several fields (RFC 9110 §5.6.1)."""
    listed = ",".join(_values(fields, name)).lower()
    return [element for text in listed.split(",") if (element := text.strip(" \t"))]


def _check_host(minor: int, hosts: list[str]) -> None:
    """Raise HttpError 400 unless there is one valid Host, or none in HTTP/1.0 (RFC 9112 §3.2)."""
    if len(hosts) > 1 or (minor > 0 and not hosts):
        raise HttpError(400, "HTTP/1.1 wants exactly one Host field")
    if hosts and grammar.HOST.fullmatch(hosts[0].encode("latin-1")) is None:
        raise HttpError(400, "The Host field is not a host and port")


def _expects_continue(expectations: list[str]) -> bool:
    """Return True if 100-continue is expected. Raise HttpError 417 for any other expectation (RFC 9110 §10.1.1)."""
    if any(expectation != "100-continue" for expectation in expectations):
        raise HttpError(417, "The only expectation served is 100-continue")
    return bool(expectations)


def _body_length(method: str, minor: int, fields: tuple[tuple[str, str], ...]) -> int | None:
    """Return the octets of the body, or None if it is chunked (RFC 9112 §6.3, in its strictest reading).

    Raises:
        HttpError: 400, 411, 413 or 501.
    """
    codings = _values(fields, "transfer-encoding")
    lengths = [text.strip(" \t") for value in _values(fields, "content-length") for text in value.split(",")]
    if codings:
        if lengths:
            raise HttpError(400, "Transfer-Encoding and Content-Length exclude each other")
        if minor == 0:
            raise HttpError(400, "HTTP/1.0 has no Transfer-Encoding")
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise HttpError(501, "The only transfer coding served is chunked")
        return None
    if not lengths:
        if method == "POST":
            raise HttpError(411, "POST wants a Content-Length or chunked transfer coding")
        return 0
    if len(set(lengths)) > 1 or grammar.DIGITS.fullmatch(lengths[0].encode("latin-1")) is None:
        raise HttpError(400, "Content-Length is not one decimal number")
    digits = lengths[0].lstrip("0")
    if len(digits) > _MAX_LENGTH_DIGITS:
        raise HttpError(413, "The body is too large")
    return int(digits or "0")
