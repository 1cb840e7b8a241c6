"""The server's end of the control socket, by which commands reach the running server.

One connection carries one order, in lines of JSON. The client sends ``{"order":"rotate"}``. Some orders have further
members. The server answers with any number of ``{"progress":{...}}`` lines and one last line, ``{"done":{...}}`` or
``{"error":"sentence"}``. Then it closes the connection.

The server serves only root and the user that it runs as. The socket has the mode 0600, and the kernel reports the user
of each peer (SO_PEERCRED, unix(7)). This file knows sockets and lines. It must not know what an order means.
"""

import asyncio
import os
import select
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

_UNREAD_BYTES: Final = 16_384
"""Drop progress while more than this waits for a slow client, besides the data in the kernel's buffers."""

_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred of unix(7): process, user, group."""

_ROOT: Final = 0


class Limits(NamedTuple):
    """The limits of the control socket."""

    connections: int = 8
    """Connections at the same time."""
    order_timeout_s: float = 10.0
    """Seconds from the connection to its order."""
    line_bytes: int = 1024
    """The longest order, without its line feed."""


LIMITS: Final = Limits()
"""The limits that the server uses."""

Send = Callable[[bytes], None]
"""A function that sends a line to the client."""


class Order:
    """An order, and the way back to its client while the order is carried out.

    A handler calls `done` or `failed` once, at any later time. Before that it calls `progress` as often as it likes.
    These calls do nothing if the client has closed the connection.

    Args:
        fields: the members of the order besides its name.
        report: sends a line that may be dropped.
        end: sends the last line, and closes the connection.
    """

    __slots__ = ("_end", "_report", "fields")

    def __init__(self, fields: Mapping[str, Any], report: Send, end: Send) -> None:
        self.fields: Final = fields
        self._report = report
        self._end = end

    def progress(self, **fields: object) -> None:
        """Report how far the order is. A client that reads too slowly misses some reports."""
        self._report(_line("progress", fields))

    def done(self, **fields: object) -> None:
        """Report that the order has been carried out, with its results."""
        self._end(_line("done", fields))

    def failed(self, sentence: str) -> None:
        """Report why the order could not be carried out."""
        self._end(_line("error", sentence.encode("utf-8", "backslashreplace").decode()))


Handler = Callable[[Order], None]
"""A function that starts to carry out an order, and returns at once."""


def conversations(
    loop: asyncio.AbstractEventLoop, handlers: Mapping[str, Handler], limits: Limits = LIMITS
) -> Callable[[], asyncio.Protocol]:
    """Return a function that makes the server's end of a new connection.

    Args:
        loop: the event loop, on which all handlers are called.
        handlers: the handler of each order, by the order's name.
        limits: the limits of the socket.
    """
    desk = _Desk(loop, handlers, limits)
    return lambda: _Conversation(desk)


class _Desk:
    """The state that all connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handlers: Mapping[str, Handler], limits: Limits) -> None:
        self.loop: Final = loop
        self.handlers: Final = handlers
        self.limits: Final = limits
        self.connections = 0

    def carry_out(self, line: bytes, report: Send, end: Send) -> None:
        """Give the order in `line` to its handler, or answer that the line is no known order."""
        fields = _members(line)
        name = fields.pop("order", None)
        order = Order(fields, report, end)
        handler = self.handlers.get(name) if isinstance(name, str) else None
        if name is None:
            order.failed(f'an order is one line of JSON such as {{"order":"{next(iter(self.handlers))}"}}')
            return
        if handler is None:
            order.failed(f"{name!r} is no order; the orders are {', '.join(self.handlers)}")
            return
        try:
            handler(order)
        except Exception as error:
            order.failed("the order failed for a fault in winlogd itself; its log has the traceback")
            context = {"message": f"the order {name} failed for a fault in winlogd itself", "exception": error}
            self.loop.call_exception_handler(context)


class _Conversation(asyncio.Protocol):
    """One connection: an order and its answers."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk
        self._line = b""
        self._is_counted = False
        self._is_heard = False
        """True once the order has come, or the connection is refused. Later data is ignored."""
        self._is_behind = False
        """True while the client reads too slowly, and progress is dropped."""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream server's is a Transport
        self._transport.set_write_buffer_limits(high=_UNREAD_BYTES)
        limits = self._desk.limits
        user = _user_of(transport.get_extra_info("socket"))
        if user not in (_ROOT, os.geteuid()):
            self._refuse(f"only root and the user that winlogd runs as may give orders, not user {user}")
        elif self._desk.connections >= limits.connections:
            self._refuse(f"{limits.connections} commands are talking to winlogd already; try again later")
        else:
            self._is_counted = True
            self._desk.connections += 1
            self._timer = self._desk.loop.call_later(
                limits.order_timeout_s, self._refuse, f"no order came within {limits.order_timeout_s:g} s"
            )

    def connection_lost(self, _: Exception | None) -> None:
        self._stop_timer()
        if self._is_counted:
            self._is_counted = False
            self._desk.connections -= 1

    def data_received(self, data: bytes) -> None:
        if self._is_heard:
            return
        self._line += data
        line, end, _ = self._line.partition(b"\n")
        if len(line) > self._desk.limits.line_bytes:
            self._refuse(f"an order has at most {self._desk.limits.line_bytes} bytes")
        elif end:
            self._is_heard = True
            self._stop_timer()
            self._desk.carry_out(line, self._report, self._end)

    def eof_received(self) -> bool:
        """Return True, to stay open, if the client closed only its side after the order, as ``socat`` does.

        An order without a line feed ends where the client closes its side.
        """
        if self._line and not self._is_heard:
            self.data_received(b"\n")
        return self._is_heard and not _has_gone(self._transport.get_extra_info("socket"))

    def pause_writing(self) -> None:
        self._is_behind = True

    def resume_writing(self) -> None:
        self._is_behind = False

    def _refuse(self, sentence: str) -> None:
        self._is_heard = True
        self._stop_timer()
        self._line = b""
        Order({}, self._report, self._end).failed(sentence)

    def _report(self, line: bytes) -> None:
        if not (self._is_behind or self._transport.is_closing()):
            self._transport.write(line)

    def _end(self, line: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(line)
            self._transport.close()
            # A client that does not read its last line must not keep its place for ever.
            self._timer = self._desk.loop.call_later(self._desk.limits.order_timeout_s, self._transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _line(kind: str, value: object) -> bytes:
    return orjson.dumps({kind: value}, option=orjson.OPT_APPEND_NEWLINE)


def _members(line: bytes) -> dict[str, Any]:
    """Return the members of the JSON object in `line`; none if `line` is anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _user_of(sock: socket.socket) -> int:
    """Return the id of the user that connected to `sock`. The kernel recorded it at that moment."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(credentials)[1]
    return user


def _has_gone(sock: socket.socket) -> bool:
    """Return True if the peer has closed its socket, and not only its sending side (poll(2), POLLHUP)."""
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return bool(poll.poll(0))
