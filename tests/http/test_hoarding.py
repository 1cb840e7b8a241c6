"""Some clients together would fill the memory: the server keeps its bound, and serves the others."""

import asyncio
import select
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.support.crowds import SESSIONS, crowd, resident_bytes
from tests.support.locks import in_the_server, locked, locked_before_the_start
from tests.support.running import Winlogd, an_event, running, wait_for
from tests.support.wire import CLIENT_FIELDS, EVENTS, Wire, event_of, health, request
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Router
from winlogd.http.server import Server
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, Response

MIB: Final = 1 << 20
HOARDERS: Final = 100
WAITING: Final = 31
"""This many bodies of 1 MiB may wait for their turn: half of the 64 MiB. Ordinary events have the rest."""
STRANGER: Final = "127.0.0.2"
"""An address of this machine that is not a trusted proxy."""
OPEN_SESSIONS: Final = 6000
"""The number of sessions whose listing has more than 1 MB."""
ROOMS_OF_A_KERNEL: Final = 6
"""A listing this many times as long does not fit into the buffers of Linux for a peer that does not read (tcp(7))."""


@pytest.mark.alone
@pytest.mark.long
def test_a_hundred_bodies_that_never_end_take_no_more_than_the_bound(tmp_path: Path) -> None:
    unfinished = request("POST", EVENTS, *CLIENT_FIELDS, f"Content-Length: {MIB}", body=b"x" * (MIB - 1))
    with running(tmp_path) as server:
        before = resident_bytes(server)
        hoarders = [Wire(server.port) for _ in range(HOARDERS)]
        try:
            for hoarder in hoarders:
                hoarder.send(unfinished)
            wait_for(lambda: sum(is_reset(hoarder) for hoarder in hoarders) >= 30, "resets of the oldest")
            assert is_reset(hoarders[0])
            assert not is_reset(hoarders[-1])
            assert server.post(an_event()).status == 200
            assert resident_bytes(server) - before < 96 * MIB
        finally:
            for hoarder in hoarders:
                hoarder.socket.close()


@pytest.mark.parametrize("source", ["127.0.0.3", "127.0.0.1"])
def test_a_large_event_that_is_slowly_sent_outlives_a_hundred_bodies_of_another_address(
    source: str, tmp_path: Path
) -> None:
    """It has begun before them. The second address is that of a proxy."""
    unfinished = request("POST", EVENTS, *CLIENT_FIELDS, f"Content-Length: {MIB}", body=b"x" * (MIB - 1))
    event = large_event("slow")
    with running(tmp_path) as server, ExitStack() as stack:
        slow = stack.enter_context(Wire(server.port, source=source))
        slow.send(event[:50_000])
        in_the_server(server, slow)
        hoarders = [stack.enter_context(Wire(server.port, source=STRANGER)) for _ in range(HOARDERS)]
        for hoarder in hoarders:
            hoarder.send(unfinished)
        wait_for(lambda: sum(is_reset(hoarder) for hoarder in hoarders) >= 30, "resets of the oldest")
        slow.send(event[50_000:])
        assert slow.answer().json["username"] == "slow"


@pytest.mark.alone
@pytest.mark.long
def test_what_waits_for_a_database_takes_no_more_than_the_bound_and_ordinary_events_wait_all_the_same(
    tmp_path: Path,
) -> None:
    """A request that waits is not dropped for a later one."""
    with running(tmp_path, "[limits]\nqueued_events = 1\n") as server, ExitStack() as stack:
        before = resident_bytes(server)
        with locked(server) as other:
            first, early, late = (stack.enter_context(Wire(server.port)) for _ in range(3))
            first.send(event_of(an_event(username="first")))
            server.wait_for_log("more events come than the database takes")
            early.send(event_of(an_event(username="early")))
            in_the_server(server, early)
            hoarders = [stack.enter_context(Wire(server.port)) for _ in range(HOARDERS)]
            waiting, refused = hoard(hoarders)
            late.send(event_of(an_event(username="late")))
            in_the_server(server, late)
            answers = [hoarder.answer() for hoarder in refused]
            assert {(answer.status, answer.headers["retry-after"]) for answer in answers} == {(503, "1")}
            assert resident_bytes(server) - before < 64 * MIB
            assert server.request("GET", "/health").status == 200
            other.execute("COMMIT")
        assert [wire.answer().json["username"] for wire in (first, early, late)] == ["first", "early", "late"]
        assert {hoarder.answer().status for hoarder in waiting} == {400}


@pytest.mark.alone
@pytest.mark.long
def test_large_events_that_wait_for_a_database_count_as_several(tmp_path: Path) -> None:
    """Of 38 MB the server reads at most the octets of 2000 ordinary events, and one event of each connection."""
    with running(tmp_path, "[limits]\nqueued_events = 2000\n") as server, ExitStack() as stack:
        before = resident_bytes(server)
        wires = [stack.enter_context(Wire(server.port)) for _ in range(20)]
        with locked(server) as other, ThreadPoolExecutor(len(wires)) as senders:
            for number, wire in enumerate(wires):
                senders.submit(wire.send, b"".join(large_event(f"user{number}-{i}") for i in range(32)))
            server.wait_for_log("more events come than the database takes")
            assert server.request("GET", "/health").status == 200
            assert resident_bytes(server) - before < 24 * MIB
            other.execute("COMMIT")
        for number, wire in enumerate(wires):
            assert [wire.answer().json["username"] for _ in range(32)] == [f"user{number}-{i}" for i in range(32)]


@pytest.mark.alone
@pytest.mark.long
def test_what_was_asked_behind_an_event_that_waits_is_forgotten_once_it_is_answered(tmp_path: Path) -> None:
    """The header sections have 36 MB together, and all are different."""
    with running(tmp_path) as server, ExitStack() as stack:
        before = resident_bytes(server)
        wires = [stack.enter_context(Wire(server.port)) for _ in range(80)]
        with locked(server) as other:
            for number, wire in enumerate(wires):
                wire.send(event_of(an_event(username=f"user{number}")))
                wire.send(b"".join(health(f"X: {number} {i} {'x' * 15_000}") for i in range(30)))
            for wire in wires:
                in_the_server(server, wire)
            assert resident_bytes(server) - before < 12 * MIB
            other.execute("COMMIT")
        for wire in wires:
            assert [wire.answer().status for _ in range(31)] == [200] * 31


@pytest.mark.alone
@pytest.mark.long
def test_what_waits_for_its_addresss_turn_takes_no_more_than_the_bound(tmp_path: Path) -> None:
    settings = "[limits]\nevents_per_second = 0.001\nrate_delay = 86400.0\n"
    with running(tmp_path, settings) as server, ExitStack() as stack:
        before = resident_bytes(server)
        assert server.post(an_event(), {"X-Forwarded-For": STRANGER}).status == 200
        early, late = (stack.enter_context(Wire(server.port, source=STRANGER)) for _ in range(2))
        early.send(event_of(an_event(username="early")))
        in_the_server(server, early)
        waiting, refused = hoard([stack.enter_context(Wire(server.port, source=STRANGER)) for _ in range(80)])
        late.send(event_of(an_event(username="late")))
        in_the_server(server, late)
        assert {hoarder.answer().status for hoarder in refused} == {429}
        assert resident_bytes(server) - before < 64 * MIB
        server.process.send_signal(signal.SIGTERM)
        assert [wire.answer().json["username"] for wire in (early, late)] == ["early", "late"]
        assert {hoarder.answer().status for hoarder in waiting} == {400}


def test_what_has_had_its_turn_leaves_room_for_what_comes_next(tmp_path: Path) -> None:
    """The requests come one after the other: an address that is slowed down is not read meanwhile."""
    settings = "[limits]\nevents_per_second = 100\nevents_burst = 1\n"
    with running(tmp_path, settings) as server, Wire(server.port, source=STRANGER) as wire:
        for _ in range(2 * WAITING):
            wire.send(event_of(b"x" * MIB))
        assert {wire.answer().status for _ in range(2 * WAITING)} == {400}


@pytest.fixture(params=[1])
def crowded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Winlogd]:
    """Yield a server with thousands of open sessions, times the parameter. No rotation closes them."""
    sessions = request.param * OPEN_SESSIONS
    with running(tmp_path, '[rotation]\nat = ""\n') as server:
        crowd(server, sessions)
        yield server


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.parametrize("crowded", [ROOMS_OF_A_KERNEL], indirect=True)
def test_listings_that_nobody_reads_take_no_more_than_the_bound(crowded: Winlogd) -> None:
    """60 clients ask for one listing, then 60 others for one each. The one that has not read for longest is dropped."""
    before = resident_bytes(crowded)
    with ExitStack() as stack:
        hoarders = [stack.enter_context(Wire(crowded.port, receive_buffer=4096)) for _ in range(60)]
        for hoarder in hoarders:
            hoarder.send(request("GET", SESSIONS))
        for hoarder in hoarders:
            begun(hoarder)
        assert established(crowded) >= 60
        assert resident_bytes(crowded) - before < 64 * MIB
    with ExitStack() as stack:
        hoarders = []
        for _ in range(60):
            hoarders.append(stack.enter_context(Wire(crowded.port, receive_buffer=4096)))
            hoarders[-1].send(request("GET", SESSIONS))
            begun(hoarders[-1])
        wait_for(lambda: established(crowded) <= 40, "resets of the oldest", crowded.process)
        assert crowded.post(an_event(username="bob")).status == 200
        assert resident_bytes(crowded) - before < 96 * MIB
        assert len(hoarders[-1].answer().json) == ROOMS_OF_A_KERNEL * OPEN_SESSIONS + 1


@pytest.mark.alone
@pytest.mark.long
def test_one_connection_has_one_listing_wait_for_its_turn(crowded: Winlogd) -> None:
    """The length of the request does not matter. Each client asks for a listing of its own."""
    before = resident_bytes(crowded)
    with locked(crowded) as other, Wire(crowded.port) as hoarder:
        hoarder.send(event_of(an_event(username="bob")))
        for _ in range(24):
            hoarder.send(request("GET", SESSIONS, "Content-Length: 1", body=b"x"))
            crowded.request("GET", SESSIONS)
        assert resident_bytes(crowded) - before < 12 * MIB
        other.execute("COMMIT")
        assert hoarder.answer().json["username"] == "bob"
        assert {len(hoarder.answer().json) - OPEN_SESSIONS for _ in range(24)} == {1, 2}  # the first without bob


@pytest.mark.alone
@pytest.mark.long
def test_listings_behind_an_event_that_waits_take_no_more_than_the_bound(crowded: Winlogd) -> None:
    """Each connection may ask for one listing. Together their waiting answers stay within the bound."""
    before = resident_bytes(crowded)
    with locked(crowded), ExitStack() as stack:
        for number in range(HOARDERS):
            hoarder = stack.enter_context(Wire(crowded.port))
            hoarder.send(event_of(an_event(username=f"hoarder{number}")))
            hoarder.send(request("GET", SESSIONS, "Content-Length: 1", body=b"x") * 20)
            crowded.request("GET", SESSIONS)  # the next client gets another listing
        wait_for(lambda: established(crowded) <= HOARDERS - 20, "resets of the oldest", crowded.process)
        assert crowded.request("GET", "/health").status == 200
        assert resident_bytes(crowded) - before < 96 * MIB


@pytest.mark.alone
@pytest.mark.long
def test_who_asks_and_goes_before_the_database_is_open_is_forgotten(tmp_path: Path) -> None:
    """The header sections have 30 MB together, and all are different."""
    with locked_before_the_start(tmp_path), running(tmp_path) as server:
        before = resident_bytes(server)
        for number in range(2000):
            wire = Wire(server.port)
            wire.send(request("GET", SESSIONS, f"X: {number} {'x' * 15_000}"))
            wire.vanish()
        assert server.request("GET", "/health").status == 200
        assert resident_bytes(server) - before < 12 * MIB


def test_a_listing_holds_what_was_acknowledged_before_it_was_asked_for(wire: Wire) -> None:
    """All requests that come while a listing is made share the next one."""
    for number in range(50):
        wire.send(request("GET", SESSIONS) * 3)
        wire.send(event_of(an_event(username=f"seen{number}", hostname=f"SEEN-{number}")))
        for _ in range(3):
            wire.answer()
        assert wire.answer().status == 200
        wire.send(request("GET", SESSIONS))
        assert f"seen{number}" in [session["username"] for session in wire.answer().json]


async def test_thousands_of_pipelined_requests_let_the_others_have_their_turn() -> None:
    order: list[str] = []

    def note(head: Head) -> Handler:
        def handle(exchange: Exchange, _: bytes) -> None:
            order.append(head.path)
            exchange.respond(Response(200, b"{}"))

        return handle

    async def handled(count: int) -> None:
        async with asyncio.timeout(30):
            while len(order) < count:  # noqa: ASYNC110  # waits for a round of the loop
                await asyncio.sleep(0)

    class Silent:
        def refused(self, peer: str, response: Response) -> None:
            raise AssertionError(response)

        def failed(self, error: Exception) -> None:
            raise error

        def swept(self, now: float) -> None:
            pass

    loop = asyncio.get_running_loop()
    router = Router({("GET", "/many"): note, ("GET", "/one"): note})
    server = Server(loop, router, Limits(), 10, Response(503, b""), Silent())
    listener = socket.create_server(("127.0.0.1", 0))
    await server.listen([listener])
    address = listener.getsockname()
    with socket.create_connection(address) as many, socket.create_connection(address) as one:
        many.sendall(request("GET", "/many"))
        one.sendall(request("GET", "/one"))
        await handled(2)  # both connections are accepted
        many.sendall(request("GET", "/many") * 1000)
        one.sendall(request("GET", "/one"))
        await handled(1003)
    await server.stop()
    assert order[2:].index("/one") < 500


def test_a_thousand_requests_in_one_piece_are_all_answered(wire: Wire) -> None:
    wire.send((health() + request("GET", SESSIONS)) * 500)
    for _ in range(500):
        assert wire.answer().json["status"] == "ok"
        assert isinstance(wire.answer().json, list)


def large_event(username: str) -> bytes:
    """Return an event of about 60 KB."""
    return event_of(an_event(username=username, action="M", hardware_info={"serial": "x" * 60_000}))


def hoard(hoarders: list[Wire]) -> tuple[list[Wire], list[Wire]]:
    """Send 1 MiB on each connection. When no more requests wait than may, return the waiting and the answered ones."""
    for hoarder in hoarders:
        hoarder.send(event_of(b"x" * MIB))
    by_socket = {hoarder.socket: hoarder for hoarder in hoarders}

    def answered() -> list[socket.socket]:
        return select.select(list(by_socket), [], [], 0)[0]

    wait_for(lambda: len(hoarders) - len(answered()) <= WAITING, "answers to what may not wait")
    refused = [by_socket.pop(sock) for sock in answered()]
    return list(by_socket.values()), refused


def begun(wire: Wire) -> None:
    """Wait until the answer has begun to come."""
    assert wire.socket.recv(1, socket.MSG_PEEK) == b"H"


def established(server: Winlogd) -> int:
    """Return the number of the server's connections. A connection that it has ended may wait for its peer to read."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[1].endswith(f":{server.port:04X}") and fields[3] == "01" for fields in lines)


def is_reset(wire: Wire) -> bool:
    """Return True if the server has ended the connection. It must not have sent anything."""
    wire.socket.setblocking(False)
    try:
        return wire.socket.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
