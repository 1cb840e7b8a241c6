"""Reads one request head, line by line, and decides how its body is framed (RFC 9112 §3, §5, §6).

Sans-I/O: it is given buffers and says how far it got. It does not know which paths or methods exist:
that is the router's business. Every fault raised here closes the connection, because after it nobody can
say where the next request begins.
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
    """The head of one request; a new one is made for the next.

    Attributes:
        head: the finished Head, or None while lines are missing.
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
        """Whether the request line has been read."""
        return self._line is not None

    @property
    def kept(self) -> int:
        """Octets of memory, about, that the fields read so far take."""
        return self._used + len(self._fields) * FIELD_BYTES

    @property
    def so_far(self) -> Head | None:
        """What the lines read so far tell, whatever is wrong with them; None before the request line."""
        if self._line is None:
            return None
        method, path, query, minor = self._line
        return Head(method, path, query, minor, tuple(self._fields), 0, keep_alive=False, expects_continue=False)

    def read(self, buffer: bytes | bytearray, start: int) -> int:
        """Reads complete lines of `buffer` from `start`; returns where the first unread octet stands.

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
    """A field line as (name in lower case, value without surrounding white space); RFC 9112 §5.

    Raises:
        HttpError: 400 for a missing colon, white space before it, an invalid name, a control character in
            the value, or a folded line.
    """
    match = grammar.FIELD_LINE.fullmatch(line)
    if match is None:
        raise HttpError(400, "A header field is malformed")
    name, value = match.groups()
    return name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")


def _split_target(method: bytes, target: bytes) -> tuple[str, str]:
    """The target's path and query, from origin form, absolute form or (OPTIONS) asterisk form."""
    if target == b"*" and method == b"OPTIONS":  # RFC 9112 §3.2.4
        return "*", ""
    match = grammar.ORIGIN_FORM.fullmatch(target) or re.fullmatch(grammar.ABSOLUTE_FORM, target)
    if match is None:
        raise HttpError(400, "The request target is neither an absolute path nor an http URI")
    path, query = match.group(1), match.group(2)
    if path is None:  # RFC 9112 §3.2.4: an http URI without a path means the server itself in OPTIONS
        path = b"*" if method == b"OPTIONS" and query is None else b"/"
    return path.decode("ascii"), (query or b"").decode("ascii")


def _finish(
    method: str, path: str, query: str, minor: int, fields: tuple[tuple[str, str], ...], limits: Limits
) -> Head:
    """The Head, once its lines are complete: what only the fields together can tell."""
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
    """The elements, in lower case, of a list that may span several fields; RFC 9110 §5.6.1."""
    listed = ",".join(_values(fields, name)).lower()
    return [element for text in listed.split(",") if (element := text.strip(" \t"))]


def _check_host(minor: int, hosts: list[str]) -> None:
    """RFC 9112 §3.2: exactly one Host in HTTP/1.1, at most one in HTTP/1.0, and a valid one."""
    if len(hosts) > 1 or (minor > 0 and not hosts):
        raise HttpError(400, "HTTP/1.1 wants exactly one Host field")
    if hosts and grammar.HOST.fullmatch(hosts[0].encode("latin-1")) is None:
        raise HttpError(400, "The Host field is not a host and port")


def _expects_continue(expectations: list[str]) -> bool:
    """RFC 9110 §10.1.1: 100-continue is the only expectation there is."""
    if any(expectation != "100-continue" for expectation in expectations):
        raise HttpError(417, "The only expectation served is 100-continue")
    return bool(expectations)


def _body_length(method: str, minor: int, fields: tuple[tuple[str, str], ...]) -> int | None:
    """Octets of the body, or None when it is chunked; RFC 9112 §6.3, in its strictest reading."""
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
