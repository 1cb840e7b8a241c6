"""Clients that mean harm, in a process of their own: ``python -m tests.chaos.attackers PORT SCALE``.

Each is a coroutine that takes one connection after the other and does one thing wrong with it, for ever. They know
HTTP as far as it takes to break it, and count their connections; what becomes of the server is not their business.
They go on until their standard input ends. They print a line when they have made many connections, and at the end how
many each kind has made, as JSON.
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
_GET: Final = b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n"
_HEALTH: Final = _GET % b"/health"
_LISTING: Final = _GET % b"/api/v1/sessions/current"
_BODY_BYTES: Final = 1 << 20
"""The largest body that is taken."""
HOSTILE_USER: Final = "mallory"
_EVENT: Final = b'{"username":"mallory","action":"M","timestamp":"2026-01-13T08:30:00Z","hostname":"nowhere"}'
_LISTS: Final = b'{"hardware_info":[' + b"[]," * 349_000 + b"[]]}"
_EXPENSIVE: Final = _HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(_LISTS), _LISTS)
"""Of a body that is as large as it may be, what takes the longest to read."""
_WHOLE: Final = _HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(_EVENT), _EVENT)
_NICENESS: Final = 10
"""Attackers have machines of their own; here they leave the processors to the server and to honest clients."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many of each kind there are at any moment."""

    idle: int
    each: int


_OPEN_FILES_FOR_OTHERS: Final = 1024
"""How many fewer idle connections there are than files that a process may open."""

MANY: Final = 320
"""Connections from which on a siege is one, however slow the machine is: more than the idle ones of the short scale."""

SCALES: Final = {"short": Scale(idle=200, each=4), "long": Scale(idle=10_000, each=32)}


class Connection:
    """A TCP connection as it is, without a buffer between: what is not read stays unread."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Sends one piece after the other; waits for as long as nobody takes them."""
        for piece in pieces:
            await self._loop.sock_sendall(self._socket, piece)
            await asyncio.sleep(pause_s)

    async def read_all(self) -> None:
        """Reads until the server ends the connection."""
        while await self._loop.sock_recv(self._socket, 65536):
            pass

    def reset_at_the_end(self) -> None:
        """Lets the connection end with a reset instead of FIN: socket(7), SO_LINGER."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Attack(Protocol):
    """Does one thing wrong with a connection."""

    __name__: str

    def __call__(self, connection: Connection) -> Awaitable[None]: ...


async def idle(connection: Connection) -> None:
    """Connects and says nothing, until it is thrown out."""
    await connection.read_all()


async def slow_headers(connection: Connection) -> None:
    """A header section that never ends."""
    await connection.send(_HEAD, *[b"X-%d: y\r\n" % number for number in range(1000)], pause_s=0.2)


async def slow_body(connection: Connection) -> None:
    """Nearly the whole of the largest body at once, and the rest never."""
    await connection.send(_HEAD + b"Content-Length: %d\r\n\r\n" % _BODY_BYTES, b"x" * (_BODY_BYTES - 1000))
    await connection.send(*[b"x"] * 900, pause_s=0.2)


async def slow_reader(connection: Connection) -> None:
    """Asks who is where, thousands of times, and reads no answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            await connection.send(*[_LISTING * 100] * 100)
    await asyncio.sleep(2)
    connection.reset_at_the_end()


async def pipeliner(connection: Connection) -> None:
    """As many requests as fit, good and bad ones, with no answer read."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            while True:
                await connection.send((_HEALTH * 20 + _WHOLE) * 50)


async def flood(connection: Connection) -> None:
    """Connects, and is gone."""


async def resets(connection: Connection) -> None:
    """A reset at some stage of a request."""
    connection.reset_at_the_end()
    stages = (b"", b"PO", _HEAD, _WHOLE[:-1], _WHOLE, _WHOLE * 100, _HEALTH, _LISTING * 10)
    await connection.send(random.choice(stages), pause_s=random.choice((0.0, 0.001, 0.01)))


async def strangers(connection: Connection) -> None:
    """Speaks TLS, or nothing that anybody knows."""
    await connection.send(random.choice((_client_hello(), random.randbytes(10_000), b"\0" * 10_000, b"\n" * 10_000)))
    await connection.read_all()


async def oversize(connection: Connection) -> None:
    """Too much of something."""
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
    """All of them together.

    Attributes:
        connections: how many they have made, by the names of `ATTACKS` and ``idle``.
    """

    def __init__(self, port: int) -> None:
        self.connections: Counter[str] = Counter()
        self._port = port

    async def attack(self, scale: Scale, over: Awaitable[object]) -> None:
        """Goes on until `over` is done.

        Raises:
            Exception: an attack has ended by itself, for a fault of its own.
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
    """The first octets of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="h").do_handshake()
    return outgoing.read()


def main() -> int:
    """Attacks ``127.0.0.1:PORT`` until standard input ends."""
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
