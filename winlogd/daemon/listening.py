"""Listen on the sockets that `startup` has bound: HTTP, HTTPS, the control socket.

This file must not know what a request or an order does.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from winlogd import VERSION
from winlogd.control.listening import serve
from winlogd.daemon.startup import Acquired, ControlSocket
from winlogd.http.server import Server
from winlogd.log.log import Log

if TYPE_CHECKING:
    from winlogd.control.server import Handler


async def listen(server: Server, acquired: Acquired, log: Log) -> None:
    """Accept HTTP on the acquired sockets, and HTTPS if there is a certificate. Log each address."""
    await server.listen(acquired.sockets)
    if acquired.tls is not None:
        server.listen_with_tls(acquired.tls_sockets, acquired.tls)
    for host, port in map(_address_of, acquired.sockets):
        log.info("server", "listening", address=host, port=port, version=VERSION, pid=os.getpid())
    for host, port in map(_address_of, acquired.tls_sockets):
        log.info("server", "listening with TLS", address=host, port=port)


class ControlDoor:
    """The control socket, if there is one.

    Args:
        loop: the event loop.
        control: the bound socket; None if there is no control socket.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, control: ControlSocket | None) -> None:
        self._loop = loop
        self._control = control
        self._server: asyncio.AbstractServer | None = None

    async def open(self, orders: Mapping[str, "Handler"]) -> None:
        """Accept `orders`, handlers by the name of the order."""
        if self._control is not None:
            self._server = await serve(self._loop, self._control.socket, orders)

    def close(self) -> None:
        """Accept no more orders, and remove the socket's file."""
        if self._control is not None and self._server is not None:
            self._server.close()
            with suppress(FileNotFoundError):
                os.unlink(self._control.path)


def _address_of(sock: socket.socket) -> tuple[str, int]:
    """Return the host and the port that `sock` is bound to."""
    host, port = sock.getsockname()[:2]
    return host, port
