"""Who may read without a token: this machine itself, and the networks that the administrator has opened.

A page of another site can make a browser on this machine send requests to it. Such a request has the other site's name
in Host, because the site's name leads to this machine for that purpose (DNS rebinding). So a read needs a Host that is
an address, or a name that the administrator has set. A local proxy makes every request come from this machine. So a
request that carries a proxy's field is not local. This file must not know what an endpoint reads.
"""

import os
from collections.abc import Iterable
from typing import Final

from winlogd.access.addresses import (
    UNKNOWN,
    Networks,
    TrustedProxies,
    client_address,
    has_forwarding_field,
    is_loopback,
)
from winlogd.http.wire.message import Head, Response

_LOCAL_NAME: Final = "localhost"
_OTHER_SITES: Final = frozenset(("cross-site", "same-site"))
"""What a browser writes into Sec-Fetch-Site if a page of another site makes it send the request (Fetch Metadata)."""

_WRONG_HOST: Final = Response(
    403,
    b'{"error":"Host not allowed","details":"use this server\'s IP address, or add the name to security.names"}',
    reason="Host not allowed",
)
_OTHER_SITE: Final = Response(
    403,
    b'{"error":"Request of another site","details":"open this address in the browser itself"}',
    reason="Request of another site",
)
_AT: Final = "http://127.0.0.1 or http://localhost"


class LocalReads:
    """Decides who may read.

    Args:
        networks: the networks that may read what is open to them, as ADDRESS/BITS.
        proxies: the proxies whose forwarding fields count.
        names: the names by which this server is reached, besides ``localhost``. They are in lower case and have no dot
            at the end. None stands for this machine's own names.
        reads_locally: True if this machine itself may read without a token.
    """

    def __init__(
        self, networks: tuple[str, ...], proxies: TrustedProxies, names: Iterable[str], reads_locally: bool
    ) -> None:
        self._networks = Networks(networks)
        self._proxies = proxies
        self._names = frozenset({_LOCAL_NAME, *(names or machine_names())})
        self._reads_locally = reads_locally

    def refusal(self, head: Head, peer: str, is_open: bool) -> Response:
        """Return the 403 for a client that may not read. It says how to become one that may.

        Args:
            head: the request.
            peer: the address of its peer.
            is_open: True if the open networks may read this.
        """
        address = client_address(head, peer, self._proxies)
        ways = [self._way(head, peer)]
        if is_open and not is_loopback(address) and address != UNKNOWN:
            ways.append(f"add {address} to security.read_networks")
        ways.append("send a token of winlogd token add, or log in at /login")
        return _not_allowed("; or ".join(ways), address, peer)

    def is_open_to(self, head: Head, peer: str) -> bool:
        """Return True if a request comes from one of the open networks."""
        address = client_address(head, peer, self._proxies)
        return not is_loopback(address) and address != UNKNOWN and self._networks.hold(address)

    def refusal_of_head(self, head: Head) -> Response | None:
        """Return the 403 for a request that a page of another site may have caused; None for any other."""
        host = host_of(head)
        if host is None or (host not in self._names and not _is_address(host)):
            return _WRONG_HOST
        if head.get("sec-fetch-site") in _OTHER_SITES and head.get("sec-fetch-mode") != "navigate":
            return _OTHER_SITE
        return None

    def _way(self, head: Head, peer: str) -> str:
        """Return how a request that is not local can become it."""
        if not self._reads_locally:
            return f"set security.local_reads = true, and read on the server itself, at {_AT}"
        if not is_loopback(peer):
            return f"read on the server itself, at {_AT}"
        if has_forwarding_field(head):
            return f"a proxy has forwarded this request: read on the server itself without it, at {_AT}"
        return f"read at {_AT}" if head.minor > 0 else "read by HTTP/1.1"

    def is_local(self, head: Head, peer: str) -> bool:
        """Return True if a request comes from this machine, without a proxy, and this machine may read."""
        host = host_of(head)
        return (
            self._reads_locally
            and head.minor > 0
            and is_loopback(peer)
            and host is not None
            and (host == _LOCAL_NAME or (_is_address(host) and is_loopback(host)))
            and not has_forwarding_field(head)
        )


def _not_allowed(details: str, address: str, peer: str) -> Response:
    """Return the 403 for a client. `details` is plain ASCII. The log shows `peer` anyway."""
    reason = "Not allowed to read" if address == peer else f"Not allowed to read: {address}"
    return Response(403, b'{"error":"Not allowed","details":"%b"}' % details.encode(), reason=reason)


def host_of(head: Head) -> str | None:
    """Return the name or address in Host, in lower case and without the port and brackets; None if there is no Host."""
    host = head.get("host")
    if host is None:
        return None
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _is_address(host: str) -> bool:
    if host in ("127.0.0.1", "::1"):
        return True
    import ipaddress  # loaded with the first read by another address or name

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def machine_names() -> set[str]:
    """Return the names of this machine: the one of the kernel, and its first label."""
    name = os.uname().nodename.lower()
    return {name, name.partition(".")[0]}
