"""A TCP relay between a proxy and a server that keeps what each has said.

It passes octets, ends and nothing else on, and knows no HTTP but the status line and ``Connection: close``.
"""

import re
import socket
import threading
from contextlib import suppress
from typing import Final, NamedTuple

_FINAL_ANSWER: Final = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [A-Z][^\r\n]*((?:\r\n[^\r\n]+)*)")
"""No body that the server sends looks like this; so answers to HEAD are counted as well as those with a body."""


class Relayed(NamedTuple):
    """An answer of the server, interim ones left out; `closes` if the server says that it reads no further request."""

    status: str
    closes: bool


class Conversation:
    """One connection: what the proxy has asked, what the server has answered. Octets are kept before they go on.

    Attributes:
        asked: the proxy's octets.
        answered: the server's octets, also those that the proxy did not take any more.
        ended: set once nothing can be added to either.
    """

    def __init__(self) -> None:
        self.asked = bytearray()
        self.answered = bytearray()
        self.ended = threading.Event()

    def answers(self) -> list[Relayed]:
        """The server's answers so far, in order."""
        return [
            Relayed(status.decode(), b"\r\nconnection: close" in fields.lower())
            for status, fields in _FINAL_ANSWER.findall(bytes(self.answered))
        ]


class Relay:
    """Listens on a free port of 127.0.0.1.

    Args:
        server_port: where the octets go.

    Attributes:
        port: where it listens.
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
        """Waits for all connections' end, which the proxy's end brings about."""
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
    """Until the source's end. What the target does not take any more is kept all the same."""
    with suppress(ConnectionError):
        while piece := source.recv(65536):
            kept += piece
            with suppress(OSError):
                target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
