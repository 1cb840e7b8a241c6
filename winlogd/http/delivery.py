"""Whether a peer takes what was sent to it, as its transport and the system tell.

Linux only. Knows sockets; neither answers nor time limits.
"""

import asyncio
import select
import socket
import sys
from contextlib import suppress
from typing import Final

_INFO_BYTES: Final = 128
_ACKED: Final = slice(120, 128)
"""Where tcpi_bytes_acked stands in struct tcp_info (linux/tcp.h)."""
_HANDED_DOWN_BYTES: Final = 64 << 10
"""What a transport with TLS keeps encrypted beside what it counts: the usual bound of the one that it writes to."""
_RESET: Final = b"".join(number.to_bytes(4, sys.byteorder) for number in (1, 0))
"""A struct linger that lets the end of the connection be a reset (socket(7), SO_LINGER)."""
_LOOKED_AT_S: Final = 3.0
"""So long after the last answer each sweep looks whether a peer with TLS has read it; two sweeps fit in."""


class Delivery:
    """What one peer has taken.

    Args:
        transport: of the connection.
    """

    __slots__ = ("_taken", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._taken = -1  # octets at the last look; -1 when all was read then

    def is_unread(self, waited_s: float, answers_are_due: bool) -> bool:
        """Return True if the peer leaves unread some of what was sent.

        Args:
            waited_s: for how many seconds nothing was sent, as far as no answer is due. A look at a peer with TLS is a
                system call, which 10,000 idle connections are spared.
            answers_are_due: something may have been sent since.
        """
        if answers_are_due or self._taken >= 0 or waited_s < _LOOKED_AT_S:
            is_unread = self.is_unread_now()
        else:
            is_unread = self._transport.get_write_buffer_size() > 0
        if not is_unread:
            self._taken = -1
        return is_unread

    def is_unread_now(self) -> bool:
        """Return True if some of what was written has not gone to the system yet, because the peer does not read.

        A transport with TLS does not count what it has encrypted and handed down, up to 64 KiB. Then the system's own
        buffer is full, and the socket cannot be written.
        """
        if self._transport.get_write_buffer_size():
            return True
        if self._transport.can_write_eof():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLOUT)
        return not poll.poll(0)

    def has_progressed(self) -> bool:
        """Return True if the peer's system has taken more since the last call, or this is the first.

        It only takes more when its program reads on.
        """
        before, self._taken = self._taken, self._acked()
        return self._taken != before

    def _acked(self) -> int:
        try:
            info = self._transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        except OSError:  # the connection is gone
            return 0
        return int.from_bytes(info[_ACKED], sys.byteorder)


def kept_unread(transport: asyncio.Transport) -> int:
    """Return how many octets, about, `transport` keeps of what its peer does not read, once it wants no more of them.

    A transport with TLS wants no more when what it has handed down, and does not count, fills its room as well.
    """
    octets = transport.get_write_buffer_size()
    return octets if transport.can_write_eof() else octets + _HANDED_DOWN_BYTES


def end_with_reset(transport: asyncio.Transport) -> None:
    """Let the peer see a reset, not a FIN, when the connection is aborted."""
    with suppress(OSError):  # the connection is gone
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
