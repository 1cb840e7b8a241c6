"""The server's end of the control socket, by which commands reach the running server.

One connection carries one order, in lines of JSON. The client sends ``{"order":"rotate"}``, with further members where
the order takes some. The server answers with any number of ``{"progress":{...}}`` lines and one last line,
``{"done":{...}}`` or ``{"error":"sentence"}``. Then it closes.

Only root and the user that the server runs as are served: the socket has mode 0600, and each peer is asked for its user
(SO_PEERCRED, unix(7)). Knows sockets and lines; not what an order means.
"""

import asyncio
import os
import select
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from winlogd.control.address import BACKLOG

_UNREAD_BYTES: Final = 16_384
"""Progress that the peer has not read beyond what the kernel keeps for it. Above this, progress is dropped."""

_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred of unix(7): process, user, group."""

_ROOT: Final = 0


class Limits(NamedTuple):
    """How much the control socket takes."""

    connections: int = 8
    order_timeout_s: float = 10.0
    line_bytes: int = 1024
    """Of an order, without its line feed."""


LIMITS: Final = Limits()
"""What the server uses."""


Send = Callable[[bytes], None]


class Order:
    """An order that is being carried out, and the way back to its client.

    A handler calls `done` or `failed` once, at any later time, and before that `progress` as often as it likes. All of
    it goes nowhere when the client has gone away.

    Args:
        fields: the members of the order besides its name.
        report: sends a line that may be dropped.
        end: sends the last line.
    """

    __slots__ = ("_end", "_report", "fields")

    def __init__(self, fields: Mapping[str, Any], report: Send, end: Send) -> None:
        self.fields: Final = fields
        self._report = report
        self._end = end

    def progress(self, **fields: object) -> None:
        """Report how far the order is. A client that reads too slowly does not get every report."""
        self._report(_line("progress", fields))

    def done(self, **fields: object) -> None:
        """Report that the order is carried out, and what came of it."""
        self._end(_line("done", fields))

    def failed(self, sentence: str) -> None:
        """Report why the order could not be carried out."""
        self._end(_line("error", sentence.encode("utf-8", "backslashreplace").decode()))


Handler = Callable[[Order], None]
"""Begins to carry out an order; returns at once."""


async def serve(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    handlers: Mapping[str, Handler],
    limits: Limits = LIMITS,
) -> asyncio.AbstractServer:
    """Begin to answer on a bound socket; `handlers` carry out the orders, by name."""
    desk = _Desk(loop, handlers, limits)
    return await loop.create_unix_server(lambda: _Conversation(desk), sock=sock, backlog=BACKLOG)


class _Desk:
    """What all conversations share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handlers: Mapping[str, Handler], limits: Limits) -> None:
        self.loop: Final = loop
        self.handlers: Final = handlers
        self.limits: Final = limits
        self.connections = 0

    def carry_out(self, line: bytes, report: Send, end: Send) -> None:
        """Give the order of `line` to its handler, or answer what is wrong with it."""
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
        """The order has come, or the connection has been refused; what else comes is not read."""
        self._is_behind = False
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
        """Stay open for a client that only has nothing more to say (``socat`` ends its side after the order).

        The end of what a client sends ends its order, too, if that had no line feed.
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
    """Return the members of the JSON object in `line`; none if it is anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _user_of(sock: socket.socket) -> int:
    """Return the user that connected to `sock`, as the kernel noted it at that moment."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(credentials)[1]
    return user


def _has_gone(sock: socket.socket) -> bool:
    """Return True if the peer has closed its socket, and not only its own side of the connection (poll(2), POLLHUP)."""
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return bool(poll.poll(0))
