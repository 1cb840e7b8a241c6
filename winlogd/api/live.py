"""GET /api/v1/live: the changes of the state of all machines and rooms, as Server-Sent Events.

The form is that of the HTML standard, §9.2. A browser that connects again sends the id of the last event that it has.
"""

import time
from collections.abc import Callable
from typing import Final

from winlogd.access.readers import ReadEndpoint, Reader, ReadHandler
from winlogd.api.parameters import values_of
from winlogd.api.questions import invalid
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head
from winlogd.http.wire.parameters import ParameterError
from winlogd.live.live import Live
from winlogd.live.view import View, Watcher

PARAMETERS: Final = ("after",)


def endpoint(live: Live, watcher: Callable[[Reader, Exchange], Watcher]) -> ReadEndpoint:
    """Return the endpoint.

    Args:
        live: the live state.
        watcher: returns who asks.
    """

    def handler_for(head: Head) -> ReadHandler:
        def answer(exchange: Exchange, body: bytes, asker: Reader) -> None:
            try:
                values = values_of(head, PARAMETERS)
                after = values.text("after")
                values.check()
            except ParameterError as fault:
                exchange.respond(invalid(fault))
                return
            last = head.get("last-event-id")  # newer than the address, which a browser repeats as it was
            live.open_feed(exchange, watcher(asker, exchange), last or after or None)

        return answer

    return handler_for


class Watchers:
    """Knows who watches.

    Args:
        is_allowed: returns True if a reader may still read at a time, in microseconds since 1970.
    """

    def __init__(self, is_allowed: Callable[[Reader, int], bool]) -> None:
        self._is_allowed = is_allowed

    def of(self, asker: Reader, exchange: Exchange) -> Watcher:
        """Return who asks. Without a token, the feeds of each address are counted together."""

        def check(checked: Callable[[bool], None]) -> None:
            checked(self._is_allowed(asker, time.time_ns() // 1000))

        name = f"{asker.name} {exchange.sender.peer}" if asker.number is None else asker.name
        return Watcher(name, View(asker.scope, None if asker.rooms is None else asker.rooms.text), check)
