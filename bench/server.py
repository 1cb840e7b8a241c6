"""Start a peer as a process of its own, wait until it answers, and stop its whole process group."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import accounting, cores
from bench.registry import Peer

ROOMS: Final = "rooms.csv"
"""The name of the list of machines."""
_START_PATIENCE_S: Final = 30.0
_STOP_PATIENCE_S: Final = 10.0
_PROBE: Final = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class StartError(Exception):
    """A peer did not answer. The text has the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a server is to run.

    Attributes:
        synchronous: PRAGMA synchronous, FULL or NORMAL.
        log_level: info (a line an event) or error (none).
        has_rooms: True if `ROOMS` beside the database lists the machines and their rooms.
    """

    synchronous: str = "FULL"
    log_level: str = "info"
    has_rooms: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        port: its port on 127.0.0.1.
        pid: the pid of its first process.
        started_s: the seconds from the start of the process to its first 200 for /health.
    """

    port: int
    pid: int
    started_s: float

    def usage(self) -> accounting.Usage:
        """Return what the server has used since its start."""
        return accounting.usage(self.pid)

    def resident_mib(self) -> float:
        """Return the memory that the server has now."""
        return accounting.resident_mib(self.pid)


@contextmanager
def running(peer: Peer, setup: Setup, database: Path) -> Iterator[Server]:
    """Run `peer` on a free port until the end of the block.

    Args:
        peer: the peer.
        setup: how the peer runs.
        database: the path of the peer's database. The folder is the working directory, and gets the log.

    Raises:
        StartError: the peer ended, or did not answer in time.
    """
    port = _free_port()
    log_file = database.parent / f"{peer.name}.log"
    with log_file.open("wb") as log, cores.pinned_to(cores.SERVER):
        begun = time.perf_counter()
        process = subprocess.Popen(
            peer.command,
            env=_environ(peer, setup, database, port),
            cwd=database.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_healthy(process, port, log_file)
        yield Server(port, process.pid, time.perf_counter() - begun)
    finally:
        _stop(process)


def _environ(peer: Peer, setup: Setup, database: Path, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("WINLOGD_", "PEER_"))}
    orders = {
        "PEER_PORT": str(port),
        "PEER_DATABASE": str(database),
        "PEER_SYNCHRONOUS": peer.synchronous or setup.synchronous,
        "PEER_LOG_LEVEL": setup.log_level,
        "PEER_ROOMS": str(database.parent / ROOMS) if setup.has_rooms else "",
    }
    return inherited | orders | peer.environ(orders)


def _free_port() -> int:
    """Return a free port. The system itself never chooses it, so no other program gets it before the peer listens."""
    lowest_chosen = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(1024, lowest_chosen)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log_file: Path) -> None:
    until = time.perf_counter() + _START_PATIENCE_S
    while time.perf_counter() < until and process.poll() is None:
        if is_healthy(port):
            return
        time.sleep(0.0005)
    last = " | ".join(log_file.read_text(errors="replace").splitlines()[-3:])
    raise StartError(f"did not answer /health within {_START_PATIENCE_S:.0f} s: {last or 'and said nothing'}")


def is_healthy(port: int) -> bool:
    """Return True if the server answers GET /health with 200 now."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(_PROBE)
        return connection.recv(4096)[9:12] == b"200"
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to the whole group, because some masters leave their workers behind. Kill what runs after 10 s."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    until = time.perf_counter() + _STOP_PATIENCE_S
    while (left := accounting.processes(process.pid)) and time.perf_counter() < until:
        time.sleep(0.01)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
