"""Accept connections on the control socket.

Commands come rarely, so the other end of a connection is loaded with the first one. This file must not know what is
said.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from winlogd.control.address import BACKLOG

if TYPE_CHECKING:  # loaded with the first connection
    from winlogd.control.server import Handler, Limits


async def serve(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    handlers: "Mapping[str, Handler]",
    limits: "Limits | None" = None,
) -> asyncio.AbstractServer:
    """Start to serve orders on a bound socket, and return the server.

    Args:
        loop: the event loop, on which all handlers are called.
        sock: a bound Unix socket, as `bind_control` returns it.
        handlers: the handler of each order, by the order's name.
        limits: the limits of the socket; None for those of a server.
    """

    @cache
    def loaded() -> Callable[[], asyncio.Protocol]:
        from winlogd.control.server import LIMITS, conversations

        return conversations(loop, handlers, limits or LIMITS)

    return await loop.create_unix_server(lambda: loaded()(), sock=sock, backlog=BACKLOG)
