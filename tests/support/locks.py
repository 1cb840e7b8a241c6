"""Locks of another program on a server's database, and a wait until the server has read all bytes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.running import Winlogd, wait_for
from tests.support.wire import Wire


@contextmanager
def locked(server: Winlogd) -> Iterator[sqlite3.Connection]:
    """Hold the database's write lock as another program, until COMMIT or the end of the block."""
    server.wait_until_open()
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@contextmanager
def locked_before_the_start(folder: Path) -> Iterator[sqlite3.Connection]:
    """Lock the database exclusively as another program, before winlogd can open it."""
    (folder / "data").mkdir()
    with closing(sqlite3.connect(folder / "data" / "winlog.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


def in_the_server(server: Winlogd, wire: Wire) -> None:
    """Wait until the server has read all bytes of `wire`: the receive queue of its socket is empty."""
    wait_for(lambda: unread_octets(server, wire) == 0, "the server to read what was sent", server.process)
    server.request("GET", "/health")  # one more round of its loop: the bytes are handled


def unread_octets(server: Winlogd, wire: Wire) -> int | None:
    """Return how many bytes of `wire` the server has not read; None if there is no such connection (proc(5))."""
    port, peer_port = (f":{name[1]:04X}" for name in (wire.socket.getpeername(), wire.socket.getsockname()))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(port) and fields[2].endswith(peer_port):
            return int(fields[4].partition(":")[2], 16)
    return None
