"""Answer GET /health: the process is alive. This file must not ask the database, which may be locked for a minute."""

from winlogd import VERSION
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head

_ALIVE = b'{"status":"ok","service":"winlog-server","version":"%b"}' % VERSION.encode()


def handler_for(head: Head) -> Handler:
    """Return the handler of requests with `head`, the same for every head."""
    return _respond


def _respond(exchange: Exchange, body: bytes) -> None:
    exchange.respond_ok(_ALIVE)
