"""GET /api/v1/readers/log: who has looked at what, newest first. A reader with the scope `audit` sees all rows.

The others see their own rows. This file must not know which requests make rows.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from winlogd.access.readers import ReadEndpoint, Reader, ReadHandler
from winlogd.access.scopes import AUDIT
from winlogd.api.parameters import USUAL, page_in, values_of
from winlogd.api.questions import invalid
from winlogd.api.session_fields import local_text
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head, Response
from winlogd.http.wire.parameters import ParameterError
from winlogd.sessions.moments import instant_of
from winlogd.sessions.session import US
from winlogd.store.access_file.looks import LooksAsked, LooksFound, find_looks

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.filters import Site

PARAMETERS: Final = ("reader", "from", "to", "limit", "cursor")
_OTHERS: Final = Response(
    403,
    b'{"error":"Not allowed","details":"a reader sees its own rows; the scope audit sees all"}',
    reason="The readers' log of another",
)
_UNAVAILABLE: Final = Response(503, b'{"error":"The readers\' log cannot be read"}', (("Retry-After", "10"),))


class Writer(Protocol):
    """Reads and writes the file (`access.register.Register`)."""

    def write(
        self, work: "Callable[[apsw.Connection], LooksFound]", answered: Callable[[LooksFound | Exception], None]
    ) -> None:
        """Have work done. `answered` gets its result or an exception."""


def readers_log(writer: Writer, site: "Callable[[], Site]") -> ReadEndpoint:
    """Return the endpoint.

    Args:
        writer: has the rows.
        site: returns what is known of the site.
    """

    def handler_for(head: Head) -> ReadHandler:
        def answer(exchange: Exchange, body: bytes, reader: Reader) -> None:
            zone, now_us = site().zone, int(time.time() * US)
            try:
                values = values_of(head, PARAMETERS)
                name = values.read("reader", str)
                since_us = values.read("from", lambda text: instant_of(text, now_us, zone).first_us) or 0
                until_us = values.read("to", lambda text: instant_of(text, now_us, zone).last_us)
                page = page_in(values, head)
                values.check()
            except ParameterError as fault:
                exchange.respond(invalid(fault))
                return
            if reader.scope != AUDIT:
                if name not in (None, reader.name):
                    exchange.respond(_OTHERS)
                    return
                name = reader.name
            before = None if page.cursor is None else page.cursor[1]
            asked = LooksAsked(name, since_us, before, page.limit or USUAL)
            if until_us is not None:
                asked = asked._replace(until_us=until_us)

            def found(outcome: LooksFound | Exception) -> None:
                exchange.respond(_UNAVAILABLE if isinstance(outcome, Exception) else _page(outcome, zone))

            writer.write(lambda connection: find_looks(connection, asked), found)

        return answer

    return handler_for


def _page(found: LooksFound, zone: Any) -> Response:  # noqa: ANN401  # a tzinfo
    rows = [
        {
            "at": local_text(look.at_us, zone),
            "reader": look.reader,
            "kind": look.kind,
            "filter": look.filter,
            "address": look.address,
        }
        for look in found.looks
    ]
    following = None if found.before is None else f"0-{found.before}"
    return Response(200, orjson.dumps({"looks": rows, "next": following}), (("Cache-Control", "no-store"),))
