"""Serve files that never change while the server runs, each whole, with an ETag, and compressed for clients that can.

Loaded with the first request for such a file. Knows HTTP; neither where the files lie nor what they mean.
"""

import gzip
import hashlib
from typing import Final, NamedTuple

from winlogd.http.wire.coding import accepts_gzip
from winlogd.http.wire.message import Head, Response

_GZIP_LEVEL: Final = 9


class File(NamedTuple):
    """A file in memory.

    Attributes:
        content: its octets.
        packed: its octets, compressed by gzip.
        media_type: the value of Content-Type.
        etag: the strong validator of `content`, without quotes. `packed` has another one (RFC 9110 §8.8.3.3).
    """

    content: bytes
    packed: bytes
    media_type: str
    etag: str


def make_file(content: bytes, media_type: str) -> File:
    """Return a file. The same octets give the same validator, after a restart, too."""
    etag = hashlib.sha256(content).hexdigest()[:24]
    return File(content, gzip.compress(content, _GZIP_LEVEL, mtime=0), media_type, etag)


def answer(file: File, head: Head, fields: tuple[tuple[str, str], ...]) -> Response:
    """Return the answer to a GET of a file: 304 if the client has it already, otherwise the file.

    Args:
        file: the file.
        head: the request.
        fields: further fields of the answer.
    """
    is_packed = accepts_gzip(head)
    etag = f'"{file.etag}-gzip"' if is_packed else f'"{file.etag}"'
    fields = (("ETag", etag), ("Vary", "Accept-Encoding"), *fields)
    if matches(head, etag):
        return Response(304, b"", fields)
    if is_packed:
        return Response(200, file.packed, (("Content-Encoding", "gzip"), *fields), file.media_type)
    return Response(200, file.content, fields, file.media_type)


def matches(head: Head, etag: str) -> bool:
    """Return True if the client has the version `etag`, by weak comparison (RFC 9110 §13.1.2)."""
    known = [each.strip().removeprefix("W/") for text in head.get_all("if-none-match") for each in text.split(",")]
    return etag in known or known == ["*"]
