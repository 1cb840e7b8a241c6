"""Find the address that a request came from, even through a proxy.

Anybody can write the forwarding fields. Therefore they count only if the peer is a proxy that the administrator trusts.
Pure, except that `ipaddress` is imported when the first forwarding field comes.

Two functions serve two purposes. `forwarded_address` gives the address that is stored with an event: the first one in
the fields. A client can forge it where its proxy appends to the field. `client_address` gives the address that decides
what a client may do: it reads the field from its end, and only as far as trusted proxies wrote it.
"""

from functools import lru_cache
from typing import Final

from winlogd.http.wire.message import Head

EVERYWHERE: Final = frozenset(("0.0.0.0/0", "::/0"))
"""Two networks that together hold every address."""

UNKNOWN: Final = "unknown"
"""Stands for the address of a client if a trusted proxy appended text that is no address. No network holds it."""

_PEERS_KEPT: Final = 1024
"""The most results of `Networks.hold` that are cached."""

_PROXY_FIELDS: Final = frozenset(("via", "forwarded", "x-real-ip"))
_PROXY_PREFIXES: Final = ("x-forwarded-", "cf-")

_MAX_PORT: Final = 65_535
_MAX_PORT_DIGITS: Final = 5


def forwarded_address(head: Head) -> str | None:
    """Return the client's address that a proxy reports: ``CF-Connecting-IP``, else the first in ``X-Forwarded-For``.

    Returns:
        The address in its shortest form and without a port. An IPv4-mapped IPv6 address becomes IPv4. None if
        neither field holds a valid address.
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
    """Return the IP address in `text` in its shortest form and without a port; None if there is no address."""
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
    """Return `text` without a port: the forms are ``192.0.2.7:51234``, ``[2001:db8::7]:443`` and ``[2001:db8::7]``.

    An IPv6 address without brackets has no port: all of ``2001:db8::7:443`` is the address (RFC 5952 §6). Text with a
    wrong port, or with brackets around anything but IPv6, is returned unchanged; it is no address. Port 0 is allowed:
    some proxies write it for a port that they do not know.
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
    """Return True if `text` is a decimal number of 16 bits (RFC 6335 §6), with one to five ASCII digits."""
    return len(text) <= _MAX_PORT_DIGITS and text.isascii() and text.isdigit() and int(text) <= _MAX_PORT


class Networks:
    """A set of networks.

    Args:
        networks: IPv4 and IPv6 networks as ADDRESS/BITS.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = networks
        self.hold = lru_cache(_PEERS_KEPT)(self._hold)
        """Return True if a text is an IP address in one of the networks. Cached, because the same peers come again."""

    def _hold(self, text: str) -> bool:
        if not self._networks:
            return False
        import ipaddress

        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(network) for network in self._networks)


def is_loopback(peer: str) -> bool:
    """Return True if a peer's IP address is one of this machine's loopback."""
    return peer.startswith("127.") or peer == "::1"


def has_forwarding_field(head: Head) -> bool:
    """Return True if a request has a field that only proxies write: it may come from anywhere."""
    return any(name in _PROXY_FIELDS or name.startswith(_PROXY_PREFIXES) for name, _ in head.fields)


class TrustedProxies:
    """The proxies whose forwarding fields count.

    Args:
        networks: the proxies' IPv4 and IPv6 networks as ADDRESS/BITS.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        self.trusts = Networks(networks).hold
        """Return True if a peer's IP address is that of a trusted proxy."""


def client_address(head: Head, peer: str, proxies: TrustedProxies) -> str:
    """Return the address whose rights and limits apply to a request: the nearest one that is no trusted proxy.

    Each proxy appends the address of its own peer to ``X-Forwarded-For``. Therefore the list is true from its right end
    up to the first address that is not trusted. Anybody may have written the addresses left of that. A port is dropped.

    Returns:
        The address in its shortest form. `peer` if it is no trusted proxy, or if all addresses in the list are
        trusted proxies. `UNKNOWN` if a trusted proxy appended text that is no address.
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
