"""Play systemd with a socket unit: keep ports open, and pass them on to each winlogd that starts (sd_listen_fds(3)).

This file must not know what winlogd does with the sockets.
"""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.running import Winlogd

_BACKLOG: Final = 4096

_START: Final = """
import fcntl, os, sys
descriptors = [int(word) for word in sys.argv[1].split(",") if word]
copies = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in descriptors]  # 3 and those after it may be among them
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number)
    os.close(copy)
os.environ["LISTEN_PID"] = sys.argv[2] or str(os.getpid())
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Give the descriptors their numbers, and then be the program, as a process of systemd does."""


@contextmanager
def open_port(address: str = "127.0.0.1", kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    """Open a port for as long as the block runs."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            sock.listen(_BACKLOG)
        yield sock


@contextmanager
def activated(
    folder: Path,
    sockets: Mapping[str, socket.socket],
    settings: str = "",
    environ: Mapping[str, str] | None = None,
    pid: str = "",
) -> Iterator[Winlogd]:
    """Make a server that inherits sockets at each of its starts. Kill it at the end of the block if it still runs.

    Args:
        folder: as of `Winlogd`.
        sockets: the sockets, each by the name of its unit. They stay open in this process.
        settings: as of `Winlogd`.
        environ: as of `Winlogd`. A variable of systemd that is in it replaces the right one.
        pid: the process for which the sockets are; empty for the server.
    """
    passed_on = {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(sockets)}
    server = Winlogd(folder, settings, {**passed_on, **(environ or {})})
    server.inherited = tuple(sock.fileno() for sock in sockets.values())
    descriptors = ",".join(map(str, server.inherited))
    server.command = (sys.executable, "-c", _START, descriptors, pid, *server.command)
    try:
        yield server
    finally:
        if hasattr(server, "process") and server.process.poll() is None:
            server.kill()
