"""GET /api/v1/openapi.yaml: the description of this API, from the file that the package carries."""

from functools import cache
from importlib.resources import files
from typing import Final

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head, Response

_MEDIA_TYPE: Final = "application/yaml"  # RFC 9512


def handler_for(head: Head) -> Handler:
    """Return the handler of requests with `head`, the same for every head."""
    return _respond


def _respond(exchange: Exchange, body: bytes) -> None:
    exchange.respond(Response(200, _description(), content_type=_MEDIA_TYPE))


@cache
def _description() -> bytes:
    """Return the file, which is read once."""
    return (files("winlogd.api") / "openapi.yaml").read_bytes()
