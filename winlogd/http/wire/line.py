"""Take one CRLF-terminated line from a buffer that may end anywhere.

The first wrong octet of a line alone decides which error it gets. So a request gets the same answer if it comes in one
piece or octet by octet.
"""

from winlogd.http.wire.message import HttpError


def take_line(buffer: bytes | bytearray, start: int, limit: int, too_long: HttpError) -> tuple[bytes, int] | None:
    """Return the line of `buffer` that begins at `start`, without its CRLF, and the position of the next line.

    Only CRLF ends a line. RFC 9112 §2.2 would allow a bare LF, but recipients that disagree on that also disagree on
    the end of a request.

    Args:
        buffer: octets of the peer.
        start: the position of the line's first octet.
        limit: octets that the line may have, without its CRLF.
        too_long: the error for a longer line, raised as soon as that is certain.

    Returns:
        None if the line is not complete yet.

    Raises:
        HttpError: 400 for a bare CR, a bare LF or a NUL; `too_long`.
    """
    reach = start + limit + 2
    end = buffer.find(b"\n", start, reach)
    text = bytes(buffer[start : reach if end < 0 else end])  # not all octets within reach: most lines are short
    last = len(text) - 1  # a CR there may be the first half of a CRLF
    if text.find(b"\0", 0, limit + 1) >= 0 or text.find(b"\r", 0, min(last, limit + 1)) >= 0:
        raise HttpError(400, "A line holds a bare CR or a NUL")
    length = len(text) - text.endswith(b"\r")
    if length > limit:
        raise too_long
    if end < 0:
        return None
    if length == len(text):
        raise HttpError(400, "A line ends in LF alone instead of CRLF")
    return text[:-1], end + 1
