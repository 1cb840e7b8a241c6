"""A running server takes other routes and limits: each request has one set of rules, and no connection ends."""

import asyncio
from collections.abc import Callable

from tests.http.streaming import Place
from tests.support.running import wait_for
from tests.support.wire import Wire, request
from winlogd.http.admission import ConnectionsPerAddress
from winlogd.http.connection import Connection
from winlogd.http.router import Endpoint, Router
from winlogd.http.server import Server
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Response

PATH = "/now"


def says(text: bytes) -> Endpoint:
    """Return an endpoint that answers with `text`."""
    return lambda head: lambda exchange, _: exchange.respond_ok(text)


def change(place: Place, text: bytes, limits: Limits | None = None, path: str = PATH) -> None:
    """Let the server answer with `text`."""
    router = Router({("GET", path): says(text), ("POST", path): says(text)})
    place.call(lambda: place.server.change(router, limits or place.server.limits, None, lambda _: False))


def get(wire: Wire, path: str = PATH) -> tuple[int, bytes]:
    wire.send(request("GET", path))
    answer = wire.answer()
    return answer.status, answer.body


def test_the_same_octets_mean_what_the_new_routes_say(place: Place) -> None:
    with Wire(place.ports["plain"]) as wire:
        assert [get(wire), get(wire)] == [(200, b'"now"')] * 2
        change(place, b'"new"')
        assert get(wire) == (200, b'"new"')
        change(place, b'"other"', path="/other")
        assert get(wire)[0] == 404
        assert get(wire, "/other") == (200, b'"other"')


def test_an_answer_that_is_due_comes_from_the_handler_that_has_the_request(place: Place) -> None:
    with Wire(place.ports["plain"]) as wire:
        wire.send(request("GET", "/kept"))
        wait_for(lambda: place.kept, "the request")
        change(place, b'"new"')
        place.call(lambda: place.kept[0].respond_ok(b'"old"'))
        assert wire.answer().body == b'"old"'
        assert get(wire) == (200, b'"new"')


def test_a_known_head_whose_body_is_on_its_way_meets_the_new_routes(place: Place) -> None:
    change(place, b'"old"')
    octets = request("POST", PATH, "Content-Length: 4", body=b"body")
    with Wire(place.ports["plain"]) as wire, Wire(place.ports["plain"]) as half:
        wire.send(octets)
        assert wire.answer().body == b'"old"'
        half.send(octets[:-1])
        assert get(wire)[0] == 200  # now the server has read the half
        change(place, b'"new"')
        half.send(octets[-1:])
        assert half.answer().body == b'"new"'


def test_a_connection_that_is_open_has_the_new_limits(place: Place) -> None:
    with Wire(place.ports["plain"]) as wire:
        assert get(wire)[0] == 200
        change(place, b'"new"', place.server.limits._replace(body=10))
        wire.send(request("POST", PATH, "Content-Length: 11", body=b"x" * 11))
        assert wire.answer().status == 413


class Silent:
    """An observer."""

    def refused(self, peer: str, response: Response) -> None:
        """Do nothing."""

    def failed(self, error: Exception) -> None:
        raise error

    def swept(self, now: float) -> None:
        """Do nothing."""


def in_a_loop(check: Callable[[Server], None]) -> None:
    async def run() -> None:
        router = Router({("POST", PATH): says(b"{}")})
        check(Server(asyncio.get_running_loop(), router, Limits(), 10, Response(503, b""), Silent()))

    asyncio.run(run())


class Transport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.7", 1) if name == "peername" else default


def test_a_connection_that_was_made_just_before_and_opened_just_after_has_the_new_limits() -> None:
    """The event loop makes the connection in one round, and reports it in a later one."""

    def check(server: Server) -> None:
        connection, transport = Connection(server), Transport()
        server.change(Router({("POST", PATH): says(b"{}")}), Limits(body=10), None, lambda _: False)
        connection.connection_made(transport)
        connection.data_received(request("POST", PATH, "Content-Length: 11", body=b"x" * 11))
        assert transport.written.startswith(b"HTTP/1.1 413 ")

    in_a_loop(check)


def test_open_connections_count_for_a_new_bound() -> None:
    def check(server: Server) -> None:
        connections = [Connection(server) for _ in range(3)]
        for connection in connections[:2]:
            connection.connection_made(Transport())
        counts = ConnectionsPerAddress(2, lambda _: False)
        server.change(Router({}), Limits(), counts, lambda _: False)
        third = Transport()
        connections[2].connection_made(third)
        assert third.written.startswith(b"HTTP/1.1 503 ")
        connections[0].connection_lost(None)
        fourth = Transport()
        Connection(server).connection_made(fourth)
        assert fourth.written == b""

    in_a_loop(check)
