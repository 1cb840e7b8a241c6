"""The address of a peer, in the one form in which it is compared, counted, stored and logged."""

from typing import Final

UNKNOWN: Final = "unknown"
"""Stands for a peer that is gone before it was asked for."""


def peer_address(name: tuple[str, ...] | None) -> str:
    """The IP address in a socket's name, without a scope; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) as IPv4.

    ``unknown`` for None: the peer is gone already, and the system has no name of it any more.
    """
    if name is None:
        return UNKNOWN
    address = name[0]
    if ":" not in address:
        return address
    address = address.partition("%")[0]
    mapped = address.lower().removeprefix("::ffff:")
    return mapped if "." in mapped else address
