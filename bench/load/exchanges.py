"""Many HTTP exchanges at once on bare sockets and epoll, for the generators that must be cheaper than what they load.

No asyncio: an event here costs its system calls and a few microseconds, and epoll can be polled without sleeping, so
that a planned send is late by microseconds where a timer of libuv is late by up to a millisecond.
"""

import errno
import select
import socket
from collections.abc import Callable
from time import perf_counter
from typing import Final

_ANSWER_BYTES: Final = 65_536


class _Exchange:
    """One request under way; `since` is the time its latency counts from."""

    __slots__ = ("received", "request", "since", "socket")

    def __init__(self, connection: socket.socket, request: bytes, since: float) -> None:
        self.socket = connection
        self.request = request
        self.since = since
        self.received = b""


class Exchanges:
    """Sends requests to 127.0.0.1 and takes the time until each is answered.

    Args:
        port: the server's.
        keep: whether a connection is used again; otherwise each event has its own, closed by us after the answer, as
            the real clients do.

    Attributes:
        latencies_s: of the answers 200; `refused` counts other answers, `failed` those that never came.
        idle: kept connections that wait for a request.
    """

    def __init__(self, port: int, keep: bool) -> None:
        self._address = ("127.0.0.1", port)
        self._keep = keep
        self._epoll = select.epoll()
        self._under_way: dict[int, _Exchange] = {}
        self.idle: list[socket.socket] = []
        self.latencies_s: list[float] = []
        self.refused = 0
        self.failed = 0

    @property
    def under_way(self) -> int:
        """How many requests wait for their answer."""
        return len(self._under_way)

    def connect(self, count: int) -> None:
        """Opens `count` connections that are kept, and waits until each is."""
        for _ in range(count):
            connection = socket.create_connection(self._address)
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.idle.append(connection)

    def begin(self, request: bytes, since: float) -> None:
        """Sends `request` on an idle connection, or on a new one when there is none."""
        connection = self._take_idle()
        if connection is None:
            try:
                connection = socket.socket()
            except OSError:  # no descriptor is left: so many requests wait for an answer
                self.failed += 1
                return
            connection.setblocking(False)
            outcome = connection.connect_ex(self._address)
            if outcome not in (0, errno.EINPROGRESS):
                connection.close()
                self.failed += 1
                return
        exchange = _Exchange(connection, request, since)
        self._under_way[connection.fileno()] = exchange
        # Over the loopback a connection is nearly always made before connect(2) returns, so nearly always this sends.
        self._epoll.register(connection, select.EPOLLIN)
        if not self._sends_all(exchange):
            self._epoll.modify(connection, select.EPOLLOUT)

    def _take_idle(self) -> socket.socket | None:
        """A kept connection; those that the server has closed meanwhile, for their silence, are no use."""
        while self.idle:
            connection = self.idle.pop()
            if _is_open(connection):
                return connection
            connection.close()
        return None

    def _sends_all(self, exchange: _Exchange) -> bool:
        """Sends what is left of the request; False when some of it is still left."""
        try:
            exchange.request = exchange.request[exchange.socket.send(exchange.request) :]
        except BlockingIOError:
            return False
        except OSError:
            self._end_without_answer(exchange)
            return True
        return not exchange.request

    def step(self, wait_s: float) -> None:
        """Takes what has arrived, after waiting for it up to `wait_s`; 0 does not wait."""
        for descriptor, _ in self._epoll.poll(wait_s):
            exchange = self._under_way[descriptor]
            if exchange.request:
                if self._sends_all(exchange) and self._under_way.get(descriptor) is exchange:
                    self._epoll.modify(descriptor, select.EPOLLIN)
            else:
                self._receive(exchange)

    def _receive(self, exchange: _Exchange) -> None:
        try:
            arrived = exchange.socket.recv(_ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._end_without_answer(exchange)
            return
        exchange.received += arrived
        answer = exchange.received
        head_end = answer.find(b"\r\n\r\n")
        head = answer[:head_end].lower() if head_end >= 0 else b""
        if head and (not arrived or _is_whole(head, answer, head_end + 4)):
            if answer[9:12] == b"200":
                self.latencies_s.append(perf_counter() - exchange.since)
            else:
                self.refused += 1
            self._end(exchange, arrived and b"connection: close" not in head)
        elif not arrived:
            self._end_without_answer(exchange)

    def _end_without_answer(self, exchange: _Exchange) -> None:
        self._end(exchange, may_keep=False)
        self.failed += 1

    def _end(self, exchange: _Exchange, may_keep: object) -> None:
        del self._under_way[exchange.socket.fileno()]
        if may_keep and self._keep:
            self._epoll.unregister(exchange.socket)
            self.idle.append(exchange.socket)
        else:
            exchange.socket.close()

    def drain(self, patience_s: float, clock: Callable[[], float] = perf_counter) -> None:
        """Waits for the answers that are still to come, up to `patience_s`; the rest has failed."""
        until = clock() + patience_s
        while self._under_way and clock() < until:
            self.step(0.05)
        for exchange in list(self._under_way.values()):
            self._end_without_answer(exchange)


def _is_open(connection: socket.socket) -> bool:
    """Whether nothing has come on an idle connection: neither its end nor an answer that nobody has asked for."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _is_whole(head: bytes, answer: bytes, body_start: int) -> bool:
    """Whether all of `answer` is there, by its `head` in lower case; with no length it ends with the connection."""
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        return len(answer) >= body_start + int(rest.partition(b"\r\n")[0])
    return b"\r\ntransfer-encoding: chunked" in head and answer.endswith(b"0\r\n\r\n")
