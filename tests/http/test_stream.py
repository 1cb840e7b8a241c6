"""Answers in pieces, over plain sockets and TLS: how they are framed, who waits for whom, and how they end."""

import asyncio
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator

import h11
import pytest

from tests.http.streaming import Peer, Place, Producer, a_place, piece, pieces
from tests.support.running import wait_for
from tests.support.wire import request

NOW = request("GET", "/now")
FEED = request("GET", "/feed")
KEPT = request("POST", "/kept", "Content-Length: 0")
CLOSE = "Connection: close"
KIB = 1 << 10
MIB = 1 << 20
MANY = 1024
"""So many pieces of 16 KiB are more than the system keeps for a peer that does not read."""
SMALL_BUFFER = 4096
BEYOND = 60
"""So many KiB beyond what the system takes without delay fill its room and leave a part to the transport."""

CUT_OFF = (h11.RemoteProtocolError, ConnectionResetError, ssl.SSLEOFError)
"""How a peer sees that an answer is not complete."""

kinds = pytest.mark.parametrize("kind", ["plain", "tls"])


@pytest.fixture
def place() -> Iterator[Place]:
    with a_place() as place:
        yield place
        assert place.failures == []


def body(count: int, size: int) -> bytes:
    return b"".join(piece(number, size) for number in range(count))


def producer_of(place: Place, number: int = 0) -> bool:
    return len(place.producers) > number


def wait_until_behind(place: Place) -> None:
    """Waits until the first producer has to wait for its peer, with the system's buffers full."""
    wait_for(lambda: producer_of(place) and place.producers[0].waits > 0, "a producer that waits")
    sent = -1
    while sent != (sent := place.call(lambda: place.producers[0].sent)):
        select.select([], [], [], 0.1)


# ── framing ───────────────────────────────────────────────────────────────────────────────────────────


@kinds
def test_pieces_come_as_chunks_and_the_connection_stays(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        for _ in range(2):
            peer.send(pieces(10, 100))
            assert peer.begin() == {"content-type": "text/plain", "transfer-encoding": "chunked"}
            assert peer.rest() == body(10, 100)
    assert [producer.gone for producer in place.producers] == [0, 0]


@kinds
def test_each_piece_arrives_when_it_is_sent(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(FEED)
        peer.begin()
        stream = place.producers[0].stream
        for number in range(5):
            place.call(lambda number=number: stream.send(b"%d" % number))  # type: ignore[misc]
            assert peer.some() == b"%d" % number
        place.call(lambda: stream.send(b""))
        place.call(stream.end)
        assert peer.rest() == b""


@kinds
@pytest.mark.parametrize("fields", [(), ("Connection: keep-alive",)])
def test_in_http_1_0_the_answer_ends_with_the_connection(kind: str, fields: tuple[str, ...], place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(pieces(10, 100, *fields, version="1.0") + NOW)
        assert peer.begin() == {"content-type": "text/plain", "connection": "close"}
        assert peer.rest() == body(10, 100)
        assert peer.is_at_end()


@kinds
def test_a_request_for_the_last_answer_gets_it_and_fin(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(pieces(10, 100, CLOSE))
        assert peer.begin()["connection"] == "close"
        assert peer.rest() == body(10, 100)
        assert peer.is_at_end()


@kinds
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_head_gets_the_header_section_alone(kind: str, version: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(pieces(10, 100, method="HEAD", version=version) + (NOW if version == "1.1" else b""))
        headers = peer.begin("HEAD")
        assert headers["content-type"] == "text/plain"
        assert peer.rest() == b""
        if version == "1.1":
            assert peer.answer() == b'"now"'
        else:
            assert peer.is_at_end()
    (producer,) = place.producers
    assert (producer.sent, producer.stream.is_done, producer.gone) == (0, True, 0)


@kinds
def test_an_answer_without_pieces_is_empty(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(pieces(0, 1) + NOW)
        assert peer.answer() == b""
        assert peer.answer() == b'"now"'


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────


@kinds
def test_what_is_asked_behind_it_is_answered_behind_it(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(NOW + pieces(300, 16 * KIB) + NOW + pieces(3, 5) + NOW)
        assert peer.answer() == b'"now"'
        assert peer.answer() == body(300, 16 * KIB)
        assert peer.answer() == b'"now"'
        assert peer.answer() == body(3, 5)
        assert peer.answer() == b'"now"'


@kinds
def test_it_waits_for_the_answers_before_it_and_its_producer_with_it(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(KEPT + KEPT + pieces(10, 100) + NOW)
        wait_for(lambda: producer_of(place), "the producer")
        first, second = place.kept
        (producer,) = place.producers
        place.call(lambda: second.respond_ok(b"2"))
        assert place.call(lambda: (producer.sent, producer.stream.is_behind)) == (0, True)
        place.call(lambda: first.respond_ok(b"1"))
        assert [peer.answer(), peer.answer()] == [b"1", b"2"]
        assert peer.answer() == body(10, 100)
        assert peer.answer() == b'"now"'


def test_nothing_behind_it_is_handled_before_it_has_ended(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(FEED)
        peer.begin()
        peer.send(KEPT)
        place.forward(1)
        assert place.kept == []
        place.call(place.producers[0].stream.end)
        assert peer.rest() == b""
        wait_for(lambda: place.kept, "the next request")


def test_a_producer_that_sends_before_its_turn_loses_nothing(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(KEPT + FEED)
        wait_for(lambda: producer_of(place), "the producer")
        stream = place.producers[0].stream
        place.call(lambda: stream.send(b"early "))
        place.call(lambda: stream.send(b"pieces"))
        place.call(stream.end)
        place.call(lambda: place.kept[0].respond_ok(b"1"))
        assert peer.answer() == b"1"
        assert peer.answer() == b"early pieces"


# ── a peer that is behind ─────────────────────────────────────────────────────────────────────────────


@kinds
def test_a_peer_that_stops_reading_makes_the_producer_wait_and_gets_everything_later(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB // 4) + NOW)
        wait_until_behind(place)
        (producer,) = place.producers
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
        wait_until_behind(place)
        (producer,) = place.producers
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


@kinds
def test_a_peer_that_reads_on_slowly_is_neither_reset_nor_answered_503(kind: str, place: Place) -> None:
    """It reads for 1200 s on the server's clock."""
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


@kinds
def test_a_peer_may_take_its_time_with_the_end_of_the_last_answer(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB // 4, CLOSE))
        wait_until_behind(place)
        peer.begin()
        received = b""
        while not place.producers[0].stream.is_done:
            received += peer.some()
        for _ in range(3):
            place.forward(20)
        while len(received) < len(body(MANY, 16 * KIB // 4)):
            received += peer.some()
        place.forward(3)  # over TLS the connection is only now seen to be read
        place.forward(3)
        assert peer.rest() == b""
        assert received == body(MANY, 16 * KIB // 4)
        assert peer.is_at_end()


@kinds
def test_the_little_that_the_system_has_no_room_for_is_not_lost(kind: str, place: Place) -> None:
    """Over TLS the transport does not count it."""
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
        time.sleep(1)  # longer than a connection that is closed lingers
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


# ── an end before the end ─────────────────────────────────────────────────────────────────────────────


@kinds
def test_the_producer_is_told_once_that_its_peer_has_gone(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB))
        wait_until_behind(place)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_for(lambda: place.connections() == 0, "the end of the connection")
    (producer,) = place.producers
    assert (producer.gone, producer.stream.is_done) == (1, True)


@kinds
def test_a_peer_that_goes_is_told_to_a_producer_that_still_waits_for_its_turn(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(KEPT + pieces(10, 100))
        wait_for(lambda: producer_of(place), "the producer")
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_for(lambda: place.producers[0].gone, "the producer to be told")
    place.call(lambda: place.kept[0].respond_ok(b"1"))
    assert (place.producers[0].gone, place.producers[0].sent) == (1, 0)


def test_a_peer_that_will_ask_no_more_gets_everything(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(pieces(300, 16 * KIB))
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.answer() == body(300, 16 * KIB)
        assert peer.is_at_end()


@kinds
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_answer_whose_handler_fails_does_not_pass_for_complete(kind: str, version: str) -> None:
    with a_place() as place, Peer(place, kind) as peer:
        peer.send(request("GET", "/fails", version=version))
        with pytest.raises(CUT_OFF):
            peer.answer()
        assert [str(failure) for failure in place.failures] == ["after a part"]
        assert place.producers[0].gone == 0


@kinds
def test_a_producer_that_fails_costs_its_own_answer(kind: str) -> None:
    with a_place() as place, Peer(place, kind, SMALL_BUFFER) as peer, Peer(place, kind) as other:

        def fail() -> None:
            raise ValueError("while it caught up")

        peer.send(pieces(MANY, 16 * KIB))
        wait_until_behind(place)
        place.producers[0].stream._caught_up = fail
        with pytest.raises(h11.RemoteProtocolError):
            peer.answer()
        assert [str(failure) for failure in place.failures] == ["while it caught up"]
        other.send(NOW)
        assert other.answer() == b'"now"'


def test_a_producer_may_give_up_before_it_begins(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(request("GET", "/kept"))
        wait_for(lambda: place.kept, "the request")
        place.call(lambda: Producer(place.kept[0], 1, 1).stream.break_off())
        assert peer.socket.recv(100).startswith(b"HTTP/1.1 500 ")
        assert place.refusals == [500]


# ── the end of the server ─────────────────────────────────────────────────────────────────────────────


@kinds
def test_a_stop_lets_it_go_on_to_its_end(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB // 4))
        wait_until_behind(place)
        stopping = asyncio.run_coroutine_threadsafe(place.server.stop(), place.loop)
        assert peer.answer() == body(MANY, 16 * KIB // 4)
        assert peer.is_at_end()
        peer.socket.close()
        stopping.result(30)
    assert place.producers[0].gone == 0


@kinds
def test_what_has_not_ended_when_the_server_is_aborted_is_cut_off(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(FEED)
        peer.begin()
        stopping = asyncio.run_coroutine_threadsafe(place.server.stop(), place.loop)
        (producer,) = place.producers
        place.call(lambda: producer.stream.send(b"still here"))
        assert peer.some() == b"still here"
        assert not stopping.done()
        place.call(place.server.abort)
        stopping.result(30)
        assert producer.gone == 1
        with pytest.raises(CUT_OFF):
            peer.rest()
