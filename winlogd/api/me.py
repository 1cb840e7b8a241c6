"""GET /api/v1/me: who asks, and which pages are open to the reader. The question makes no row in the readers' log."""

from typing import Final

import orjson

from winlogd.access.readers import Reader, ReadHandler
from winlogd.access.scopes import PAGES
from winlogd.api.parameters import values_of
from winlogd.api.questions import invalid
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head, Response
from winlogd.http.wire.parameters import ParameterError

_NO_STORE: Final = (("Cache-Control", "no-store"),)


def me(head: Head) -> ReadHandler:
    """Return the handler of a request."""

    def answer(exchange: Exchange, body: bytes, reader: Reader) -> None:
        try:
            values_of(head, ()).check()
        except ParameterError as fault:
            exchange.respond(invalid(fault))
            return
        exchange.respond(Response(200, orjson.dumps(_fields(reader)), _NO_STORE))

    return answer


def _fields(reader: Reader) -> dict[str, object]:
    return {
        "reader": reader.name,
        "scope": reader.scope,
        "rooms": None if reader.rooms is None else reader.rooms.text,
        "by": "loopback" if reader.number is None else "token" if reader.login is None else "cookie",
        "pages": [path for path, scopes in PAGES.items() if reader.scope in scopes],
    }
