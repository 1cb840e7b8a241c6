"""TLS: the certificate, and the listener that makes the handshake before there is a connection.

After its handshake a peer has a `Connection` like any other. The limits of connections count for handshakes, too: the
number of both together, the number for each address, and the time. The event loop's own TLS server does not count peers
before the end of the handshake. Silent peers could then use up all files that the process may open.

This module and `ssl` are loaded only if TLS is configured.
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
"""Keep at most this much of a peer's octets, and the last piece that came, while its connection is paused.

With uvloop's own 256 KiB, ten thousand connections would keep 2.5 GB."""
_NEVER_S: Final = 86_400.0
"""Set no time limit of the event loop: the server ends a handshake that takes too long.

The loop's own timers would end every handshake after a pause of the whole process."""
_PAUSE_S: Final = 0.1
"""Wait for this long after accept(2) has failed: with EMFILE it would fail again at once."""

_NOT_PEM: Final = "the first holds no certificate, or the second no key, in the form of PEM"
_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "the key is not the certificate's",
    "NO_START_LINE": _NOT_PEM,
    "PEM_LIB": _NOT_PEM,
}


class CertificateError(Exception):
    """The certificate or its key cannot be used. The text gives the reason."""


class Registry(Protocol):
    """The server, as the listener sees it."""

    limits: Limits

    def reserve(self, peer: str, give_up: Callable[[], object]) -> Connection | None:
        """Return a new connection of `peer`, which counts from now on; None if there are too many.

        Args:
            peer: its IP address.
            give_up: called when the handshake takes too long.
        """

    def release(self, connection: Connection) -> None:
        """Count `connection` no more if it was only reserved."""

    def refused(self, peer: str, response: Response) -> None:
        """Log why a handshake has failed."""


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or newer with a certificate.

    Args:
        certificate: path of a PEM file. It holds the server's own certificate, then those between it and the root.
        key: path of a PEM file.

    Raises:
        CertificateError: one of the files cannot be read, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a peer could make the server work for nothing (TLS 1.2)
    context.set_alpn_protocols(["http/1.1"])
    for path in (certificate, key):  # load_cert_chain does not say which file it could not read
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
    """Refuse an encrypted key. OpenSSL itself would ask for its password on the terminal, and wait."""
    raise CertificateError("the key is encrypted, and nobody is there to be asked for its password")


class TlsListener:
    """Accepts peers on one socket, makes the TLS handshake with each, and starts its connection.

    Args:
        loop: the event loop.
        sock: a socket that listens already.
        context: as `server_context` returns it.
        service: makes connections and counts them.
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

    def change(self, context: ssl.SSLContext) -> None:
        """Use another certificate for the handshakes that begin from now on."""
        self._context = context

    def close(self) -> None:
        """Accept no more peers, and end the handshakes that are not complete."""
        self._accepting.cancel()
        for handshake in self._handshakes:
            handshake.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                accepted, name = await self._loop.sock_accept(self._sock)
            except OSError:  # the peer has gone already, or too many files are open
                await asyncio.sleep(_PAUSE_S)
                continue
            handshake = self._loop.create_task(self._handshake(accepted, peer_address(name)))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    async def _handshake(self, accepted: socket.socket, peer: str) -> None:
        handshake = asyncio.current_task()
        assert handshake is not None, "this coroutine is run by a task"
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
            transport.set_read_buffer_limits(_READ_BYTES)  # type: ignore[attr-defined]  # a TLS transport has this method
        except ssl.SSLError as error:  # the peer does not speak this TLS
            self._service.refused(connection.peer, responses.no_handshake(error.reason or "unknown"))
            accepted.close()
        except OSError:  # the peer has gone
            accepted.close()
        finally:
            self._service.release(connection)
