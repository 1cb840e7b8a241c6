"""A TCP relay between a proxy and a server that keeps what the server has answered.

It passes octets, ends and nothing else on, and knows no HTTP but the status line.
"""

import re
import socket
import threading
from contextlib import suppress
from typing import Final

_FINAL_STATUS: Final = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [A-Z]")
"""No body that the server sends looks like this; so answers to HEAD are counted as well as those with a body."""


class Relay:
    """Listens on a free port of 127.0.0.1.

    Args:
        server_port: where the octets go.

    Attributes:
        port: where it listens.
    """

    def __init__(self, server_port: int) -> None:
        self._server = ("127.0.0.1", server_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._answers: list[bytearray] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def connections(self) -> int:
        """How many there have been."""
        return len(self._answers)

    def statuses(self) -> list[str]:
        """Those of all answers so far, interim ones left out."""
        return [status.decode() for answers in self._answers for status in _FINAL_STATUS.findall(answers)]

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
            answers = bytearray()
            self._answers.append(answers)
            back = threading.Thread(target=_pass_on, args=(server, proxy, answers))
            forth = threading.Thread(target=_serve, args=(proxy, server, back))
            self._threads.append(forth)
            back.start()
            forth.start()


def _serve(proxy: socket.socket, server: socket.socket, back: threading.Thread) -> None:
    with proxy, server:
        _pass_on(proxy, server, bytearray())
        back.join()


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    """Until the source's end. What the target does not take any more is kept all the same."""
    with suppress(ConnectionError):
        while piece := source.recv(65536):
            kept += piece
            with suppress(OSError):
                target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
