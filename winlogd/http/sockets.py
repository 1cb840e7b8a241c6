"""Bind sockets to the addresses that a configured host stands for.

Knows names and addresses of the system; not what is served on them.
"""

import errno
import socket
from typing import Any, Final

_NOT_HERE: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def bind(host: str, port: int) -> list[socket.socket]:
    """Return sockets that are bound to every address of `host`.

    ``::`` takes IPv4 as well (its peers then appear as IPv4-mapped addresses). Port 0 lets the system choose.
    If a name has several addresses and this machine lacks some of them, the others are enough: for example
    localhost on a machine without IPv6.

    Raises:
        OSError: the name is unknown, this machine does not have the address, or the port is in use.
    """
    # Octets, not text: for text Python loads the tables of the idna codec, which keep 150 kB for good.
    name = host.encode() if host.isascii() else host
    try:
        found = socket.getaddrinfo(name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # the idna codec refuses an empty or overlong label with this
        raise OSError("not a valid host name") from None
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            sockets.append(_bound(family, address))
        except OSError as error:
            if error.errno not in _NOT_HERE:
                for sock in sockets:
                    sock.close()
                raise
            missing = error
    if missing is not None and not sockets:
        raise missing
    return sockets


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock
