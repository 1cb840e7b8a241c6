"""A TCP relay between a proxy and a server that keeps the octets of both.

It passes on octets and the end of each direction. Of HTTP it knows only the status line and ``Connection: close``.
"""

import re
import socket
import threading
from contextlib import suppress
from typing import Final, NamedTuple

_FINAL_ANSWER: Final = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [A-Z][^\r\n]*((?:\r\n[^\r\n]+)*)")
"""No body of the server contains this, so that answers without a body (HEAD) are counted, too."""


class Relayed(NamedTuple):
    """A final answer of the server. `closes` is True if the server announces that it reads no further request."""

    status: str
    closes: bool


class Conversation:
    """One connection, with the octets of both sides. Octets are kept before they are passed on.

    Attributes:
        asked: the proxy's octets.
        answered: the server's octets, also those that the proxy did not read any more.
        ended: set when both are complete.
    """

    def __init__(self) -> None:
        self.asked = bytearray()
        self.answered = bytearray()
        self.ended = threading.Event()

    def answers(self) -> list[Relayed]:
        """Return the server's answers so far, in order."""
        return [
            Relayed(status.decode(), b"\r\nconnection: close" in fields.lower())
            for status, fields in _FINAL_ANSWER.findall(bytes(self.answered))
        ]


class Relay:
    """Listens on a free port of 127.0.0.1.

    Args:
        server_port: the port of the server.

    Attributes:
        port: the port on which it listens.
        conversations: all connections so far, in order.
    """

    def __init__(self, server_port: int) -> None:
        self._server = ("127.0.0.1", server_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.conversations: list[Conversation] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Wait for the end of all connections, which follows the end of the proxy."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                proxy, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            conversation = Conversation()
            self.conversations.append(conversation)
            back = threading.Thread(target=_pass_on, args=(server, proxy, conversation.answered))
            forth = threading.Thread(target=_serve, args=(proxy, server, back, conversation))
            self._threads.append(forth)
            back.start()
            forth.start()


def _serve(proxy: socket.socket, server: socket.socket, back: threading.Thread, conversation: Conversation) -> None:
    with proxy, server:
        _pass_on(proxy, server, conversation.asked)
        back.join()
    conversation.ended.set()


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    """Pass octets on until the source ends. Keep them even if the target does not read any more."""
    with suppress(ConnectionError):
        while piece := source.recv(65536):
            kept += piece
            with suppress(OSError):
                target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
