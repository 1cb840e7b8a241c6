"""What a peer may send and how long it may take: one value that the parser and the connections share."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Sizes in octets, times in seconds.

    Attributes:
        request_line: longest request line without its CRLF; beyond it 414.
        headers: all field lines together with their CRLFs; beyond it 431. Bounds trailers likewise.
        header_fields: number of field lines; beyond it 431.
        body: longest content; beyond it 413, decided from the header section where that tells it.
        headers_timeout: from the first octet of a request (or from connecting) to its blank line.
        body_timeout: from the blank line to the last octet of the body.
        idle_timeout: between an answer and the next request; also how long a peer may leave answers unread.
        answer_timeout: how long a request waits for its handler before the server answers 503 itself.
        linger_timeout: how long what still comes is read and dropped after the last answer (RFC 9112 §9.6).
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
