"""TLS: the certificate, and the listener that shakes hands before there is a connection.

What follows the handshake is a `Connection` like any other. A handshake is bounded as a connection is: in number,
together with the connections and for each address, and in time. The event loop's own TLS server would count nobody
before the handshake is over, so that whoever connects and says nothing could take all the files that the process may
open.

Loaded only when TLS is configured, and so is `ssl`.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, NoReturn, Protocol

from winlogd.http import responses
from winlogd.http.connection import Connection
from winlogd.http.peer import peer_address
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Response

_READ_BYTES: Final = 16 * 1024
"""A connection that is not read keeps no more of what its peer has sent, and what comes in one piece; of uvloop's own
256 KiB ten thousand would keep 2.5 GB."""
_NEVER_S: Final = 86_400.0
"""The server ends a handshake that takes too long. A timer of its own would end each after a stop of the process."""
_PAUSE_S: Final = 0.1
"""How long is waited after accept(2) has failed: with EMFILE it would fail again at once."""

_NOT_PEM: Final = "the first holds no certificate, or the second no key, in the form of PEM"
_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "the key is not the certificate's",
    "NO_START_LINE": _NOT_PEM,
    "PEM_LIB": _NOT_PEM,
}


class CertificateError(Exception):
    """The certificate or its key cannot be used; the text says why."""


class Registry(Protocol):
    """What the listener shares with all connections: the server, seen from below."""

    limits: Limits

    def reserve(self, peer: str, give_up: Callable[[], object]) -> Connection | None:
        """A new connection of `peer`, counted from now on; None when there are too many.

        `give_up` is called when its handshake takes too long.
        """

    def release(self, connection: Connection) -> None:
        """Ends the count of one that was only reserved."""

    def refused(self, peer: str, response: Response) -> None:
        """Told why a handshake has failed."""


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with a certificate.

    Args:
        certificate: path of a PEM file, the server's own certificate first, then those between it and the root.
        key: path of a PEM file.

    Raises:
        CertificateError: one of them cannot be read, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # it lets a peer cause work for nothing (TLS 1.2)
    context.set_alpn_protocols(["http/1.1"])
    for path in (certificate, key):  # load_cert_chain does not tell which of the two it could not read
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise CertificateError(f"{path} cannot be read: {error.strerror}") from error
    try:
        context.load_cert_chain(certificate, key, _refuse_to_ask)
    except ssl.SSLError as error:
        reason = (error.reason or "PEM_LIB").replace(" ", "_").upper()
        plain = _REASONS.get(reason, f"they are refused: {error.reason}")
        raise CertificateError(f"{certificate} and {key} cannot be used: {plain}") from error
    return context


def _refuse_to_ask() -> NoReturn:
    """Called for an encrypted key. OpenSSL itself would ask the terminal, and wait."""
    raise CertificateError("the key is encrypted, and nobody is there to be asked for its password")


class TlsListener:
    """Accepts on one socket, shakes hands, and hands over to a connection.

    Args:
        loop: the event loop.
        sock: listens already.
        context: the server's side of TLS.
        service: counts connections and makes them.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, context: ssl.SSLContext, service: Registry
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._sock = sock
        self._context = context
        self._service = service
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = loop.create_task(self._accept())
        self._accepting.add_done_callback(lambda _: sock.close())

    def close(self) -> None:
        """Accepts no more, and ends the handshakes that have not come to their end."""
        self._accepting.cancel()
        for handshake in self._handshakes:
            handshake.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                accepted, name = await self._loop.sock_accept(self._sock)
            except OSError:  # the peer is gone already, or there are too many open files
                await asyncio.sleep(_PAUSE_S)
                continue
            handshake = self._loop.create_task(self._shake_hands(accepted, peer_address(name)))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, accepted: socket.socket, peer: str) -> None:
        handshake = asyncio.current_task()
        assert handshake is not None, "a coroutine that waits is one of a task"
        connection = self._service.reserve(peer, handshake.cancel)
        if connection is None:
            accepted.close()
            return
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=_NEVER_S,
                ssl_shutdown_timeout=self._service.limits.linger_timeout,
            )
            transport.set_read_buffer_limits(_READ_BYTES)  # type: ignore[attr-defined]  # TLS transports have it
        except ssl.SSLError as error:  # the peer speaks something else
            self._service.refused(connection.peer, responses.no_handshake(error.reason or "unknown"))
            accepted.close()
        except OSError:  # it has gone
            accepted.close()
        finally:
            self._service.release(connection)
