"""The time limits of a peer, with real sockets on an event loop whose clock the test puts forward."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.support.running import PATIENCE_S
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Router
from winlogd.http.server import Server
from winlogd.http.sockets import bind
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, Response

LIMITS = Limits(headers_timeout=10, body_timeout=30, idle_timeout=75, answer_timeout=27, linger_timeout=2)
UNANSWERED = Response(503, b'{"error":"busy"}', (("Retry-After", "1"),))
REQUEST = b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\ntrue"


class ClockworkLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until a test puts it forward: a busy machine makes nothing late."""

    ahead_s = 0.0

    def time(self) -> float:
        return self.ahead_s


class Place:
    """A server with an endpoint that answers now and one that never does."""

    def __init__(self, max_connections: int) -> None:
        self.refusals: list[int] = []
        self._peers: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()
        router = Router(
            {
                ("GET", "/now"): self._now,
                ("POST", "/now"): self._now,
                ("GET", "/never"): self._never,
                ("POST", "/never"): self._never,
            }
        )
        self._server = Server(self._loop, router, LIMITS, max_connections, UNANSWERED, self)
        self.congest, self.relieve = self._server.congest, self._server.relieve

    async def open(self) -> None:
        (sock,) = bind("127.0.0.1", 0)
        self._port = sock.getsockname()[1]
        await self._server.listen([sock])

    async def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self._server.abort()
        await self._server.stop()

    async def connect(self, octets: bytes) -> "Peer":
        """Return a peer that has sent `octets`, all of which the server has read."""
        sock = socket.socket()
        self._peers.append(sock)
        sock.setblocking(False)
        await self._loop.sock_connect(sock, ("127.0.0.1", self._port))
        peer = Peer(sock)
        await peer.send(octets)
        return peer

    async def forward(self, seconds: float) -> None:
        """Put the clock forward in steps of half a second, so that nothing is early or late."""
        assert isinstance(self._loop, ClockworkLoop)
        for _ in range(round(seconds * 2)):
            self._loop.ahead_s += 0.5
            await settle()

    async def stand_still(self, seconds: float) -> None:
        """Put the clock forward at once, as if the whole process had stood still."""
        assert isinstance(self._loop, ClockworkLoop)
        self._loop.ahead_s += seconds
        await settle()

    @staticmethod
    def _now(head: Head) -> Handler:
        return lambda exchange, body: exchange.respond_ok(b"true")

    @staticmethod
    def _never(head: Head) -> Handler:
        def keep(exchange: Exchange, body: bytes) -> None:
            """Give no answer."""

        return keep

    def refused(self, peer: str, response: Response) -> None:
        self.refusals.append(response.status)

    def failed(self, error: Exception) -> None:
        raise error

    def swept(self, now: float) -> None:
        """Do nothing."""


class Peer:
    """A client."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, octets: bytes) -> None:
        await self._loop.sock_sendall(self._sock, octets)
        await settle()

    async def answer(self) -> bytes:
        return await self._receive(len(ANSWER))

    async def rest(self) -> bytes:
        """Return all octets until FIN."""
        received = b""
        while piece := await self._receive(65536):
            received += piece
        return received

    async def close(self) -> None:
        self._sock.close()
        await settle()

    async def is_open(self) -> bool:
        """Return True if the connection still answers."""
        await self.send(REQUEST)
        return await self.answer() == ANSWER

    async def _receive(self, size: int) -> bytes:
        until_s = time.monotonic() + PATIENCE_S  # asyncio's own time limits use the clock that stands still
        while time.monotonic() < until_s:
            try:
                return self._sock.recv(size)
            except BlockingIOError:
                await asyncio.sleep(0)
        raise TimeoutError("nothing came")


async def settle() -> None:
    """Let the event loop do everything that is due now."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def a_place(max_connections: int = 100) -> AsyncIterator[Place]:
    place = Place(max_connections)
    await place.open()
    try:
        yield place
    finally:
        await place.close()


@pytest.fixture
def clockwork() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=ClockworkLoop) as runner:
        yield runner


def status_of(octets: bytes) -> int:
    return int(octets.split(b" ")[1])


@pytest.mark.parametrize(
    ("sent", "in_time_s", "too_late_s"),
    [
        (b"GET /now HT", 9, 12),
        (b"POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345678", 29, 32),
        (b"POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123", 29, 32),
    ],
)
def test_a_request_that_is_not_complete_in_time_is_answered_408(
    sent: bytes, in_time_s: float, too_late_s: float, clockwork: asyncio.Runner
) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(sent)
            await place.forward(in_time_s)
            assert place.refusals == []
            await place.forward(too_late_s - in_time_s)
            answer = await peer.rest()
            assert status_of(answer) == 408
            assert b"Connection: close" in answer
            assert place.refusals == [408]

    clockwork.run(play())


def test_octets_that_trickle_in_do_not_stretch_the_limit(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(REQUEST)
            assert await peer.answer() == ANSWER
            for octet in b"GET /now HTT":
                await peer.send(bytes([octet]))
                await place.forward(1)
            assert status_of(await peer.rest()) == 408

    clockwork.run(play())


def test_who_connects_and_says_nothing_is_let_go_without_a_word(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(b"")
            await place.forward(12)
            assert await peer.rest() == b""
            assert place.refusals == []

    clockwork.run(play())


def test_between_requests_a_connection_may_be_idle_for_its_own_limit(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(REQUEST)
            assert await peer.answer() == ANSWER
            await place.forward(73)
            assert await peer.is_open()
            await place.forward(73)
            assert await peer.is_open()
            await place.forward(77)
            assert await peer.rest() == b""

    clockwork.run(play())


def test_an_empty_line_after_a_request_begins_no_other(clockwork: asyncio.Runner) -> None:
    """Some old clients send a CRLF after a body, which Content-Length does not count."""

    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(REQUEST + b"\r\n")
            assert await peer.answer() == ANSWER
            await place.forward(70)
            await peer.send(REQUEST)
            assert await peer.answer() == ANSWER
            await peer.send(b"\r\n")
            await place.forward(77)
            assert await peer.rest() == b""
            assert place.refusals == []

    clockwork.run(play())


def test_a_request_after_a_long_pause_has_its_whole_time(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(REQUEST)
            assert await peer.answer() == ANSWER
            await place.forward(70)
            await peer.send(REQUEST[:10])
            await place.forward(8)
            await peer.send(REQUEST[10:])
            assert await peer.answer() == ANSWER

    clockwork.run(play())


def test_the_first_connection_after_a_quiet_hour_has_its_whole_time(clockwork: asyncio.Runner) -> None:
    """No sweep runs while no peer is connected, so that the time of the last sweep is an hour old."""

    async def play() -> None:
        async with a_place() as place:
            await place.forward(3600)
            peer = await place.connect(REQUEST[:10])
            await place.forward(8)
            await peer.send(REQUEST[10:])
            assert await peer.answer() == ANSWER

    clockwork.run(play())


def test_a_handler_that_never_answers_is_answered_for(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n" + REQUEST)
            await place.forward(26)
            assert place.refusals == []
            await place.forward(3)
            assert place.refusals == [503]
            await peer.send(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answers = await peer.rest()
            assert status_of(answers) == 503
            assert answers.count(b"HTTP/1.1 200 OK") == 2

    clockwork.run(play())


def test_who_waits_for_room_too_long_is_answered_for(clockwork: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with a_place() as place:
            place.congest()
            peer = await place.connect(b"POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            await place.forward(26)
            assert place.refusals == []
            await place.forward(3)
            assert place.refusals == [503]
            assert (await peer.rest()).endswith(b'{"error":"busy"}')
            place.relieve()
            await settle()
            assert place.refusals == [503]

    clockwork.run(scenario())


def test_the_time_in_which_one_waited_for_room_counts_for_the_answer(clockwork: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with a_place() as place:
            place.congest()
            await place.connect(b"POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            await place.forward(20)
            place.relieve()
            await place.forward(6)
            assert place.refusals == []
            await place.forward(3)
            assert place.refusals == [503]

    clockwork.run(scenario())


def test_who_was_refused_takes_no_place_from_who_comes_next(clockwork: asyncio.Runner) -> None:
    """The peer does not close, so that its connection exists for a while."""

    async def play() -> None:
        async with a_place(max_connections=1) as place:
            first = await place.connect(REQUEST)
            assert await first.answer() == ANSWER
            refused = await place.connect(b"")
            assert status_of(await refused.rest()) == 503
            await first.close()
            welcome = await place.connect(REQUEST)
            assert await welcome.answer() == ANSWER

    clockwork.run(play())


def test_who_never_closes_after_the_last_answer_is_let_go(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place(max_connections=1) as place:
            stubborn = await place.connect(b"not HTTP\r\n\r\n")
            assert status_of(await stubborn.rest()) == 400
            await stubborn.send(b"still here")
            refused = await place.connect(b"")
            assert status_of(await refused.rest()) == 503
            await place.forward(5)
            welcome = await place.connect(REQUEST)
            assert await welcome.answer() == ANSWER

    clockwork.run(play())


# ── after a pause of the whole process ────────────────────────────────────────────────────────────────

LATE_S = 3600


@pytest.mark.parametrize(
    ("sent", "limit_s"),
    [
        (b"", 10),
        (b"GET /now HT", 10),
        (b"POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345678", 30),
    ],
)
def test_a_request_has_its_whole_time_again(sent: bytes, limit_s: float, clockwork: asyncio.Runner) -> None:
    rest = b"9" if sent.startswith(b"POST") else REQUEST[len(sent) :]

    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(sent)
            await place.forward(limit_s - 2)
            await place.stand_still(LATE_S)
            await place.forward(limit_s - 2)
            assert place.refusals == []
            await peer.send(rest)
            assert await peer.answer() == ANSWER

    clockwork.run(play())


def test_who_sends_nothing_more_afterwards_is_let_go_after_its_limit(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(b"GET /now HT")
            await place.stand_still(LATE_S)
            await place.forward(12)
            assert status_of(await peer.rest()) == 408

    clockwork.run(play())


def test_an_idle_connection_has_its_whole_time_again(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            peer = await place.connect(REQUEST)
            assert await peer.answer() == ANSWER
            await place.forward(70)
            await place.stand_still(LATE_S)
            await place.forward(70)
            assert await peer.is_open()

    clockwork.run(play())


def test_a_handler_has_its_whole_time_again(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            await place.connect(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
            await place.forward(20)
            await place.stand_still(LATE_S)
            await place.forward(25)
            assert place.refusals == []
            await place.forward(4)
            assert place.refusals == [503]

    clockwork.run(play())


def test_who_waits_for_room_has_its_whole_time_again(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place() as place:
            place.congest()
            peer = await place.connect(b"POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            await place.stand_still(LATE_S)
            await place.forward(25)
            place.relieve()
            assert await peer.answer() == ANSWER
            assert place.refusals == []

    clockwork.run(play())


def test_who_has_not_closed_after_the_last_answer_has_its_whole_time_again(clockwork: asyncio.Runner) -> None:
    async def play() -> None:
        async with a_place(max_connections=1) as place:
            stubborn = await place.connect(b"not HTTP\r\n\r\n")
            assert status_of(await stubborn.rest()) == 400
            await place.stand_still(LATE_S)
            refused = await place.connect(b"")
            assert status_of(await refused.rest()) == 503
            await place.forward(5)
            welcome = await place.connect(REQUEST)
            assert await welcome.answer() == ANSWER

    clockwork.run(play())
