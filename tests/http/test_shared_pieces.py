"""One piece for many streams, and streams that end with a reset, over plain sockets and TLS."""

import ssl

import h11
import pytest

from tests.http.streaming import Peer, Place, pieces, producer_of, wait_until_behind
from tests.support.running import wait_for
from tests.support.wire import request
from winlogd.http.stream import Piece

FEED = request("GET", "/feed")
KEPT = request("POST", "/kept", "Content-Length: 0")
CUT_OFF = (h11.RemoteProtocolError, ConnectionResetError, ssl.SSLError)

kinds = pytest.mark.parametrize("kind", ["plain", "tls"])


def test_a_piece_is_framed_once() -> None:
    piece = Piece(b"x" * 300)
    assert piece.chunk == b"12c\r\n" + b"x" * 300 + b"\r\n"
    assert piece.octets == b"x" * 300


@kinds
def test_streams_of_both_versions_share_a_piece(kind: str, place: Place) -> None:
    with Peer(place, kind) as new, Peer(place, kind) as old:
        new.send(FEED)
        new.begin()
        old.send(request("GET", "/feed", version="1.0"))
        old.begin()
        piece = Piece(b"for both")
        for producer in place.producers:
            place.call(lambda producer=producer: producer.stream.send_shared(piece))  # type: ignore[misc]
            place.call(producer.stream.end)
        assert new.rest() == old.rest() == b"for both"


@kinds
def test_a_piece_after_the_end_is_dropped(kind: str, place: Place) -> None:
    with Peer(place, kind) as peer:
        peer.send(FEED)
        peer.begin()
        stream = producer_of(place).stream
        place.call(stream.end)
        place.call(lambda: stream.send_shared(Piece(b"too late")))
        place.call(stream.reset)
        assert peer.rest() == b""
        assert place.connections() == 1


@kinds
def test_a_stream_that_is_reset_ends_its_connection_at_once(kind: str, place: Place) -> None:
    with Peer(place, kind, receive_buffer=4096) as peer:
        peer.send(pieces(1 << 20, 1024))
        producer = wait_until_behind(place)
        place.call(producer.stream.reset)
        wait_for(lambda: place.connections() == 0, "the end of the connection")
        assert producer.gone == 0
        with pytest.raises(CUT_OFF):
            peer.answer()


def test_a_reset_comes_after_the_answers_before_it(place: Place) -> None:
    with Peer(place, "plain") as peer:
        peer.send(KEPT + FEED)
        stream = producer_of(place).stream
        place.call(stream.reset)
        assert place.connections() == 1
        place.call(lambda: place.kept[0].respond_ok(b"first"))
        assert peer.socket.recv(4096).endswith(b"first")
        wait_for(lambda: place.connections() == 0, "the end of the connection")
