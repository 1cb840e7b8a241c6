"""Where the control socket of a database is, and how a long path fits into a socket's address.

Knows paths; not what is said on the socket.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BACKLOG: Final = 16
"""More than may be connected: the connections beyond those get their error line at once."""

_ADDRESS_BYTES: Final = 107
"""What the address of a Unix socket can hold (unix(7))."""


def path_of(database: str) -> str:
    """Where the control socket of the server of `database`, a real path, is."""
    return f"{database}.control"


@contextmanager
def short(path: str) -> Iterator[str]:
    """`path` if it fits into a socket's address, otherwise another way to it: by a descriptor of its folder."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield path
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def bind_control(path: str) -> socket.socket:
    """Make a socket at `path`. An old one is replaced, because whoever owns the database owns it.

    The process's umask is another one for a moment, so that the socket never has another mode than 0600.

    Raises:
        OSError: it cannot be made.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        with short(path) as address:
            sock.bind(address)
        sock.listen(BACKLOG)  # a command that comes before the server takes orders waits for it
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock
