"""The answers to readers who may not read. Each says what is wrong and what to do. Values only."""

from math import ceil
from typing import Final

from winlogd.http.wire.message import Response

_RETRY: Final = (("Retry-After", "10"),)

NOT_PRIVATE: Final = Response(
    403,
    b'{"error":"Token over plain HTTP","details":"use HTTPS; or set security.plain_login = true. The token was sent'
    b' unencrypted: revoke it if others could read it"}',
    reason="Token over plain HTTP",
)
NO_TOKEN: Final = Response(
    403,
    b'{"error":"Invalid token","details":"it is unknown, expired or revoked; winlogd token list shows the readers"}',
    reason="Invalid token of a reader",
)
NEEDS_TOKEN: Final = Response(
    403,
    b'{"error":"Not allowed","details":"send Authorization: Bearer with a token of winlogd token add. Since the first'
    b' one was added, this machine needs one, too. A browser logs in at /login"}',
    reason="Not allowed to read",
)
CLOSED: Final = Response(
    503,
    b'{"error":"Reading is closed","details":"the readers\' file winlog.access cannot be used; winlogd\'s log says'
    b' why. Events are stored all the same"}',
    _RETRY,
    reason="The readers' file cannot be used",
)
NOT_WRITTEN: Final = Response(
    503,
    b'{"error":"The readers\' log cannot be written","details":"nobody sees the past without a row in it; winlogd\'s'
    b' log says why. Events are stored all the same"}',
    _RETRY,
    reason="The readers' log cannot be written",
)
PAST_CLOSED: Final = Response(
    503,
    b'{"error":"The past is closed for a moment","details":"a backup or an import may have brought forgotten people'
    b' back, and they are being removed again. Events are stored all the same"}',
    _RETRY,
    reason="Forgotten people are being removed",
)
TOO_MANY_REASON: Final = "Too many wrong tokens or codes"


def too_many(wait_s: float) -> Response:
    """Return the 429 for a wrong token beyond the limits.

    Args:
        wait_s: the next failure is within the limits after this time.
    """
    body = b'{"error":"Too many wrong tokens","details":"wait, and check the token; a right one is never refused"}'
    return Response(429, body, (retry_after(wait_s),), reason=TOO_MANY_REASON)


def retry_after(wait_s: float) -> tuple[str, str]:
    """Return the header field that says when to try again, in whole seconds (RFC 9110 §10.2.3)."""
    return ("Retry-After", str(max(ceil(wait_s), 1)))


def outside(scope: str) -> Response:
    """Return the 403 for a token whose scope does not have a path."""
    body = b'{"error":"Not allowed","details":"the scope %b does not read this"}' % scope.encode()
    return Response(403, body, reason=f"The scope {scope} does not read this")
