"""Take the listening sockets that the service manager has passed on (sd_listen_fds(3)).

systemd keeps such a socket open while the service restarts, and clients wait in its queue. Loaded only if the
environment has ``LISTEN_FDS``. This file must not know what is served on the sockets, nor the configuration.
"""

import os
import socket
from collections.abc import Mapping
from typing import Final, NamedTuple

FIRST_DESCRIPTOR: Final = 3
"""The descriptor of the first socket. The others follow (``SD_LISTEN_FDS_START``)."""
TLS_NAME: Final = "https"
"""The name of sockets for TLS (``FileDescriptorName=`` of the socket's unit). All others are for plain HTTP."""


class InheritedError(Exception):
    """The service manager has passed on something else than TCP sockets. The text says what, and what to do."""


class Inherited(NamedTuple):
    """The sockets that were passed on, plain and for TLS. Both lists may be empty."""

    sockets: list[socket.socket]
    tls_sockets: list[socket.socket]


def inherited(environ: Mapping[str, str]) -> Inherited:
    """Return the sockets that were passed on to this very process. Call this once: each socket owns its descriptor.

    Args:
        environ: the environment variables of the process.

    Raises:
        InheritedError: a descriptor is no TCP socket, or the variables are wrong.
    """
    taken = Inherited([], [])
    if environ.get("LISTEN_PID") != str(os.getpid()):  # they were for the process that has started this one
        return taken
    count = environ.get("LISTEN_FDS", "")
    if not (count.isascii() and count.isdecimal()):
        raise InheritedError(f"LISTEN_FDS must be the number of the sockets that are passed on, not {count!r}")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    for number in range(int(count)):
        is_tls = names[number : number + 1] == [TLS_NAME]
        (taken.tls_sockets if is_tls else taken.sockets).append(_taken(FIRST_DESCRIPTOR + number))
    return taken


def _taken(descriptor: int) -> socket.socket:
    """Return the TCP socket of `descriptor`. Raise `InheritedError` if it is none."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise InheritedError(f"descriptor {descriptor}, which was passed on, is no socket: {error.strerror}") from None
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        raise InheritedError(
            f"descriptor {descriptor}, which was passed on, is no TCP socket: let ListenStream= in the socket's unit"
            f" name a port, such as 192.168.1.100:3000"
        )
    sock.set_inheritable(False)
    return sock
