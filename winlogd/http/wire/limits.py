"""The sizes and times that a peer is allowed, as one value that the parser and the connections share."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Sizes in octets, times in seconds.

    Attributes:
        request_line: the longest request line, without its CRLF. A longer one is answered 414.
        headers: all field lines together, with their CRLFs. More are answered 431. The same limit counts for trailers.
        header_fields: the number of field lines. More are answered 431.
        body: the longest content. A longer one is answered 413: at once if the header section shows its length.
        headers_timeout: time from the first octet of a request, or from the start of the connection, to its blank line.
        body_timeout: time from the blank line to the last octet of the body.
        idle_timeout: time between an answer and the next request; also the time that a peer may leave answers unread.
        answer_timeout: time after which the server answers 503 to a request that its handler has not answered.
        linger_timeout: time after the last answer in which later octets are read and dropped (RFC 9112 §9.6).
    """

    request_line: int = 8192
    headers: int = 16384
    header_fields: int = 100
    body: int = 1048576
    headers_timeout: float = 10
    body_timeout: float = 30
    idle_timeout: float = 75
    answer_timeout: float = 27
    linger_timeout: float = 2
