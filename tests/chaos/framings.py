"""Requests that two recipients might read differently: where a request ends, or how many requests there are.

Templates: `<marker>` becomes a text of its own for each use, `<prefix>` a whole request that is hidden in a body,
`<event>` an honest body. A number of octets is `<prefix length>`, in hexadecimal `<prefix size>`; `<both …>` counts the
last chunk and the prefix after it. Each request names its marker in its target and as the user of its event.
"""

from typing import Final

HEAD: Final = (
    b"POST /api/v1/events?marker=<marker> HTTP/1.1\r\n"
    b"Host: h\r\nUser-Agent: Winlog/0.1.0\r\nContent-Type: application/json\r\n"
)
_EVENT: Final = b'{"username":"<marker>","action":"M","timestamp":"2026-01-13T08:30:00Z"}'
_GET: Final = b"GET /health?marker=<marker> HTTP/1.1\r\nHost: h\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
_IN_CHUNKS: Final = b"<event size>\r\n<event>\r\n0\r\n\r\n"
_HALF: Final = b"GET /health?marker=<marker>half HTTP/1.1\r\nHost: h\r\nX: "
"""The text after it becomes the value of a field."""


def filled(template: bytes, marker: str) -> bytes:
    """Return the octets of a template.

    Args:
        template: see the module's docstring.
        marker: digits and letters. The marker of the prefix is the same with ``hidden`` at its end.
    """
    event = _EVENT.replace(b"<marker>", marker.encode())
    hidden = _EVENT.replace(b"<marker>", marker.encode() + b"hidden")
    prefix = (
        HEAD.replace(b"<marker>", marker.encode() + b"hidden") + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden
    )
    for name, octets in ((b"event", event), (b"prefix", prefix), (b"both", _LAST_CHUNK + prefix)):
        template = template.replace(b"<%b length>" % name, b"%d" % len(octets))
        template = template.replace(b"<%b size>" % name, b"%x" % len(octets))
        template = template.replace(b"<%b>" % name, octets)
    return template.replace(b"<marker>", marker.encode())


def _with_lengths(*values: bytes) -> list[bytes]:
    return [HEAD + b"Content-Length: %b\r\n\r\n<event><prefix>" % value for value in values]


def _with_codings(*values: bytes) -> list[bytes]:
    """For one recipient a chunked body, for the other a length that includes the prefix, or no body."""
    fields = [b"Transfer-Encoding: %b\r\n" % value for value in values]
    return [HEAD + field + b"Content-Length: <both length>\r\n\r\n<both>" for field in fields] + [
        HEAD + field + b"\r\n" + _IN_CHUNKS + b"<prefix>" for field in fields
    ]


def _with_sizes(*lines: bytes) -> list[bytes]:
    """The first chunk's size line, with its end, before an event."""
    return [HEAD + _CHUNKED + b"\r\n" + line + b"<event>\r\n0\r\n\r\n<prefix>" for line in lines]


def _with_fields(*fields: bytes) -> list[bytes]:
    """Fields that may frame the body or hide its framing. The body is the last chunk and the prefix."""
    return [HEAD + field + b"\r\nContent-Length: <both length>\r\n\r\n<both>" for field in fields] + [
        HEAD + b"Content-Length: <both length>\r\n" + field + b"\r\n\r\n<both>" for field in fields
    ]


FRAMINGS: Final[tuple[bytes, ...]] = (
    # plain pipelining, which is valid
    HEAD + b"Content-Length: <event length>\r\n\r\n<event><prefix>",
    HEAD + _CHUNKED + b"\r\n" + _IN_CHUNKS + b"<prefix>",
    # Content-Length and Transfer-Encoding together
    HEAD + b"Content-Length: <both length>\r\n" + _CHUNKED + b"\r\n<both>",
    HEAD + _CHUNKED + b"Content-Length: <both length>\r\n\r\n<both>",
    HEAD + _CHUNKED + b"Content-Length: 4\r\n\r\n<prefix size>\r\n<prefix>\r\n0\r\n\r\n",
    HEAD + b"Content-Length: 0\r\n" + _CHUNKED + b"\r\n<prefix size>\r\n<prefix>\r\n0\r\n\r\n",
    # more than one Content-Length, or one that is no number
    HEAD + b"Content-Length: 0\r\nContent-Length: <prefix length>\r\n\r\n<prefix>",
    HEAD + b"Content-Length: <prefix length>\r\nContent-Length: 0\r\n\r\n<prefix>",
    HEAD + b"Content-Length: <event length>\r\nContent-Length: <event length>\r\n\r\n<event><prefix>",
    HEAD + b"Content-Length: 0, <prefix length>\r\n\r\n<prefix>",
    HEAD + b"Content-Length: <prefix length>, 0\r\n\r\n<prefix>",
    *_with_lengths(
        b"", b"-1", b"-<event length>", b"+<event length>", b"0x<event size>", b"000<event length>", b"<event length> ",
        b"\t<event length>", b"<event length> 0", b"<event length>;", b"<event length>.0", b"1e2", b"<event length>\0",
        b"<event length>\x0b", b"<event length>\xa0", b"<event length>, <event length>", b"<event length>,",
        b"18446744073709551616", b"18446744073709551687", b"99999999999999999999999", b"\r\n <event length>",
        b"1\r\n 2", b'"<event length>"',
    ),
    # codings that some recipients read as chunked
    *_with_codings(
        b"chunked", b"Chunked", b"xchunked", b"chunked, identity", b"identity, chunked", b"chunked, chunked",
        b"gzip, chunked", b"chunked, gzip", b"identity", b'"chunked"', b"'chunked'", b"chunked;q=1", b"chunked ;",
        b"\x0bchunked", b"chunked\x0b", b"\x0cchunked", b"chunked\0", b"\0chunked", b"\tchunked\t", b" , chunked",
        b"chunked,", b",chunked", b"chunked\xa0", b"\xefchunked", b"chun ked", b"", b"\r\n chunked", b"chunked\r\n x",
        b"chunked\rX: y", b"chunked\nX: y", b"x\nTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: identity",
        b"identity\r\nTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: chunked", b"chunked\r\n\tX: y",
        b"deflate", b"trailers, chunked",
    ),
    # spellings of the fields that decide, and lines that hide them
    *_with_fields(
        b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked",
        b"\tTransfer-Encoding: chunked", b"Transfer_Encoding: chunked", b"Transfer-Encoding\0: chunked",
        b"Transfer-Encoding\x0b: chunked", b"Transfer-Encoding:chunked", b"TRANSFER-ENCODING: chunked",
        b"transfer-encoding: chunked", b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked",
        b"X: y\r\r\nTransfer-Encoding: chunked", b"X: y\0\r\nTransfer-Encoding: chunked",
        b"X\r\nTransfer-Encoding: chunked",
        b": x\r\nTransfer-Encoding: chunked", b"X: y\r\n Transfer-Encoding: chunked", b"\xffTransfer-Encoding: chunked",
        b"Content_Length: 0", b"Content-Length : 0", b"Content-Length\0: 0", b"content-length: 0",
        b"X: y\nContent-Length: 0",
        b"X: y\rContent-Length: 0", b" Content-Length: 0", b"Content-Length: 0\n", b"X: y\n\n", b"X: y\n\r\n",
        b"X: y\r\r",
        b"Connection: content-length", b"Connection: close, content-length", b"Connection: transfer-encoding",
        b"Connection: keep-alive", b"Keep-Alive: timeout=1", b"TE: trailers, chunked", b"Trailer: Content-Length",
        b"Expect: 100-continue", b"Expect: 100-Continue, x", b"Expect: 200-ok", b"Expect:", b"Upgrade: websocket",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
        b"Content-Encoding: gzip", b"Content-Transfer-Encoding: chunked", b"Content-Range: bytes 0-4/<both length>",
        b"Host: other", b"Host : other", b"X-HTTP-Method-Override: GET", b"Proxy-Connection: close",
    ),
    # chunk sizes, extensions and ends
    *_with_sizes(
        b"<event size>;x=y\r\n", b'<event size>;x="\r\n', b'<event size>;x="a\\"b;c"\r\n', b"<event size> ;x\r\n",
        b"<event size> \r\n", b" <event size>\r\n", b"<event size>;\r\n", b"<event size>\n", b"<event size>\r\r\n",
        b"<event size>\r", b"<event size>;x\ny\r\n", b"<event size>;x\ry\r\n", b"<event size>;\0\r\n",
        b"<event size>,\r\n",
        b"000000<event size>\r\n", b"0x<event size>\r\n", b"-<event size>\r\n", b"+<event size>\r\n",
        b"<event size>_\r\n",
        b"<event size>h\r\n", b"<event size>.0\r\n", b"10000000000000047\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"80000000\r\n",
        b"7FFFFFFFFFFFFFFF\r\n", b"\r\n<event size>\r\n", b"\r\n", b"x\r\n",
    ),
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>0\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\n0\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r0\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>XX0\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n00000\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\n\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\n\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0;x\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\nContent-Length: <prefix length>\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\nX: y\n\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\n X: y\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\nX : y\r\n\r\n<prefix>",
    HEAD + _CHUNKED + b"\r\n<event size>\r\n<event>\r\n0\r\nno field\r\n\r\n<prefix>",
    # methods that have a body seldom
    _GET + b"Content-Length: <prefix length>\r\n\r\n<prefix>",
    _GET + _CHUNKED + b"\r\n<prefix size>\r\n<prefix>\r\n0\r\n\r\n",
    _GET + b"Expect: 100-continue\r\nContent-Length: <prefix length>\r\n\r\n<prefix>",
    *[
        _GET.replace(b"GET", method) + b"Content-Length: <prefix length>\r\n\r\n<prefix>"
        for method in (b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"PATCH", b"TRACE", b"CONNECT", b"BREW", b"get", b"G\0T")
    ],
    HEAD + b"\r\n<prefix>",
    # request lines
    *[
        line + b"\r\nHost: h\r\nContent-Length: <prefix length>\r\n\r\n<prefix>"
        for line in (
            b"GET http://h/health?marker=<marker> HTTP/1.1", b"GET http://other:81/health?marker=<marker> HTTP/1.1",
            b"GET http://h?marker=<marker> HTTP/1.1", b"GET /health?marker=<marker> HTTP/1.0",
            b"GET /health?marker=<marker>",
            b"GET /health?marker=<marker> HTTP/0.9", b"GET /health?marker=<marker> HTTP/1.2",
            b"GET /health?marker=<marker> HTTP/2.0", b"GET /health?marker=<marker> HTTP/1.10",
            b"GET /health?marker=<marker> http/1.1", b"GET /health?marker=<marker> HTTP/1.1 HTTP/1.1",
            b"GET /health?marker=<marker> x HTTP/1.1", b"GET  /health?marker=<marker> HTTP/1.1",
            b"GET\t/health?marker=<marker>\tHTTP/1.1", b" GET /health?marker=<marker> HTTP/1.1",
            b"GET /health?marker=<marker>%0d%0aX:%20y HTTP/1.1", b"GET /health?marker=<marker>\rX: HTTP/1.1",
            b"GET /health?marker=<marker>\0 HTTP/1.1", b"GET //health/../health?marker=<marker> HTTP/1.1",
            b"GET /health?marker=<marker>#x HTTP/1.1", b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET h:80 HTTP/1.1",
            b"GET /health?marker=<marker>&\xff HTTP/1.1", b"GET /health?marker=<marker>&|^{} HTTP/1.1",
            b"\r\nGET /health?marker=<marker> HTTP/1.1", b"\r\n\r\nGET /health?marker=<marker> HTTP/1.1",
            b"\nGET /health?marker=<marker> HTTP/1.1",
        )
    ],
    HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Content-Length: <event length>\r\n\r\n<event><prefix>",
    HEAD.replace(b"HTTP/1.1",
    b"HTTP/1.0") + b"Connection: keep-alive\r\n" + _CHUNKED + b"\r\n" + _IN_CHUNKS + b"<prefix>",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n<prefix>",
    # incomplete requests before the next client's request
    HEAD + b"Content-Length: <event length>\r\n\r\n<event>" + _HALF,
    HEAD + _CHUNKED + b"\r\n" + _IN_CHUNKS + _HALF,
    HEAD + b"Content-Length: 9999\r\n\r\n<event>",
    HEAD + _CHUNKED + b"\r\nfff\r\n<event>",
    HEAD.replace(b"\r\n", b"\n") + b"Content-Length: <event length>\n\n<event><prefix>",
)  # fmt: skip

LINES: Final[tuple[bytes, ...]] = (
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: <event length>", b"Content-Length: <prefix length>",
    b"Content-Length: <both length>", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b" chunked",
    b"\tx",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding:", b"Expect: 100-continue", b"Connection: close",
    b"Connection: Upgrade", b"Upgrade: h2c", b"Connection: transfer-encoding", b"X: \0", b"X: y", b"X", b"",
    b"TE: trailers",
)  # fmt: skip
"""For mixes: lines of a header section, without their ends."""

BODIES: Final[tuple[bytes, ...]] = (
    b"<event>", b"<prefix>", b"<both>", b"0\r\n\r\n", b"0\r\n", b"\r\n", b"\n", b"<event size>\r\n",
    b"<prefix size>\r\n",
    b"<event size>\r\n<event>\r\n", b"<prefix size>;x\r\n<prefix>\r\n", b"5\r\nabcde\r\n", b"abcde", b"-1\r\n",
    b"X: y\r\n",
    _HALF, b"fffffffffffffffff\r\n", b"\0",
)  # fmt: skip
"""For mixes: pieces of what follows a header section."""
