"""Ways to damage requests on purpose: pieces to insert, and replacements that attackers write."""

from typing import Final

FRAGMENTS: Final = (
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
"""Patterns, each with its possible replacements. Each is known from attacks on some recipient."""
