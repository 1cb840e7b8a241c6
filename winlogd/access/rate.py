"""Keep each address at the rate that `limits.events_per_second` allows: by a delay, and beyond that by 429.

The existing clients drop an event after a few refusals. Therefore an event that comes too early is held until its turn.
Its connection is not read meanwhile, which slows its sender down to the rate.

A trusted proxy's connection carries the events of many clients, each with the address that the proxy forwards. It is
read on. Answers keep the order of the requests (RFC 9112 §9.3.2), so that later answers on it wait for the held one.

The octets of held events are bounded. An event for which there is no room is refused with 429, too.
"""

import asyncio
from math import ceil
from typing import Final

from winlogd.access.addresses import TrustedProxies, client_address
from winlogd.access.buckets import Buckets
from winlogd.http.budget import Allowance
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.responses import FAILED
from winlogd.http.wire.message import Head, Response

_TOO_MANY: Final = b'{"error":"Too many events"}'

_Held = tuple[asyncio.TimerHandle, Handler, bytes, int, bool]
"""A held event: its timer, its handler, its body, the octets that it takes, and True if its connection is held."""


class Pace:
    """Delay or refuse events before they reach their handlers.

    Used on the event loop's thread only.

    Args:
        loop: the event loop.
        buckets: say how long an address must wait.
        max_delay_s: the longest time for which an event is held, the same as that of `buckets`.
        proxies: the proxies whose connections are never held.
        room: how many octets of events may be held.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        buckets: Buckets,
        max_delay_s: float,
        proxies: TrustedProxies,
        room: Allowance,
    ) -> None:
        self._loop = loop
        self._buckets = buckets
        self._max_delay_s = max_delay_s
        self._proxies = proxies
        self._room = room
        self._held: dict[Exchange, _Held] = {}
        self._stopped = False

    def handler_for(self, head: Head, handler: Handler) -> Handler:
        """Return `handler` for requests with `head`, called at the rate of their address."""
        proxies, take, clock = self._proxies, self._buckets.take, self._loop.time
        max_delay_s = self._max_delay_s
        head_octets = head.octets

        def paced(exchange: Exchange, body: bytes) -> None:
            peer = exchange.sender.peer
            delay_s = take(client_address(head, peer, proxies), clock())
            if delay_s == 0 or self._stopped:
                handler(exchange, body)
            elif delay_s <= max_delay_s and self._room.take(octets := head_octets + len(body)):
                timer = self._loop.call_later(delay_s, self._hand_on, exchange)
                self._hold(exchange, (timer, handler, body, octets, not proxies.trusts(peer)))
            else:
                exchange.respond(_refusal(delay_s - max_delay_s, body))

        return paced

    def change(self, buckets: Buckets, max_delay_s: float, proxies: TrustedProxies, longest: int) -> None:
        """Take other values of the same names as in `Pace`. Held events keep their turns.

        Args:
            buckets: say how long an address must wait.
            max_delay_s: the longest time for which an event is held from now on.
            proxies: the proxies whose connections are never held.
            longest: octets that one event may have (`Allowance`).
        """
        self._buckets, self._max_delay_s, self._proxies = buckets, max_delay_s, proxies
        self._room.change(longest)

    def stop(self) -> None:
        """Hand on all held events at once, and hold none from now on. To be called before the server stops."""
        self._stopped = True
        for exchange in list(self._held):
            self._hand_on(exchange)

    def _hold(self, exchange: Exchange, held: _Held) -> None:
        self._held[exchange] = held
        *_, holds_sender = held
        if holds_sender:
            exchange.sender.hold()

    def _hand_on(self, exchange: Exchange) -> None:
        timer, handler, body, octets, holds_sender = self._held.pop(exchange)
        timer.cancel()
        self._room.give_back(octets)
        try:
            handler(exchange, body)
        except Exception:
            exchange.respond(FAILED)
            raise  # to the event loop, which logs it
        finally:
            if holds_sender:
                exchange.sender.release()


def _refusal(wait_s: float, body: bytes) -> Response:
    fields = (("Retry-After", str(max(ceil(wait_s), 1))),)
    return Response(429, _TOO_MANY, fields, reason="Too many events", sent=body)
