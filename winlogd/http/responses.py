"""Answers that a connection gives by itself: no handler was called, or the handler has failed.

Values only; the connection decides when each of them is due.
"""

from typing import Final

from winlogd.http.wire.message import HttpError, Response

TIMED_OUT: Final = Response(408, b'{"error":"Request timed out"}', closes=True)
FAILED: Final = Response(500, b'{"error":"Internal server error"}')
_SOON: Final = (("Retry-After", "1"),)
TOO_MANY: Final = Response(503, b'{"error":"Too many connections"}', _SOON, closes=True, reason="Too many connections")
TOO_MANY_OF_ADDRESS: Final = Response(
    503,
    b'{"error":"Too many connections from this address"}',
    _SOON,
    closes=True,
    reason="Too many connections from this address",
)
DROPPED_FOR_MEMORY: Final = Response(
    503, b"", reason="Too much was kept in memory for too many clients; the connection was reset"
)
"""For the log alone: a connection that is dropped to free memory gets no answer."""


def no_handshake(reason: str) -> Response:
    """Return the refusal of a failed handshake, for the log alone.

    Args:
        reason: the name that OpenSSL gives it, such as ``UNSUPPORTED_PROTOCOL``.
    """
    return Response(400, b"", reason=f"No TLS handshake: {reason.replace('_', ' ').lower()}")


def unreadable(error: HttpError) -> Response:
    """Return the answer to bytes that are not a request, or to a request beyond the limits."""
    return Response(error.status, b'{"error":"%b"}' % error.reason.encode(), closes=True, reason=error.reason)
