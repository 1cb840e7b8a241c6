"""The kinds of values that are lists: actions, paths, networks, names of hosts, patterns.

This file must not know a section, a key, a default or a file: those are in `sections` and `load`.
"""

from collections.abc import Callable
from typing import Final

from winlogd.config.kinds import MOST_STARS, Kind, NotAllowedError

LOOPBACK: Final = ("127.0.0.1/32", "::1/128")
"""Two networks that together hold the addresses of this machine's loopback."""

_IPV4_MAPPED_BITS: Final = 96
"""The bits of the network ``::ffff:0:0/96`` (RFC 4291 §2.5.5.2). A peer of it is treated as an IPv4 peer."""

EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
"""Two networks that together hold every address."""

_PATH_MARKS: Final = "/-._~!$&'()*+,;=:@%"
"""The characters of a path besides letters and digits: those of `pchar` (RFC 3986 §3.3), and the slash."""


def actions() -> Kind[tuple[str, ...]]:
    """Return the kind of a list of actions, some of C, D and M."""

    def one(text: str) -> str:
        if text not in ("C", "D", "M"):
            raise NotAllowedError(f"{_shown(text)} is none of them")
        return text

    return _several('a list of one or more of "C", "D" and "M"', one, at_least=1)


def paths() -> Kind[tuple[str, ...]]:
    """Return the kind of a list of paths of HTTP requests, without a query."""

    def one(text: str) -> str:
        if not text.startswith("/"):
            raise NotAllowedError(f"{_shown(text)} does not begin with /")
        strange = [c for c in text if not (c.isascii() and c.isalnum()) and c not in _PATH_MARKS]
        if strange:
            raise NotAllowedError(f"{_shown(text)} holds {_shown(strange[0])}")
        return text

    allowed = f"a list of one or more paths that begin with / and hold only letters, digits and {_PATH_MARKS}"
    return _several(allowed, one, at_least=1)


def networks() -> Kind[tuple[str, ...]]:
    """Return the kind of a list of IPv4 and IPv6 networks. `check` returns them as ADDRESS/BITS, for `ipaddress`."""
    return _several('a list of networks such as "10.1.0.0/16" or "fd00::/8"', _network, at_least=0)


def patterns() -> Kind[tuple[str, ...]]:
    """Return the kind of a list of patterns of machines' names. A star stands for any characters, also for none."""

    def one(text: str) -> str:
        if not text.strip():
            raise NotAllowedError("a pattern is empty")
        if not text.isprintable():
            raise NotAllowedError(f"{_shown(text)} holds a character that does not print")
        if text.count("*") > MOST_STARS:
            raise NotAllowedError(f"{_shown(text)} has more than {MOST_STARS} stars")
        return text

    return _several('a list of patterns of machines\' names, such as ["A102-*", "PC-7"]', one, at_least=0)


def host_names() -> Kind[tuple[str, ...]]:
    """Return the kind of a list of names by which a server is reached. `check` returns them in small letters."""

    def one(text: str) -> str:
        if ":" in text:
            raise NotAllowedError(f"{_shown(text)} holds a colon; write the name alone, without http:// and port")
        if not text.strip(".") or not (text.isascii() and all(c.isalnum() or c in "-._" for c in text)):
            raise NotAllowedError(f"{_shown(text)} is no name of a host")
        return text.lower().rstrip(".")

    return _several('a list of names of hosts, such as ["winlog.example.org"]', one, at_least=0)


def _shown(value: object) -> str:
    from winlogd.config.messages import shown  # needed only for a fault

    return shown(value)


def _network(text: str) -> str:
    if text in LOOPBACK or text in EVERYWHERE:
        return text
    from ipaddress import IPv6Network, ip_address, ip_network  # slow to load, and most sites keep the default

    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise NotAllowedError(f"{_shown(text)} is no network") from None
    if "%" in text:
        raise NotAllowedError(f"{_shown(text)} names an interface")
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= _IPV4_MAPPED_BITS:
        raise NotAllowedError(f"{_shown(text)} must be written as {mapped}/{network.prefixlen - _IPV4_MAPPED_BITS}")
    if ip_address(text.partition("/")[0]) != network.network_address:
        raise NotAllowedError(f"{_shown(text)} is an address inside of {network}")
    return str(network)


def _several(allowed: str, one: Callable[[str], str], at_least: int) -> Kind[tuple[str, ...]]:
    """Return the kind of a list of texts, none of them twice.

    Args:
        allowed: completes the sentence "must be ...".
        one: returns the form of a single text that the program uses, or raises `NotAllowedError`.
        at_least: the smallest number of texts.
    """

    def check(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) < at_least:
            raise NotAllowedError
        kept: dict[str, None] = {}  # a set that keeps the order
        for item in value:
            if not isinstance(item, str):
                raise NotAllowedError(f"{_shown(item)} is not text")
            text = one(item)
            if text in kept:
                raise NotAllowedError(f"{_shown(item)} is there twice")
            kept[text] = None
        return tuple(kept)

    return Kind(allowed, check, _items)


def _items(text: str) -> object:
    return [item.strip(" ") for item in text.split(",")] if text.strip(" ") else []
