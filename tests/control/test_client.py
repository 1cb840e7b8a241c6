"""The client's end of the control socket: the outcome of an order, whatever the server does."""

import fcntl
import socket
import struct
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.control.speaking import Client, Desk, serving
from tests.support.running import PATIENCE_S, wait_for
from winlogd.control.client import OTHER_VERSION, OrderFailedError, ask
from winlogd.control.server import LIMITS


def nothing(*_: object) -> None:
    """Ignore progress and slowness."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving(tmp_path / "socket") as desk:
        yield desk


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Run another server, which reads a line, sends `answer`, and closes."""
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve_one() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve_one)
        thread.start()
        yield
        thread.join(PATIENCE_S)


def test_progress_is_handed_on_and_done_comes_back(desk: Desk) -> None:
    seen: list[Mapping[str, object]] = []
    assert ask(str(desk.path), {"order": "count", "of": 5}, PATIENCE_S, nothing, seen.append) == {"counted": 2}
    assert seen == [{"counted": 1, "of": 5}, {"counted": 2, "of": 5}]


def test_who_asks_is_told_once_that_it_takes_long_and_gets_the_end_all_the_same(desk: Desk) -> None:
    told: list[str] = []
    seen: list[Mapping[str, object]] = []

    def is_slow() -> None:
        told.append("slow")
        order = desk.waiting.get(timeout=PATIENCE_S)
        desk.do(lambda: order.progress(rows=1))
        desk.do(lambda: order.done(rows=2))

    assert ask(str(desk.path), {"order": "wait"}, 0.1, is_slow, seen.append) == {"rows": 2}
    assert (told, seen) == (["slow"], [{"rows": 1}])


def test_what_the_server_says_against_it_is_raised(desk: Desk) -> None:
    with pytest.raises(OrderFailedError, match="'bake' is no order; the orders are count, wait, break"):
        ask(str(desk.path), {"order": "bake"}, PATIENCE_S, nothing, nothing)


def test_a_server_that_is_too_busy_to_read_the_order_is_heard(tmp_path: Path) -> None:
    with serving(tmp_path / "socket", LIMITS._replace(connections=1)) as desk, Client(desk.path) as other:
        other.give("wait")
        desk.waiting.get(timeout=PATIENCE_S)
        for _ in range(20):
            with pytest.raises(OrderFailedError, match="1 commands are talking to winlogd already"):
                ask(str(desk.path), {"order": "count"}, PATIENCE_S, nothing, nothing)


@pytest.mark.parametrize("answer", [b"", b'{"progress":{}}\n', b'{"done":{}}'])
def test_a_server_that_ends_before_it_has_answered_is_told_of(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path / "socket", answer), pytest.raises(ConnectionResetError, match="ended before"):
        ask(str(tmp_path / "socket"), {"order": "count"}, PATIENCE_S, nothing, nothing)


@pytest.mark.parametrize(
    "answer", [b"ok 5 rows\n", b"[]\n", b'{"done":5}\n', b'{"progress":{}}\n{"news":1}\n', b"\xff\n"]
)
def test_a_server_of_another_version_is_told_of(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path / "socket", answer), pytest.raises(OrderFailedError) as caught:
        ask(str(tmp_path / "socket"), {"order": "count"}, PATIENCE_S, nothing, nothing)
    assert str(caught.value) == OTHER_VERSION


def test_without_a_server_the_system_says_so(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with pytest.raises(FileNotFoundError):
        ask(str(path), {"order": "count"}, PATIENCE_S, nothing, nothing)
    with closing(socket.socket(socket.AF_UNIX)) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        ask(str(path), {"order": "count"}, PATIENCE_S, nothing, nothing)


def test_an_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        listener.listen()
        seen: list[Mapping[str, object]] = []
        done: list[object] = []
        asking = threading.Thread(
            target=lambda: done.append(ask(str(path), {"order": "x"}, PATIENCE_S, nothing, seen.append))
        )
        asking.start()
        connection, _ = listener.accept()
        with connection:
            for piece in (b'{"progress":{"rows":1}}\n{"prog', b'ress":{"rows":2}}', b'\n{"done":{"rows":', b"3}}\n"):
                connection.sendall(piece)
                wait_for(lambda: unread_by_peer(connection) == 0, "the client to read")
        asking.join(PATIENCE_S)
    assert (seen, done) == ([{"rows": 1}, {"rows": 2}], [{"rows": 3}])


def unread_by_peer(connection: socket.socket) -> int:
    """Return how much of the sent data the peer has not read yet (SIOCOUTQ, unix(7))."""
    return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0])
