"""Hostile clients, in a process of their own: ``python -m tests.chaos.attackers PORT SCALE``.

Each attacker is a coroutine. It opens one connection after the other, and does one thing wrong with each, without end.
Attackers know enough HTTP to break it, and count their connections. They do not check the server. They go on until
their standard input ends. They print a line after many connections, and at the end the numbers by kind, as JSON.
"""

import asyncio
import json
import os
import random
import resource
import socket
import ssl
import struct
import sys
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

import uvloop

_HEAD: Final = (
    b"POST /api/v1/events HTTP/1.1\r\nHost: h\r\nUser-Agent: Winlog/0.1.0\r\nContent-Type: application/json\r\n"
)
_GET: Final = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_HEALTH: Final = _GET % b"/health"
_LISTING: Final = _GET % b"/api/v1/sessions/current"
_BODY_BYTES: Final = 1 << 20
"""The largest body that the server accepts."""
HOSTILE_USER: Final = "mallory"
_EVENT: Final = b'{"username":"mallory","action":"M","timestamp":"2026-01-13T08:30:00Z","hostname":"nowhere"}'
_LISTS: Final = b'{"hardware_info":[' + b"[]," * 349_000 + b"[]]}"
_EXPENSIVE: Final = _HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(_LISTS), _LISTS)
"""The slowest form of a body of the largest size."""
_WHOLE: Final = _HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(_EVENT), _EVENT)
_NICENESS: Final = 10
"""Real attackers have machines of their own. Here they leave the processors to the server and honest clients."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The number of attackers of each kind at any moment."""

    idle: int
    each: int


_OPEN_FILES_FOR_OTHERS: Final = 1024
"""There are this many fewer idle connections than files that a process may open."""

MANY: Final = 320
"""A siege needs this many connections, however slow the machine is: more than the idle ones of the short scale."""

SCALES: Final = {"short": Scale(idle=200, each=4), "long": Scale(idle=10_000, each=32)}


class Connection:
    """A plain TCP connection without a buffer: octets that are not read stay in the system."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Send one piece after the other; wait while the server reads none."""
        for piece in pieces:
            await self._loop.sock_sendall(self._socket, piece)
            await asyncio.sleep(pause_s)

    async def read_all(self) -> None:
        """Read until the server ends the connection."""
        while await self._loop.sock_recv(self._socket, 65536):
            pass

    def reset_at_the_end(self) -> None:
        """Make the connection end with a reset instead of FIN: socket(7), SO_LINGER."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Attack(Protocol):
    """Does one thing wrong on a connection."""

    __name__: str

    def __call__(self, connection: Connection) -> Awaitable[None]: ...


async def idle(connection: Connection) -> None:
    """Connect and send nothing, until the server ends the connection."""
    await connection.read_all()


async def slow_headers(connection: Connection) -> None:
    """Send a header section that never ends."""
    await connection.send(_HEAD, *[b"X-%d: y\r\n" % number for number in range(1000)], pause_s=0.2)


async def slow_body(connection: Connection) -> None:
    """Send nearly the whole of the largest body at once, and never the rest."""
    await connection.send(_HEAD + b"Content-Length: %d\r\n\r\n" % _BODY_BYTES, b"x" * (_BODY_BYTES - 1000))
    await connection.send(*[b"x"] * 900, pause_s=0.2)


async def slow_reader(connection: Connection) -> None:
    """Ask for the open sessions thousands of times, and read no answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            await connection.send(*[_LISTING * 100] * 100)
    await asyncio.sleep(2)
    connection.reset_at_the_end()


async def pipeliner(connection: Connection) -> None:
    """Send as many requests as fit, good and bad ones, and read no answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            while True:
                await connection.send((_HEALTH * 20 + _WHOLE) * 50)


async def flood(connection: Connection) -> None:
    """Connect, and end the connection at once."""


async def resets(connection: Connection) -> None:
    """Reset the connection at some stage of a request."""
    connection.reset_at_the_end()
    stages = (b"", b"PO", _HEAD, _WHOLE[:-1], _WHOLE, _WHOLE * 100, _HEALTH, _LISTING * 10)
    await connection.send(random.choice(stages), pause_s=random.choice((0.0, 0.001, 0.01)))


async def strangers(connection: Connection) -> None:
    """Send the beginning of TLS, or octets of no protocol."""
    await connection.send(random.choice((_client_hello(), random.randbytes(10_000), b"\0" * 10_000, b"\n" * 10_000)))
    await connection.read_all()


async def oversize(connection: Connection) -> None:
    """Send too much of something."""
    await connection.send(
        random.choice(
            (
                b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n",
                _HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
                _HEAD + b"X: y\r\n" * 10_000 + b"\r\n",
                _EXPENSIVE,
                _HEAD + b"Content-Length: 99999999999\r\n\r\n" + b"x" * 100_000,
                _HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
                _HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n" + b"x" * 100_000,
                _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 100_000,
                _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000,
                _HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 10_000,
            )
        )
    )
    await connection.read_all()


ATTACKS: Final[tuple[Attack, ...]] = (
    slow_headers, slow_body, slow_reader, pipeliner, flood, resets, strangers, oversize,
)  # fmt: skip


class Attackers:
    """All attackers together.

    Attributes:
        connections: the number that they have made, by the names of `ATTACKS` and ``idle``.
    """

    def __init__(self, port: int) -> None:
        self.connections: Counter[str] = Counter()
        self._port = port

    async def attack(self, scale: Scale, over: Awaitable[object]) -> None:
        """Attack until `over` is done.

        Raises:
            Exception: an attack has ended by itself, because of an error in it.
        """
        tasks = [asyncio.create_task(self._repeat(idle)) for _ in range(scale.idle)]
        tasks += [asyncio.create_task(self._repeat(attack)) for attack in ATTACKS for _ in range(scale.each)]
        await over
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _repeat(self, attack: Attack) -> None:
        while True:
            with socket.socket() as sock, suppress(OSError):  # the server may end the connection at any moment
                sock.setblocking(False)
                if attack in (slow_reader, pipeliner):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
                self.connections[attack.__name__] += 1
                if self.connections.total() == MANY:
                    print("many", flush=True)
                await attack(Connection(sock))
            await asyncio.sleep(0.01)


def _client_hello() -> bytes:
    """Return the first octets of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="h").do_handshake()
    return outgoing.read()


def main() -> int:
    """Attack ``127.0.0.1:PORT`` until standard input ends."""
    port, scale = int(sys.argv[1]), SCALES[sys.argv[2]]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    scale = replace(scale, idle=min(scale.idle, most - _OPEN_FILES_FOR_OTHERS))
    os.nice(_NICENESS)
    attackers = Attackers(port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        over = asyncio.to_thread(sys.stdin.read)
        runner.run(attackers.attack(scale, over))
    print(json.dumps(attackers.connections))
    return 0


if __name__ == "__main__":
    sys.exit(main())
