"""GET /api/v1/snapshot: the state of all machines and rooms at one moment, from which a feed goes on.

Its ETag names the last change in it. So a reader without a feed may ask every few seconds, and mostly gets 304. Each
answer tells the moment, a 304 too: nothing may have changed for an hour. So the ETag is a weak one (RFC 9110 §8.8.1).
"""

import asyncio
from collections.abc import Callable
from typing import Final

from winlogd.access.readers import ReadEndpoint, Reader, ReadHandler
from winlogd.api.parameters import values_of
from winlogd.api.questions import invalid, response_to
from winlogd.http.exchange import Exchange
from winlogd.http.responses import FAILED
from winlogd.http.wire.coding import accepts_gzip
from winlogd.http.wire.message import Head, Response
from winlogd.http.wire.parameters import ParameterError
from winlogd.live.live import Live
from winlogd.live.snapshot import Answer
from winlogd.live.view import Watcher

_FIELDS: Final = (("Cache-Control", "no-store"), ("Vary", "Accept-Encoding"))
_GZIP: Final = ("Content-Encoding", "gzip")
NOW: Final = "Winlogd-Now"
"""The field with the moment of the answer, as the member ``now`` has it."""


def endpoint(
    loop: asyncio.AbstractEventLoop, live: Live, watcher_of: Callable[[Reader, Exchange], Watcher]
) -> ReadEndpoint:
    """Return the endpoint.

    Args:
        loop: the event loop.
        live: the live state.
        watcher_of: returns who asks.
    """

    def handler_for(head: Head) -> ReadHandler:
        def answer(exchange: Exchange, body: bytes, asker: Reader) -> None:
            try:
                values_of(head, ()).check()
            except ParameterError as fault:
                exchange.respond(invalid(fault))
                return

            def answered(outcome: Answer | Exception) -> None:
                if isinstance(outcome, Exception):
                    exchange.respond(response_to(outcome))
                else:
                    _respond(loop, exchange, head, outcome)

            live.snapshot(watcher_of(asker, exchange).view, answered)

        return answer

    return handler_for


def _respond(loop: asyncio.AbstractEventLoop, exchange: Exchange, head: Head, answer: Answer) -> None:
    now, snapshot = answer
    is_gzip = accepts_gzip(head)
    tags = snapshot.etag, f"{snapshot.etag}-gzip"
    fields = (*_FIELDS, ("ETag", f'W/"{tags[is_gzip]}"'), (NOW, now))
    if _names_one(head, tags):
        exchange.respond(Response(304, b"", fields))
    elif is_gzip:

        def compressed(octets: bytes | None) -> None:
            exchange.respond(FAILED if octets is None else Response(200, octets, (*fields, _GZIP)))

        snapshot.compressed(now, loop, compressed)
    else:
        exchange.respond(Response(200, snapshot.octets(now), fields))


def _names_one(head: Head, tags: tuple[str, str]) -> bool:
    """Return True if If-None-Match names one of two ETags. The comparison is the weak one (RFC 9110 §13.1.2).

    Both forms of one snapshot have the same content, and a proxy that compresses makes a weak ETag of a strong one.
    """
    named = [tag.strip(" \t").removeprefix("W/") for tag in ",".join(head.get_all("if-none-match")).split(",")]
    return "*" in named or any(f'"{tag}"' in named for tag in tags)
