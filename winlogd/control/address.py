"""Where the control socket of a database is, and how a long path fits into a socket's address.

Knows paths; not what is said on the socket.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
