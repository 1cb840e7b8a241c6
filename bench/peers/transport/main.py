"""The ceiling for a Python server: a uvloop protocol that answers fixed bytes to whatever arrives.

It parses nothing and stores nothing; each read is taken for one request, which holds for the bench's loads. What a
server reaches of it tells what the work itself costs.
"""

import asyncio
import os
import signal
from typing import Final, cast

import uvloop

_BODY: Final = (
    b'{"status":"success","message":"Data stored in database","event_id":42,'
    b'"session_uuid":"user00042@A000-42@3f9c1e","action":"C","username":"user00042"}'
)
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class _Fixed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write  # uvloop's transports inherit nothing of asyncio's

    def data_received(self, data: bytes) -> None:
        self._write(_ANSWER)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Fixed, "127.0.0.1", port, backlog=4096)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.close()


uvloop.run(_serve(int(os.environ["PEER_PORT"])))
