"""Who may send events and who may read: by address, and by a token that the head carries.

Both are off unless they are configured, and then cost nothing: a `Gate` that admits everybody gives back the endpoint
as it is, and a token is compared once for all requests with the same head. What an event holds is not looked at here.
"""

from typing import Final

from winlogd.access.addresses import EVERYWHERE, Networks, TrustedProxies, client_address, source_address
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Guard
from winlogd.http.wire.message import Head, Response

_NOT_ALLOWED: Final = Response(403, b'{"error":"Address not allowed"}', reason="Address not allowed")


class Gate:
    """Lets requests from some networks through to an endpoint.

    Args:
        networks: those that are admitted, as ADDRESS/BITS; none at all admits nobody.
        proxies: peers whose word about the client's address counts.
    """

    def __init__(self, networks: tuple[str, ...], proxies: TrustedProxies) -> None:
        self._is_open = EVERYWHERE.issubset(networks)
        self._networks = Networks(networks)
        self._proxies = proxies

    def before(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint` behind this gate; who is not admitted gets 403, whatever else is wrong with the request."""
        return endpoint if self._is_open else lambda head: self._guard(head, endpoint(head))

    def _guard(self, head: Head, handler: Handler) -> Handler:
        """`handler` for requests from admitted addresses.

        The peer is not known yet: requests with the same head come from many. So the head alone cannot decide any
        more, and who waits for 100 (Continue) gets it before the refusal.
        """
        admits, proxies = self._networks.hold, self._proxies

        def refusal(peer: str) -> Response | None:
            address = client_address(head, peer, proxies)
            if admits(address):
                return None
            if address == source_address(head, peer, proxies):  # the log tells this one by itself
                return _NOT_ALLOWED
            return _NOT_ALLOWED._replace(reason=f"Address not allowed: {address}")

        return Guard(refusal, handler)


class Token:
    """A secret that a head must carry, as ``Authorization: Bearer <token>`` or as the end of its User-Agent.

    The second is for clients in which nothing but the User-Agent can be set: ``Winlog/0.1.0 <token>``.

    Args:
        token: visible ASCII without spaces.
    """

    def __init__(self, token: str) -> None:
        from hmac import compare_digest  # it loads hashlib, which nothing else needs

        self._token = token.encode("ascii")
        self._equal = compare_digest

    def is_in(self, head: Head) -> bool:
        """Whether `head` carries it; how long the comparison takes does not tell how much of a guess is right."""
        scheme, _, credentials = (head.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and self._is(credentials.strip(" ")):  # RFC 6750 section 2.1, RFC 9110 section 11
            return True
        return self._is((head.get("user-agent") or "").rpartition(" ")[2])

    def _is(self, text: str) -> bool:
        return self._equal(text.encode("latin-1"), self._token)  # header fields are read as Latin-1
