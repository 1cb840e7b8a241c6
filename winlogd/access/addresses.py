"""Which address an event came from, when a proxy may stand between.

The forwarding fields can be written by anybody, so they count only when the peer itself is a proxy that the
administrator trusts. Pure but for the import of `ipaddress`, which waits until a forwarding field is seen.

There are two answers, for two purposes. `forwarded_address` is the one that is stored with an event: the first that the
proxies tell, which a client behind a proxy that appends can make up. `client_address` is the one that decides what
somebody may do: it goes from the near end only as far as trusted proxies vouch for it.
"""

from functools import lru_cache
from typing import Final

from winlogd.http.wire.message import Head

EVERYWHERE: Final = frozenset(("0.0.0.0/0", "::/0"))
"""The networks that hold every address."""

UNKNOWN: Final = "unknown"
"""Stands for a client that a trusted proxy has named by something that is no address: it is in no network."""

_PEERS_KEPT: Final = 1024
_MAX_PORT: Final = 65_535
_MAX_PORT_DIGITS: Final = 5


def forwarded_address(head: Head) -> str | None:
    """The client's address as a proxy tells it: ``CF-Connecting-IP``, else the first of ``X-Forwarded-For``.

    Returns:
        The address in its shortest form, without a port, an IPv4-mapped IPv6 address as IPv4; None when neither field
        holds a valid address.
    """
    cloudflare = head.get("cf-connecting-ip")
    if cloudflare is not None and (address := _valid(cloudflare)) is not None:
        return address
    forwarded = head.get("x-forwarded-for")
    return None if forwarded is None else _valid(forwarded.partition(",")[0].strip(" \t"))


def source_address(head: Head, peer: str, proxies: "TrustedProxies") -> str:
    """Return the address that is stored with an event: the one that `peer` forwards, if it is a trusted proxy."""
    forwarded = forwarded_address(head)
    return forwarded if forwarded is not None and proxies.trusts(peer) else peer


def _valid(text: str) -> str | None:
    """The IP address in `text`, which may carry a port, in its shortest form; None when there is none."""
    import ipaddress

    try:
        address = ipaddress.ip_address(_without_port(text))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        return str(address.ipv4_mapped or address)
    return str(address)


def _without_port(text: str) -> str:
    """`text` without a port: the forms are ``192.0.2.7:51234``, ``[2001:db8::7]:443`` and ``[2001:db8::7]``.

    An IPv6 address without brackets has no port: in ``2001:db8::7:443`` all is address (RFC 5952 §6). A wrong port, or
    brackets around anything but IPv6, leave the text as it is, which is then no address. Port 0 is fine: some proxies
    write it for a port that they do not know.
    """
    if text.startswith("["):
        address, bracket, port = text[1:].partition("]")
        if bracket and ":" in address and (not port or (port[0] == ":" and _is_port(port[1:]))):
            return address
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
        if _is_port(port):
            return address
    return text


def _is_port(text: str) -> bool:
    """Return True if `text` is a decimal number of 16 bits (RFC 6335 §6), in at most five digits of ASCII."""
    return len(text) <= _MAX_PORT_DIGITS and text.isascii() and text.isdigit() and int(text) <= _MAX_PORT


class Networks:
    """Some networks.

    Args:
        networks: as ADDRESS/BITS.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = networks
        self.hold = lru_cache(_PEERS_KEPT)(self._hold)

    def _hold(self, text: str) -> bool:
        """Whether `text` is an IP address in one of them."""
        import ipaddress

        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(network) for network in self._networks)


class TrustedProxies:
    """Peers whose forwarding fields count.

    Args:
        networks: as ADDRESS/BITS.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        self.trusts = Networks(networks).hold
        """Whether a peer, an IP address, is one of them."""


def client_address(head: Head, peer: str, proxies: TrustedProxies) -> str:
    """The address whose rights and limits a request has: the nearest one that is not a trusted proxy.

    Each proxy appends its own peer to ``X-Forwarded-For``, so the list is true from its right end up to the first
    address that is not trusted; what stands left of that, anybody may have written. A port is dropped.

    Returns:
        `peer` when it is no trusted proxy, or when all that are named are; `UNKNOWN` when what a trusted proxy
        appended is no address.
    """
    if not proxies.trusts(peer):
        return peer
    for field in reversed(head.get_all("x-forwarded-for")):
        for item in reversed(field.split(",")):
            address = _valid(item.strip(" \t"))
            if address is None:
                return UNKNOWN
            if not proxies.trusts(address):
                return address
    return peer
