"""Takes one CRLF-terminated line out of a buffer that may end anywhere.

The rule that everything here keeps: what is wrong with a line is decided by its first wrong octet, so a
request gets the same answer whether it came in one piece or octet by octet.
"""

from winlogd.http.wire.message import HttpError


def take_line(buffer: bytes | bytearray, start: int, limit: int, too_long: HttpError) -> tuple[bytes, int] | None:
    """The line of `buffer` that begins at `start`, without its CRLF, and where the next one begins.

    Only CRLF ends a line (RFC 9112 §2.2 would allow a bare LF; two recipients that disagree on that
    disagree on where a request ends).

    Args:
        limit: octets the line may have, its CRLF not counted.
        too_long: raised when it has more, as soon as that is certain.

    Returns:
        None when the line is not complete yet.

    Raises:
        HttpError: 400 for a bare CR, a bare LF or a NUL; `too_long`.
    """
    reach = start + limit + 2
    end = buffer.find(b"\n", start, reach)
    text = bytes(buffer[start : reach if end < 0 else end])  # of a short line, not all within reach
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
