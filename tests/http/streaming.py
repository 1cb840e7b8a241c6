"""A small server whose answers come in pieces, on a thread of its own, and peers that read them over real sockets."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import h11
import uvloop

from tests.support.paths import DATA
from tests.support.running import PATIENCE_S, wait_for
from tests.support.wire import request
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Router
from winlogd.http.server import Server
from winlogd.http.sockets import bind
from winlogd.http.stream import Stream
from winlogd.http.tls import server_context
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, Response

CERTIFICATE, KEY = str(DATA / "tls.crt"), str(DATA / "tls.key")
TYPE: Final = ("Content-Type", "text/plain")
LIMITS: Final = Limits(idle_timeout=75, answer_timeout=27, linger_timeout=0.25)

LARGE: Final = b"0123456789abcdef" * (1 << 20)
"""A body of 16 MiB."""

T = TypeVar("T")


def pieces(count: int, size: int, *fields: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request for `count` pieces of `size` octets."""
    length = () if method in {"GET", "HEAD"} else ("Content-Length: 0",)
    return request(method, f"/pieces?count={count}&size={size}", *fields, *length, version=version)


def piece(number: int, size: int) -> bytes:
    return b"%d " % number * size


def body(count: int, size: int) -> bytes:
    """Return the body that `count` pieces make together."""
    return b"".join(piece(number, size) for number in range(count))


class Producer:
    """Sends pieces while its peer reads them, then ends the answer.

    Attributes:
        sent: the number of pieces sent.
        gone: the number of calls that report that its peer has gone.
        waits: how often it had to wait for its peer.
    """

    def __init__(self, exchange: Exchange, count: int, size: int) -> None:
        self.stream = Stream(exchange, self.pump, self._note_gone)
        self.sent = self.gone = self.waits = 0
        self._count = count
        self._size = size

    def begin(self) -> None:
        self.stream.begin(200, (TYPE,))
        self.pump()

    def pump(self) -> None:
        while not self.stream.is_done:
            if self.sent == self._count:
                self.stream.end()
                return
            if self.stream.is_behind:
                self.waits += 1
                return
            self.stream.send(piece(self.sent, self._size))
            self.sent += 1

    def _note_gone(self) -> None:
        self.gone += 1


class Place:
    """The server. It runs on a thread of its own; `call` calls a function there.

    Attributes:
        producers: those of all answers in pieces, in the order of their requests.
        kept: requests that wait until the test answers them.
        refusals: status codes of refusals.
        failures: exceptions of handlers and producers.
    """

    def __init__(self) -> None:
        self.producers: list[Producer] = []
        self.kept: list[Exchange] = []
        self.refusals: list[int] = []
        self.failures: list[Exception] = []
        self.ports: dict[str, int] = {}
        self.ahead_s = 0.0
        self.loop = _ClockworkLoop(self)
        routes = {
            ("GET", "/pieces"): self._pieces,
            ("POST", "/pieces"): self._pieces,
            ("GET", "/feed"): self._feed,
            ("GET", "/kept"): self._keep,
            ("POST", "/kept"): self._keep,
            ("GET", "/fails"): self._fail,
            ("GET", "/large"): lambda head: lambda exchange, _: exchange.respond(Response(200, LARGE)),
            ("GET", "/large-fails"): lambda head: self._fail_after_a_large_answer,
            ("GET", "/now"): lambda head: lambda exchange, _: exchange.respond_ok(b'"now"'),
        }
        self.server = Server(self.loop, Router(routes), LIMITS, 100, Response(503, b'"late"'), self)
        self._thread = threading.Thread(target=self.loop.run_forever)

    def call(self, function: Callable[[], T]) -> T:
        """Call `function` on the server's thread, and return its result."""

        async def called() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(PATIENCE_S)

    def forward(self, seconds: float) -> None:
        """Put the clock forward, and check every connection as the sweep does."""

        def sweep() -> None:
            self.ahead_s += seconds
            self.server.now = self.loop.time()
            for connection in list(self.server._connections):
                connection.check_time(self.server.now)

        self.call(sweep)

    def connections(self) -> int:
        return self.call(lambda: len(self.server._connections))

    async def _listen(self) -> None:
        plain, tls = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
        self.ports = {"plain": plain[0].getsockname()[1], "tls": tls[0].getsockname()[1]}
        await self.server.listen(plain)
        self.server.listen_with_tls(tls, server_context(CERTIFICATE, KEY))

    def open(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(PATIENCE_S)

    def close(self) -> None:
        self.call(self.server.abort)
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(PATIENCE_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()

    def _producer(self, head: Head, exchange: Exchange) -> Producer:
        asked = dict(parse_qsl(head.query))
        producer = Producer(exchange, int(asked.get("count", "1000000")), int(asked.get("size", "1")))
        self.producers.append(producer)
        return producer

    def _pieces(self, head: Head) -> Handler:
        return lambda exchange, _: self._producer(head, exchange).begin()

    def _feed(self, head: Head) -> Handler:
        """Begin an answer in pieces. The test sends the pieces."""
        return lambda exchange, _: self._producer(head, exchange).stream.begin(200, (TYPE,))

    def _keep(self, head: Head) -> Handler:
        return lambda exchange, _: self.kept.append(exchange)

    def _fail(self, head: Head) -> Handler:
        def fail(exchange: Exchange, _: bytes) -> None:
            stream = self._producer(head, exchange).stream
            stream.begin(200, (TYPE,))
            stream.send(b"a part")
            raise ValueError("after a part")

        return fail

    @staticmethod
    def _fail_after_a_large_answer(exchange: Exchange, _: bytes) -> None:
        exchange.respond(Response(200, LARGE))
        raise ValueError("after the answer")

    def refused(self, peer: str, response: Response) -> None:
        self.refusals.append(response.status)

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def swept(self, now: float) -> None:
        """Do nothing."""


class _ClockworkLoop(uvloop.Loop):
    """An event loop whose clock can be put forward."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def time(self) -> float:
        return super().time() + self._place.ahead_s


@contextmanager
def a_place() -> Iterator[Place]:
    place = Place()
    place.open()
    try:
        yield place
    finally:
        place.close()


class Peer:
    """A client.

    Args:
        place: the server.
        kind: ``plain`` or ``tls``.
        receive_buffer: the octets of answers that the system keeps for it; None for the system's default.
    """

    def __init__(self, place: Place, kind: str, receive_buffer: int | None = None) -> None:
        plain = socket.socket()
        plain.settimeout(PATIENCE_S)
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.connect(("127.0.0.1", place.ports[kind]))
        self.socket = plain
        if kind == "tls":
            context = ssl.create_default_context(cafile=CERTIFICATE)
            # As for any careful client, a connection without the proper end of TLS is an error.
            self.socket = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        self._read = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        self._is_first = True

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def begin(self, method: str = "GET") -> dict[str, str]:
        """Return the header section of the next answer, which must have status 200."""
        if not self._is_first:
            self._read.start_next_cycle()
        self._is_first = False
        self._read.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        self._read.send(h11.EndOfMessage())
        event = self._next()
        assert isinstance(event, h11.Response)
        assert event.status_code == 200
        return {name.decode(): value.decode() for name, value in event.headers}

    def some(self) -> bytes:
        """Return the next octets of the body; none at its end."""
        event = self._next()
        if isinstance(event, h11.EndOfMessage):
            return b""
        assert isinstance(event, h11.Data)
        return bytes(event.data)

    def rest(self) -> bytes:
        """Return the rest of the body."""
        return b"".join(iter(self.some, b""))

    def answer(self, method: str = "GET") -> bytes:
        """Return the body of the next answer, which must have status 200."""
        self.begin(method)
        return self.rest()

    def statuses(self, count: int) -> list[int]:
        """Return the status codes of the next `count` answers, all given by the sweep."""
        octets = b""
        while octets.count(b'"late"') < count:
            received = self.socket.recv(16384)
            assert received, f"the connection ended after {octets!r}"
            octets += received
        return [int(answer[:3]) for answer in octets.split(b"HTTP/1.1 ")[1:]]

    def is_at_end(self) -> bool:
        """Return True if nothing but FIN follows."""
        return self._read.trailing_data[0] == b"" and self.socket.recv(1) == b""

    def _next(self) -> object:
        while (event := self._read.next_event()) is h11.NEED_DATA:
            self._read.receive_data(self.socket.recv(16384))
        return event


def producer_of(place: Place) -> Producer:
    """Return the first producer, as soon as there is one."""
    wait_for(lambda: place.producers, "the producer")
    return place.producers[0]


def wait_until_stuck(place: Place) -> None:
    """Wait until the only peer leaves an answer unread, and the system's buffers are full."""
    (connection,) = place.server._connections
    wait_for(lambda: place.call(connection._delivery.is_unread_now), "an answer that is not read")
    acked = -1
    while acked != (acked := place.call(connection._delivery._acked)):
        time.sleep(0.1)


def wait_until_behind(place: Place) -> Producer:
    """Return the first producer, as soon as it waits for its peer and the system's buffers are full."""
    producer = producer_of(place)
    wait_for(lambda: producer.waits > 0, "a producer that waits")
    sent = -1
    while sent != (sent := place.call(lambda: producer.sent)):
        time.sleep(0.1)
    return producer
