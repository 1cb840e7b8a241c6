"""Another program's locks on a running server's database, and the moment when the server has read what was sent."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.running import Winlogd, wait_for
from tests.support.wire import Wire


@contextmanager
def locked(server: Winlogd) -> Iterator[sqlite3.Connection]:
    """Another program holds the database's write lock; it lets go by COMMIT, or at the end."""
    server.wait_until_open()
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@contextmanager
def locked_before_the_start(folder: Path) -> Iterator[sqlite3.Connection]:
    """Another program has locked the database for itself alone before winlogd can open it."""
    (folder / "data").mkdir()
    with closing(sqlite3.connect(folder / "data" / "winlog.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


def in_the_server(server: Winlogd, wire: Wire) -> None:
    """Returns when the server has read all that was sent on `wire`: the receive queue of its socket is empty."""
    wait_for(lambda: unread_octets(server, wire) == 0, "the server to read what was sent", server.process)
    server.request("GET", "/health")  # one more round of its loop: what was read is handled


def unread_octets(server: Winlogd, wire: Wire) -> int | None:
    """How much of what was sent on `wire` the server has not read; None without such a connection (proc(5))."""
    port, peer_port = (f":{name[1]:04X}" for name in (wire.socket.getpeername(), wire.socket.getsockname()))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(port) and fields[2].endswith(peer_port):
            return int(fields[4].partition(":")[2], 16)
    return None
