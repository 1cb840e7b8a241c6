"""Make many HTTP exchanges at once on bare sockets and epoll. The generators must cost less than the server.

This file does not use asyncio, for two reasons. An event costs only its system calls and a few microseconds. And epoll
can be polled without sleeping: a planned send is late by microseconds, while a timer of libuv is late by up to 1 ms.
"""

import errno
import select
import socket
from collections.abc import Callable
from time import perf_counter
from typing import Final

_ANSWER_BYTES: Final = 65_536


class _Exchange:
    """One request that waits for its answer.

    Attributes:
        socket: its connection.
        request: the bytes that are not sent yet.
        since: the time from which its latency counts, on `perf_counter`'s clock.
        received: the bytes of the answer so far.
    """

    __slots__ = ("received", "request", "since", "socket")

    def __init__(self, connection: socket.socket, request: bytes, since: float) -> None:
        self.socket = connection
        self.request = request
        self.since = since
        self.received = b""


class Exchanges:
    """The exchanges of one load with a server on 127.0.0.1. They measure the time until each answer.

    Args:
        port: the server's port.
        keep: True to use a connection again. False to open one for each event and close it after the answer, as the
            real clients do.

    Attributes:
        latencies_s: the times to the answers with status 200.
        refused: the number of answers with another status.
        failed: the number of requests without an answer.
        idle: the kept connections that have no request.
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
        """The number of requests that wait for their answer."""
        return len(self._under_way)

    def connect(self, count: int) -> None:
        """Open `count` connections to be kept. Return when all of them are open."""
        for _ in range(count):
            connection = socket.create_connection(self._address)
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.idle.append(connection)

    def begin(self, request: bytes, since: float) -> None:
        """Send `request` on an idle connection, or on a new one if none is idle. Its latency counts from `since`."""
        connection = self._take_idle()
        if connection is None:
            try:
                connection = socket.socket()
            except OSError:  # no descriptor is left: too many requests wait for an answer
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
        # On the loopback, connect(2) nearly always returns a complete connection, so this nearly always sends.
        self._epoll.register(connection, select.EPOLLIN)
        if not self._sends_all(exchange):
            self._epoll.modify(connection, select.EPOLLOUT)

    def _take_idle(self) -> socket.socket | None:
        """Return an idle connection that is still open, or None. Drop those that the server closed after a time-out."""
        while self.idle:
            connection = self.idle.pop()
            if _is_open(connection):
                return connection
            connection.close()
        return None

    def _sends_all(self, exchange: _Exchange) -> bool:
        """Send the rest of the request. Return False if some of it is still left."""
        try:
            exchange.request = exchange.request[exchange.socket.send(exchange.request) :]
        except BlockingIOError:
            return False
        except OSError:
            self._end_without_answer(exchange)
            return True
        return not exchange.request

    def step(self, wait_s: float) -> None:
        """Read the answers that have arrived. Wait up to `wait_s` for the first one; 0 does not wait."""
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
        """Wait up to `patience_s` for the missing answers. Count the requests without one as failed."""
        until = clock() + patience_s
        while self._under_way and clock() < until:
            self.step(0.05)
        for exchange in list(self._under_way.values()):
            self._end_without_answer(exchange)


def _is_open(connection: socket.socket) -> bool:
    """Return True if nothing has arrived on an idle connection: neither its end nor an unexpected answer."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _is_whole(head: bytes, answer: bytes, body_start: int) -> bool:
    """Return True if `answer` is complete according to `head`, its header section in lower case.

    An answer without a length ends with the connection (RFC 9112 §6.3).
    """
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        return len(answer) >= body_start + int(rest.partition(b"\r\n")[0])
    return b"\r\ntransfer-encoding: chunked" in head and answer.endswith(b"0\r\n\r\n")
