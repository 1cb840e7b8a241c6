"""Admit or refuse a request, by the client's address and by a token in the request's head.

Both checks are off by default, and cost nothing then: a `Gate` that admits everybody returns the endpoint unchanged.
A token is compared once for all requests with the same head. Who may read is decided in `local`. This file must not
know what an event holds.
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


class Token:
    """A secret that a request's head must carry.

    It stands in ``Authorization: Bearer <token>``, or at the end of the User-Agent: ``Winlog/0.1.0 <token>``. The
    second place is for clients in which an administrator can set nothing but the User-Agent.

    Args:
        token: visible ASCII without spaces.
    """

    def __init__(self, token: str) -> None:
        from hmac import compare_digest  # imported here, because it loads hashlib, which nothing else needs

        self._token = token.encode("ascii")
        self._equal = compare_digest

    def is_in(self, head: Head) -> bool:
        """Return True if `head` carries the token.

        The time that this takes does not depend on how much of a guess is right.
        """
        scheme, _, credentials = (head.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and self._is(credentials.strip(" ")):  # RFC 6750 section 2.1, RFC 9110 section 11
            return True
        return self._is((head.get("user-agent") or "").rpartition(" ")[2])

    def _is(self, text: str) -> bool:
        return self._equal(text.encode("latin-1"), self._token)  # header fields are read as Latin-1
