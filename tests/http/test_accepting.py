"""How new connections are accepted from a crowded listener, on uvloop: other event loops accept differently."""

import asyncio
import socket
from contextlib import ExitStack

import uvloop

from tests.support.running import PATIENCE_S
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Router
from winlogd.http.server import Server
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, Response

CROWD = 64


class Crowded:
    """Yield a server to which many clients have connected, and sent requests, in one round of the event loop."""

    def __init__(self) -> None:
        self.handled = 0

    async def rounds_until_all_are_handled(self) -> int:
        router = Router({("GET", "/thing"): self._handler})
        server = Server(asyncio.get_running_loop(), router, Limits(), CROWD, Response(503, b""), self)
        listener = socket.create_server(("127.0.0.1", 0), backlog=CROWD)
        await server.listen([listener])
        rounds = 0
        with ExitStack() as peers:
            for _ in range(CROWD):
                peer = peers.enter_context(socket.create_connection(listener.getsockname()))
                peer.sendall(b"GET /thing HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S):
                while self.handled < CROWD:  # counts the rounds of the loop
                    rounds += 1
                    await asyncio.sleep(0)
        await server.stop()
        return rounds

    def _handler(self, head: Head) -> Handler:
        def handle(exchange: Exchange, body: bytes) -> None:
            self.handled += 1
            exchange.respond_ok(b"{}")

        return handle

    def refused(self, peer: str, response: Response) -> None:
        raise AssertionError(f"refused with {response.status}")

    def failed(self, error: Exception) -> None:
        raise error

    def swept(self, now: float) -> None:
        """Do nothing."""


def test_each_round_of_the_event_loop_accepts_several_connections() -> None:
    assert uvloop.run(Crowded().rounds_until_all_are_handled()) < CROWD / 2
