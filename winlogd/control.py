"""The control socket: a Unix socket beside the database, by which the owner's commands reach the running server.

One line asks, one line answers: ``rotate`` is answered by ``ok`` or ``error`` and a sentence. Only the user that the
server runs as can connect (mode 0600). Knows sockets and lines; not what a command means.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

_BACKLOG: Final = 8
_MAX_LINE_BYTES: Final = 1024
_ADDRESS_BYTES: Final = 107
"""What the address of a Unix socket can hold (unix(7))."""

Outcome = Literal["ok", "error"]
Answer = Callable[[Outcome, str], None]
"""Takes how it went, and one sentence."""

Command = Callable[[Answer], None]


def path_of(database: str) -> str:
    """Where the control socket of the server of `database`, a real path, is."""
    return f"{database}.control"


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
        with _short(path) as address:
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


def ask(path: str, command: str, patience_s: float, is_slow: Callable[[], None]) -> tuple[str, str]:
    """Asks the server whose control socket is at `path`: ``ok`` or ``error``, and its sentence.

    Args:
        path: as `path_of` gives it.
        command: one word.
        patience_s: after so much time without an answer `is_slow` is called, once; the answer is waited for all the
            same.
        is_slow: tells the person who waits.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no server is running.
        OSError: it cannot be asked, or it went away before it had answered.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, _short(path) as address:
        sock.connect(address)
        sock.sendall(f"{command}\n".encode())
        sock.settimeout(patience_s)
        try:
            answer = sock.recv(4096)
        except TimeoutError:
            is_slow()
            sock.settimeout(None)
            answer = sock.recv(4096)
        while piece := sock.recv(4096):
            answer += piece
    outcome, _, sentence = answer.decode().strip().partition(" ")
    if outcome not in ("ok", "error"):
        raise ConnectionResetError("winlogd ended before it had answered")
    return outcome, sentence


@contextmanager
def _short(path: str) -> Iterator[str]:
    """`path` if it fits into a socket's address, otherwise another way to it: by a descriptor of its folder."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield path
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
