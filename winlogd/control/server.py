"""The server's end of the control socket, by which the owner's commands reach it.

One line asks, one line answers: ``rotate`` is answered by ``ok`` or ``error`` and a sentence. Only the user that the
server runs as can connect (mode 0600). Knows sockets and lines; not what a command means.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Final, Literal

from winlogd.control.address import short

_BACKLOG: Final = 8
_MAX_LINE_BYTES: Final = 1024

Outcome = Literal["ok", "error"]
Answer = Callable[[Outcome, str], None]
"""Takes how it went, and one sentence."""

Command = Callable[[Answer], None]


def bind_control(path: str) -> socket.socket:
    """A socket at `path`. An old one is replaced, because whoever owns the database owns it.

    The process's umask is another one for a moment, so that the socket never has another mode than 0600.

    Raises:
        OSError: it cannot be made.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        with short(path) as address:
            sock.bind(address)
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock


async def serve(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, commands: Mapping[str, Command]
) -> asyncio.AbstractServer:
    """Begins to answer on a bound socket; `commands` are what may be asked, by name."""
    return await loop.create_unix_server(lambda: _Conversation(commands), sock=sock, backlog=_BACKLOG)


class _Conversation(asyncio.Protocol):
    """One command and its answer."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands
        self._line = b""
        self._is_asked = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream server's is a Transport

    def data_received(self, data: bytes) -> None:
        if self._is_asked:
            return
        self._line += data
        if b"\n" in self._line:
            self._is_asked = True
            self._obey(self._line.partition(b"\n")[0].decode("utf-8", "replace"))
        elif len(self._line) > _MAX_LINE_BYTES:
            self._transport.close()

    def eof_received(self) -> bool:
        return self._is_asked  # the answer is still owed

    def _obey(self, name: str) -> None:
        command = self._commands.get(name)
        if command is None:
            self._answer("error", f"{name!r} is not understood")
        else:
            command(self._answer)

    def _answer(self, outcome: Outcome, sentence: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(f"{outcome} {sentence}\n".encode())
            self._transport.close()
