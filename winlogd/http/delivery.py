"""Find out if a peer reads what was sent to it, from its transport and the system.

Linux only. Knows sockets; neither answers nor time limits.
"""

import asyncio
import select
import socket
import sys
from contextlib import suppress
from typing import Final

_UNREAD_BYTES: Final = 16 * 1024
"""Read no further request of a peer that leaves more than this of its answers unread, and count what it leaves.

With uvloop's own 64 KiB, ten thousand connections could leave 640 MB unread that are not counted. Over TLS uvloop
accepts every write whatever its size, so large answers are written in slices."""
_INFO_BYTES: Final = 128
_ACKED: Final = slice(120, 128)
"""The place of tcpi_bytes_acked in struct tcp_info (linux/tcp.h)."""
_HANDED_DOWN_BYTES: Final = 64 << 10
"""Up to this much a transport with TLS keeps encrypted and does not count.

It is the usual bound of the transport below, which it writes to."""
_RESET: Final = b"".join(number.to_bytes(4, sys.byteorder) for number in (1, 0))
"""A struct linger that makes the connection end with a reset (socket(7), SO_LINGER)."""
_LOOKED_AT_S: Final = 3.0
"""For this time after the last answer each sweep checks if a peer with TLS has read it. Two sweeps fit in."""


class Delivery:
    """What one peer has read of its answers.

    Args:
        transport: of the connection; `Delivery` sets from how many unread octets on it pauses.
    """

    __slots__ = ("_taken", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(_UNREAD_BYTES)
        self._transport = transport
        self._taken = -1  # octets acknowledged at the last check; -1 if all was read then

    def is_unread(self, waited_s: float, answers_are_due: bool) -> bool:
        """Return True if the peer leaves a part of its answers unread.

        Args:
            waited_s: seconds since the last answer was sent, if no answer is due. Checking a peer with TLS costs a
                system call, which 10,000 idle connections are spared.
            answers_are_due: an answer is due, so that a part of it may have been sent since.
        """
        if answers_are_due or self._taken >= 0 or waited_s < _LOOKED_AT_S:
            is_unread = self.is_unread_now()
        else:
            is_unread = self._transport.get_write_buffer_size() > 0
        if not is_unread:
            self._taken = -1
        return is_unread

    def is_unread_now(self) -> bool:
        """Return True if a part of what was written waits for the system, because the peer does not read.

        A transport with TLS does not count up to 64 KiB that it has encrypted and handed down. While these wait, the
        system's own buffer is full, and the socket is not writable.
        """
        if self._transport.get_write_buffer_size():
            return True
        if self._transport.can_write_eof():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLOUT)
        return not poll.poll(0)

    def has_progressed(self) -> bool:
        """Return True if the peer's system has taken more octets since the last call, or this is the first call.

        The peer's buffers are full, so that its system takes more octets only when its program reads.
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
    """Return about how many octets `transport` keeps that its peer does not read, once it has paused writing.

    When a transport with TLS pauses writing, the room for what it has handed down and does not count is full, too.
    """
    octets = transport.get_write_buffer_size()
    return octets if transport.can_write_eof() else octets + _HANDED_DOWN_BYTES


def limit_unacknowledged(transport: asyncio.Transport, octets: int) -> None:
    """Let the system keep at most twice `octets`, with its own overhead, that the peer has not acknowledged.

    Otherwise the system lets the buffer of a peer that does not read grow to 4 MB (tcp(7), tcp_wmem).
    """
    with suppress(OSError):  # the connection is gone
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, octets)


def end_with_reset(transport: asyncio.Transport) -> None:
    """Make the coming abort of the connection a reset: the peer must not see FIN."""
    with suppress(OSError):  # the connection is gone
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
