"""Peers that read their answers slowly, over plain sockets and TLS: which peers are waited for, and which are reset."""

import select
import socket
import time
from contextlib import ExitStack

import pytest

from tests.http.streaming import (
    LARGE,
    Peer,
    Place,
    Producer,
    body,
    pieces,
    wait_until_behind,
    wait_until_stuck,
)
from tests.support.running import wait_for
from tests.support.wire import request
from winlogd.http.connection import Connection

pytestmark = pytest.mark.long

NOW = request("GET", "/now")
FEED = request("GET", "/feed")
KIB = 1 << 10
MIB = 1 << 20
MANY = 1024
"""This many pieces of 4 KiB or more exceed what the system keeps for a peer that does not read."""
SMALL_BUFFER = 4096
BEYOND = 60
"""This many KiB beyond what the system accepts at once fill its buffers, and leave a part in the transport."""

kinds = pytest.mark.parametrize("kind", ["plain", "tls"])


@kinds
def test_a_peer_that_stops_reading_makes_the_producer_wait_and_gets_everything_later(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB // 4) + NOW)
        producer = wait_until_behind(place)
        kept = place.call(lambda: place.server._unread._total)
        assert producer.sent < MANY
        assert 16 * KIB <= kept < 256 * KIB
        with Peer(place, kind) as other:
            other.send(NOW)
            assert other.answer() == b'"now"'
        assert peer.answer() == body(MANY, 16 * KIB // 4)
        assert peer.answer() == b'"now"'
        assert producer.gone == 0


@kinds
def test_a_peer_that_takes_nothing_for_the_idle_limit_is_reset_and_the_producer_told_once(
    kind: str, place: Place
) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB))
        producer = wait_until_behind(place)
        place.forward(1)
        place.forward(74)
        assert (place.connections(), producer.gone) == (1, 0)
        place.forward(2)
        wait_for(lambda: place.connections() == 0, "the end of the connection")
        assert (producer.gone, producer.stream.is_done) == (1, True)
        place.call(lambda: producer.stream.send(b"more"))
        place.call(producer.stream.end)
        assert place.refusals == []
        assert producer.gone == 1


@pytest.mark.long
@kinds
def test_a_peer_that_reads_on_slowly_is_neither_reset_nor_answered_503(kind: str, place: Place) -> None:
    """The peer reads for 1200 s on the server's clock."""
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB // 4) + NOW)
        peer.begin()
        received = b""
        for _ in range(20):
            wait_until_behind(place)
            step = len(received) + MIB // 4
            while len(received) < step:
                received += peer.some()
            place.forward(60)
        assert place.connections() == 1
        assert received + peer.rest() == body(MANY, 16 * KIB // 4)
        assert peer.answer() == b'"now"'
        assert place.refusals == []


@pytest.mark.long
@kinds
def test_a_peer_may_take_its_time_with_the_end_of_the_last_answer(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB // 4, "Connection: close"))
        wait_until_behind(place)
        peer.begin()
        received = b""
        while not place.producers[0].stream.is_done:
            received += peer.some()
        for _ in range(3):
            place.forward(20)
        while len(received) < len(body(MANY, 16 * KIB // 4)):
            received += peer.some()
        place.forward(3)  # over TLS only this check shows that the peer reads
        place.forward(3)
        assert peer.rest() == b""
        assert received == body(MANY, 16 * KIB // 4)
        assert peer.is_at_end()


@kinds
def test_the_little_that_the_system_has_no_room_for_is_not_lost(kind: str, place: Place) -> None:
    """Over TLS the transport does not count the unread octets."""
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(FEED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        peer.begin()
        stream = place.producers[0].stream
        (connection,) = place.server._connections
        sent = 0

        def fill() -> None:
            nonlocal sent
            server_side = connection._transport.get_extra_info("socket")
            server_side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * KIB)
            while select.select([], [server_side.fileno()], [], 0)[1]:
                stream.send(b"x" * KIB)
                sent += KIB
            for _ in range(BEYOND):
                stream.send(b"x" * KIB)
                sent += KIB
            stream.end()

        place.call(fill)
        time.sleep(1)  # longer than a closed connection lingers
        place.forward(20)
        received = 0
        while received < sent:
            received += len(peer.some())
        place.forward(1)
        place.forward(1)
        assert peer.rest() == b""
        assert peer.is_at_end()


def test_a_producer_that_has_nothing_to_tell_may_be_silent(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(FEED)
        peer.begin()
        for _ in range(10):
            place.forward(600)
        stream = place.producers[0].stream
        place.call(lambda: stream.send(b"at last"))
        assert peer.some() == b"at last"
        assert place.refusals == []


def test_a_producer_that_does_not_begin_in_time_is_answered_for(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(request("GET", "/kept"))
        wait_for(lambda: place.kept, "the request")
        late = place.call(lambda: Producer(place.kept[0], 10, 10))
        place.forward(28)
        assert place.refusals == [503]
        assert late.gone == 1
        place.call(late.begin)
        assert late.sent == 0
        peer.send(NOW.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        octets = b""
        while some := peer.socket.recv(65536):
            octets += some
        assert octets.startswith(b"HTTP/1.1 503 ")
        assert octets.endswith(b'"now"')


@kinds
def test_who_reads_a_large_answer_slowly_is_not_reset(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(request("GET", "/large") + NOW)
        peer.begin()
        received = b""
        for _ in range(20):
            step = len(received) + MIB // 4
            while len(received) < step:
                received += peer.some()
            place.forward(60)
        assert received + peer.rest() == LARGE
        assert peer.answer() == b'"now"'


@kinds
def test_who_stops_in_the_middle_of_a_large_answer_is_reset(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(request("GET", "/large"))
        peer.begin()
        wait_until_stuck(place)
        place.forward(1)
        place.forward(74)
        assert place.connections() == 1
        place.forward(2)
        wait_for(lambda: place.connections() == 0, "the end of the connection")


@kinds
def test_a_large_answer_is_complete_though_its_handler_fails_afterwards(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(request("GET", "/large-fails") + NOW)
        assert peer.answer() == LARGE
        assert peer.answer() == b'"now"'
    assert [str(error) for error in place.failures] == ["after the answer"]
    place.failures.clear()


@kinds
def test_head_of_a_large_answer_gets_its_length_and_no_body(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(request("HEAD", "/large") + NOW)
        assert peer.begin("HEAD")["content-length"] == str(len(LARGE))
        assert peer.rest() == b""
        assert peer.answer() == b'"now"'


@kinds
def test_who_does_not_read_a_large_answer_keeps_a_slice_of_its_own_and_the_body_once(kind: str, place: Place) -> None:
    with ExitStack() as stack:
        for number in range(1, 11):
            stack.enter_context(Peer(place, kind, SMALL_BUFFER)).send(request("GET", "/large"))
            wait_for(lambda number=number: place.call(place.server._unread._share_of.__len__) == number, "its turn")  # type: ignore[misc]
        wait_for(lambda: place.call(lambda: all(map(is_behind, place.server._connections))), "peers that are behind")
        kept = place.call(lambda: place.server._unread._total)
        assert len(LARGE) < kept < len(LARGE) + 10 * 128 * KIB


def is_behind(connection: Connection) -> bool:
    return connection._flow.peer_is_behind
