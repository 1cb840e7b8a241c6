"""Admit or refuse a request by the client's address.

The check is off by default, and costs nothing then: a `Gate` that admits everybody returns the endpoint unchanged. Who
may read is decided in `local`. This file must not know what an event holds.
"""

from typing import Final

from winlogd.access.addresses import EVERYWHERE, Networks, TrustedProxies, client_address, source_address
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Guard
from winlogd.http.wire.message import Head, Response

_NOT_ALLOWED: Final = Response(403, b'{"error":"Address not allowed"}', reason="Address not allowed")


class Gate:
    """Admit requests from some networks to an endpoint.

    Args:
        networks: the networks that are admitted, as ADDRESS/BITS. An empty tuple admits nobody.
        proxies: the proxies whose forwarding fields count.
    """

    def __init__(self, networks: tuple[str, ...], proxies: TrustedProxies) -> None:
        self._is_open = EVERYWHERE.issubset(networks)
        self._networks = Networks(networks)
        self._proxies = proxies

    def before(self, endpoint: Endpoint) -> Endpoint:
        """Return `endpoint` behind this gate. Every other client gets 403, whatever else is wrong with its request."""
        return endpoint if self._is_open else lambda head: self._guard(head, endpoint(head))

    def _guard(self, head: Head, handler: Handler) -> Handler:
        """Return `handler` for requests from admitted addresses only.

        The handler belongs to a head, and requests with the same head come from many peers. Therefore the address is
        checked for each request. A client that waits for 100 (Continue) gets it before the refusal.
        """
        admits, proxies = self._networks.hold, self._proxies

        def refusal(peer: str) -> Response | None:
            address = client_address(head, peer, proxies)
            if admits(address):
                return None
            if address == source_address(head, peer, proxies):  # the log shows this address anyway
                return _NOT_ALLOWED
            return _NOT_ALLOWED._replace(reason=f"Address not allowed: {address}")

        return Guard(refusal, handler)
