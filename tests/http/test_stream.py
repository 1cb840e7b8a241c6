"""Answers in pieces, over plain sockets and TLS: their framing, their order, and their end."""

import asyncio
import socket
import ssl
import struct

import h11
import pytest

from tests.http.streaming import LIMITS, Peer, Place, Producer, a_place, body, pieces, producer_of, wait_until_behind
from tests.support.running import wait_for
from tests.support.wire import request
from winlogd.http.states import State
from winlogd.http.stream import Stream
from winlogd.http.wire.message import Response

NOW = request("GET", "/now")
FEED = request("GET", "/feed")
KEPT = request("POST", "/kept", "Content-Length: 0")
CLOSE = "Connection: close"
KIB = 1 << 10
MANY = 1024
"""This many pieces of 4 KiB or more exceed what the system keeps for a peer that does not read."""
SMALL_BUFFER = 4096

CUT_OFF = (h11.RemoteProtocolError, ConnectionResetError, ssl.SSLEOFError)
"""The errors that show a peer that an answer is not complete."""

kinds = pytest.mark.parametrize("kind", ["plain", "tls"])
versions = pytest.mark.parametrize("version", ["1.1", "1.0"])


def leave_no_room(place: Place) -> None:
    """Let the next answer that counts end the connection that has left much unread for the longest."""
    place.server._unread._room = 0


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
@versions
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
        producer = producer_of(place)
        first, second = place.kept
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
        stream = producer_of(place).stream
        place.call(lambda: stream.send(b"early "))
        place.call(lambda: stream.send(b"pieces"))
        place.call(stream.end)
        place.call(lambda: place.kept[0].respond_ok(b"1"))
        assert peer.answer() == b"1"
        assert peer.answer() == b"early pieces"


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
        producer_of(place)
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
@versions
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


def test_a_producer_that_fails_when_it_is_late_delays_nobody() -> None:
    with a_place() as place, Peer(place, "plain") as peer, Peer(place, "plain") as other:

        def fail() -> None:
            raise ValueError("too late")

        for number, each in enumerate((peer, other)):
            each.send(KEPT + KEPT)
            wait_for(lambda number=number: len(place.kept) == 2 * number + 2, "the requests")  # type: ignore[misc]
        for kept in list(place.kept):
            place.call(lambda kept=kept: Stream(kept, fail, fail))  # type: ignore[misc]
        place.forward(LIMITS.answer_timeout + 1)
        for each in (peer, other):
            assert each.statuses(2) == [503, 503]
        assert [str(failure) for failure in place.failures] == ["too late"] * 4
        assert place.refusals == [503] * 4


def test_a_producer_may_give_up_before_it_begins(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(request("GET", "/kept"))
        wait_for(lambda: place.kept, "the request")
        place.call(lambda: Producer(place.kept[0], 1, 1).stream.break_off())
        assert peer.socket.recv(100).startswith(b"HTTP/1.1 500 ")
        assert place.refusals == [500]


@kinds
@versions
def test_an_answer_that_is_cut_off_does_not_pass_for_complete(kind: str, version: str, place: Place) -> None:
    with Peer(place, kind) as peer, Peer(place, kind) as other:
        peer.send(request("GET", "/feed", version=version))
        peer.begin()
        (producer,) = place.producers
        place.call(lambda: producer.stream.cut_off(Response(403, b"")))
        with pytest.raises(CUT_OFF):
            peer.rest()
        place.call(lambda: producer.stream.cut_off(Response(403, b"")))
        assert (producer.gone, producer.stream.is_done) == (1, True)
        other.send(NOW)
        assert other.answer() == b'"now"'
    assert place.refusals == []


def test_an_answer_that_is_cut_off_before_its_begin_is_a_refusal(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(KEPT)
        wait_for(lambda: place.kept, "the request")
        producer = place.call(lambda: Producer(place.kept[0], 1, 1))
        place.call(lambda: producer.stream.cut_off(Response(403, b"no more")))
        assert peer.socket.recv(100).startswith(b"HTTP/1.1 403 ")
        assert (place.refusals, producer.gone, producer.stream.is_done) == ([403], 1, True)


@kinds
@versions
def test_an_answer_whose_peer_reads_too_late_does_not_pass_for_complete(kind: str, version: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB, version=version))
        wait_until_behind(place)
        place.forward(1)  # the first check of what the peer has read
        place.forward(LIMITS.idle_timeout + 1)
        with pytest.raises(CUT_OFF):
            peer.answer()


@kinds
def test_an_answer_that_has_ended_but_is_not_sent_does_not_pass_for_complete(kind: str, place: Place) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer:
        peer.send(pieces(MANY, 16 * KIB, version="1.0"))
        place.call(wait_until_behind(place).stream.end)
        place.call(place.server.abort)
        with pytest.raises(CUT_OFF):
            peer.answer()


@kinds
@versions
def test_an_answer_that_memory_has_no_room_for_does_not_pass_for_complete(
    kind: str, version: str, place: Place
) -> None:
    with Peer(place, kind, SMALL_BUFFER) as peer, Peer(place, kind, SMALL_BUFFER) as other:
        peer.send(pieces(MANY, 16 * KIB, version=version))
        producer = wait_until_behind(place)
        other.send(pieces(MANY, 16 * KIB))
        wait_for(lambda: place.producers[1:] and place.producers[1].waits, "the other that is behind")
        place.call(lambda: leave_no_room(place))
        place.call(lambda: producer.stream.send(b"more"))
        with pytest.raises(CUT_OFF):
            peer.answer()
        assert place.refusals == [503]


@kinds
def test_a_connection_that_memory_has_no_room_for_stays_closed_after_its_last_answer(kind: str, place: Place) -> None:
    """The connection is about to end: it sends no FIN, and does not linger."""
    with Peer(place, kind, SMALL_BUFFER) as peer, Peer(place, kind, SMALL_BUFFER) as other:
        peer.send(pieces(MANY, 16 * KIB, CLOSE))
        producer = wait_until_behind(place)
        other.send(pieces(MANY, 16 * KIB))
        wait_for(lambda: place.producers[1:] and place.producers[1].waits, "the other that is behind")

        def end() -> State:
            (connection,) = (each for each in place.server._connections if each._pipeline[0].pieces is producer.stream)
            leave_no_room(place)
            producer.stream.end()
            connection.check_time(place.loop.time() + LIMITS.idle_timeout + 1)
            return connection._life.state

        assert place.call(end) is State.CLOSED
        assert place.refusals == [503]


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
@versions
def test_what_has_not_ended_when_the_server_is_aborted_is_cut_off(kind: str, version: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(request("GET", "/feed", version=version))
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
