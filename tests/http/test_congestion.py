"""Requests while the server is congested, and while a handler holds their sender."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.running import PATIENCE_S
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Router
from winlogd.http.server import Server
from winlogd.http.sockets import bind
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, Response

GET = b"GET /thing HTTP/1.1\r\nHost: a\r\n\r\n"
LAST_GET = b"GET /thing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LARGE, LARGE_THAT_FIT = b"x" * (1 << 20), 32
"""A body, and the number of such bodies that may wait together."""
LONG = Limits()
"""Time limits that are longer than a test takes on a busy machine."""
HOLD = b"POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"


def post(body: bytes) -> bytes:
    return b"POST /thing HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Place:
    """A server whose endpoint notes the bodies that it gets, and answers them at once."""

    def __init__(self, limits: Limits) -> None:
        self.port = 0
        self.got: list[bytes] = []
        self.held: list[Exchange] = []
        self.peers: list[Peer] = []
        self._loop = asyncio.get_running_loop()
        routes = {("GET", "/thing"): self._note, ("POST", "/thing"): self._note, ("POST", "/hold"): self._hold}
        self.server = Server(self._loop, Router(routes), limits, 10_000, Response(503, b""), self)

    async def connect(self, octets: bytes = b"") -> "Peer":
        sock = socket.socket()
        sock.setblocking(False)
        await self._loop.sock_connect(sock, ("127.0.0.1", self.port))
        peer = Peer(sock)
        self.peers.append(peer)
        await peer.send(octets)
        return peer

    def _note(self, head: Head) -> Handler:
        def note(exchange: Exchange, body: bytes) -> None:
            self.got.append(body)
            exchange.respond_ok(body or b"{}")

        return note

    def _hold(self, head: Head) -> Handler:
        def hold(exchange: Exchange, body: bytes) -> None:
            exchange.sender.hold()
            self.held.append(exchange)

        return hold

    def refused(self, peer: str, response: Response) -> None:
        raise AssertionError(f"refused with {response.status}")

    def failed(self, error: Exception) -> None:
        raise error

    def swept(self, now: float) -> None:
        """Do nothing."""


class Peer:
    """A client."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._received = b""

    async def send(self, octets: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, octets)
        await settle()

    async def bodies(self, count: int) -> list[bytes]:
        """Return the bodies of the next answers."""
        return [await self._body() for _ in range(count)]

    async def _body(self) -> bytes:
        while b"\r\n\r\n" not in self._received:
            await self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        while len(self._received) < length:
            await self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return body

    async def _receive(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            piece = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        assert piece, "the server has closed the connection"
        self._received += piece


async def settle() -> None:
    """Let the event loop do everything that is due now."""
    for _ in range(10):
        await asyncio.sleep(0)


async def deferred(place: Place) -> None:
    """Return as soon as a request is deferred."""
    async with asyncio.timeout(PATIENCE_S):
        while not place.server.congestion:  # noqa: ASYNC110  # waits for a round of the loop
            await asyncio.sleep(0)


@asynccontextmanager
async def a_place(limits: Limits = LONG) -> AsyncIterator[Place]:
    place = Place(limits)
    (sock,) = bind("127.0.0.1", 0)
    place.port = sock.getsockname()[1]
    await place.server.listen([sock])
    try:
        yield place
    finally:
        for peer in place.peers:
            peer.sock.close()
        place.server.abort()
        await place.server.stop()


async def test_requests_that_change_something_wait_until_there_is_room() -> None:
    async with a_place() as place:
        place.server.congest()
        peer = await place.connect(post(b"1") + post(b"2") + LAST_GET)
        assert place.got == []
        place.server.relieve()
        assert await peer.bodies(3) == [b"1", b"2", b"{}"]


async def test_questions_are_answered_meanwhile_on_new_connections_and_open_ones() -> None:
    async with a_place() as place:
        before = await place.connect(GET)
        place.server.congest()
        waiting = await place.connect(post(b"1"))
        after = await place.connect(GET)
        await before.send(GET)
        assert await before.bodies(2) == [b"{}"] * 2
        assert await after.bodies(1) == [b"{}"]
        assert place.got == [b""] * 3
        place.server.relieve()
        assert await waiting.bodies(1) == [b"1"]


async def test_those_that_waited_are_taken_up_in_order_until_it_is_full_again() -> None:
    async with a_place() as place:
        place.server.congest()
        peers = [await place.connect(post(b"%d" % number)) for number in range(300)]
        place.server.relieve()
        await asyncio.sleep(0)
        place.server.congest()
        await settle()
        some = len(place.got)
        assert 0 < some < 300
        place.server.relieve()
        for number, peer in enumerate(peers):
            assert await peer.bodies(1) == [b"%d" % number]
        assert place.got == [b"%d" % number for number in range(300)]


async def test_who_waits_is_not_let_go_for_taking_long() -> None:
    """Three sweeps, with limits of 0.2 s."""
    async with a_place(Limits(headers_timeout=0.2, idle_timeout=0.2)) as place:
        place.server.congest()
        peer = await place.connect(post(b"1"))
        for _ in range(3):
            place.server.now += 1
            for connection in list(place.server._connections):
                connection.check_time(place.server.now)
        place.server.relieve()
        assert await peer.bodies(1) == [b"1"]


async def test_a_peer_that_vanishes_while_it_waits_is_forgotten() -> None:
    async with a_place() as place:
        place.server.congest()
        await place.connect(post(b"1"))
        for connection in list(place.server._connections):
            connection.abort()
        other = await place.connect(post(b"2"))
        place.server.relieve()
        assert await other.bodies(1) == [b"2"]
        assert place.got == [b"2"]


async def test_what_was_taken_up_takes_no_room_from_others() -> None:
    async with a_place() as place:
        peer = await place.connect()
        for _ in range(LARGE_THAT_FIT + 1):
            place.server.congest()
            await peer.send(post(LARGE))
            await deferred(place)
            place.server.relieve()
            assert await peer.bodies(1) == [LARGE]


async def test_a_peer_that_has_vanished_takes_no_room_from_others() -> None:
    async with a_place() as place:
        place.server.congest()
        for _ in range(LARGE_THAT_FIT):
            await place.connect(post(LARGE))
            await deferred(place)
            for connection in list(place.server._connections):
                connection.abort()
            await settle()
        peer = await place.connect(post(LARGE))
        await deferred(place)
        place.server.relieve()
        assert await peer.bodies(1) == [LARGE]
        assert place.got == [LARGE]


async def test_a_stop_answers_what_waits() -> None:
    async with a_place() as place:
        place.server.congest()
        peer = await place.connect(post(b"1"))
        stopping = asyncio.ensure_future(place.server.stop())
        await settle()
        place.server.relieve()
        assert await peer.bodies(1) == [b"1"]
        await stopping


async def test_a_sender_that_is_held_is_not_read_until_it_is_released() -> None:
    async with a_place() as place:
        peer = await place.connect(HOLD + post(b"1"))
        await peer.send(post(b"2"))
        assert place.got == []
        (exchange,) = place.held
        exchange.respond_ok(b"held")
        await settle()
        assert place.got == []
        exchange.sender.release()
        assert await peer.bodies(3) == [b"held", b"1", b"2"]


async def test_a_sender_that_is_held_and_goes_does_no_harm() -> None:
    async with a_place() as place:
        await place.connect(HOLD)
        (exchange,) = place.held
        for connection in list(place.server._connections):
            connection.abort()
        await settle()
        exchange.respond_ok(b"held")
        exchange.sender.release()
        assert await (await place.connect(GET)).bodies(1) == [b"{}"]
