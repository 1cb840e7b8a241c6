"""Place the control socket beside its database, and fit a long path into a socket's address.

This file knows paths. It must not know what is sent over the socket.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BACKLOG: Final = 16
"""Above the server's limit of connections, so that it accepts surplus connections and answers them with an error."""

_ADDRESS_BYTES: Final = 107
"""The longest path that the address of a Unix socket can hold (unix(7))."""


def path_of(database: str) -> str:
    """Return the path of the control socket that belongs to `database`, a path without links."""
    return f"{database}.control"


@contextmanager
def short(path: str) -> Iterator[str]:
    """Give `path` if it fits into a socket's address, otherwise a short path to the same place.

    The short path leads through a descriptor of the folder. It is valid only inside the `with` block.

    Raises:
        OSError: the path is too long, and its folder cannot be opened.
    """
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
    """Return a new socket that is bound to `path`. It replaces an old one: the owner of the database owns the path.

    This changes the process's umask for a moment, so that the socket has the mode 0600 from the beginning.

    Raises:
        OSError: the old socket cannot be removed, or the new one cannot be made or bound.
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
