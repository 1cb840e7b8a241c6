"""What a connection answers by itself, because no handler was asked or the one that was asked has failed.

Values only; when each of them is due is the connection's business.
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
SHED: Final = Response(503, b"", reason="Too much was kept in memory for too many clients; the connection was reset")
"""For the log alone: nothing is sent to who is shed."""


def no_handshake(reason: str) -> Response:
    """For the log alone.

    Args:
        reason: OpenSSL's, such as ``UNSUPPORTED_PROTOCOL``.
    """
    return Response(400, b"", reason=f"No TLS handshake: {reason.replace('_', ' ').lower()}")


def unreadable(error: HttpError) -> Response:
    """The answer to bytes that are no request, or one beyond the limits."""
    return Response(error.status, b'{"error":"%b"}' % error.reason.encode(), closes=True, reason=error.reason)
