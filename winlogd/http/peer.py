"""The address of a peer, in the one form that winlogd compares, counts, stores and logs."""

from typing import Final

UNKNOWN: Final = "unknown"
"""The address of a peer that was gone before the server could look it up."""


def peer_address(name: tuple[str, ...] | None) -> str:
    """Return the IP address in a socket's name, without a scope. Return an IPv4-mapped IPv6 address as IPv4.

    Return `UNKNOWN` for None: the peer is gone already, and the system does not know its address any more.
    The mapped form is that of RFC 4291 §2.5.5.2.
    """
    if name is None:
        return UNKNOWN
    address = name[0]
    if ":" not in address:
        return address
    address = address.partition("%")[0]
    mapped = address.lower().removeprefix("::ffff:")
    return mapped if "." in mapped else address
