"""One TCP connection to a server, used in bytes: an HTTP library would not let a test send wrong requests."""

import json
import socket
import struct
from types import TracebackType
from typing import Final

from tests.support.running import PATIENCE_S, Answer

EVENTS: Final = "/api/v1/events"
CLIENT_FIELDS: Final = ("User-Agent: Winlog/0.1.0", "Content-Type: application/json")


def request(method: str, path: str, *fields: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """Return the bytes of a request with a Host, these `fields` and this `body`, and nothing else."""
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: localhost", *fields, "", ""]).encode() + body


def health(*fields: str, version: str = "1.1") -> bytes:
    """Return the bytes of GET /health."""
    return request("GET", "/health", *fields, version=version)


def event_of(event: object, *fields: str, version: str = "1.1") -> bytes:
    """Return the bytes with which a workstation sends `event`: a JSON value, or a body in bytes."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    length = f"Content-Length: {len(body)}"
    return request("POST", EVENTS, *CLIENT_FIELDS, length, *fields, body=body, version=version)


class Wire:
    """A connection.

    Args:
        port: the server's port.
        host: the server's address.
        source: the address to connect from; None lets the system choose.
        receive_buffer: the size of the system's receive buffer in bytes; None keeps the system's default.
    """

    def __init__(
        self, port: int, host: str = "127.0.0.1", source: str | None = None, receive_buffer: int | None = None
    ) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            self.socket.bind((source, 0))
        try:
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
        self._received = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        """Send each piece by a separate call."""
        for piece in pieces:
            self.socket.sendall(piece)

    def half_close(self) -> None:
        """Send FIN: nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        """End the connection with a reset, as a machine that lost its power and started again does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def answer(self, to: str = "GET") -> Answer:
        """Return the next answer, which may be an interim one. `to` is the request's method: HEAD gets no body."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if to == "HEAD" else int(fields.get("content-length", "0"))
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(int(status_line.split(" ")[1]), fields, body)

    def rest(self) -> bytes:
        """Return all bytes until the server's FIN.

        Raises:
            ConnectionResetError: the server has reset the connection.
        """
        received, self._received = self._received, b""
        while piece := self.socket.recv(65536):
            received += piece
        return received

    def _receive(self) -> None:
        piece = self.socket.recv(1 << 20)
        assert piece, f"the server has closed the connection after {self._received!r}"
        self._received += piece
