"""Decode the parameters of a request's target: percent-encoded text, and the name=value pairs of a query.

Pure and strict: an ambiguous text is a fault, and each fault names its parameter. Knows neither which parameters a path
takes (the caller passes them) nor what their values mean.
"""

import re
from collections.abc import Collection
from typing import Final

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_MAX_FAULTS: Final = 8
"""Report at most this many faults in one answer: a query of 8 KiB has room for 4,000. For an unknown name the search
for a similar name takes 0.1 ms."""
_MAX_NAME_CHARACTERS: Final = 64
"""Cut a longer name in an answer, and search for no similar name."""


class ParameterError(Exception):
    """Parameters that cannot be accepted.

    Args:
        details: for the name of each wrong parameter the description of its fault, such as ``must be given only once``.
    """

    def __init__(self, details: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in details.items()))
        self.details: Final = details


def percent_decoded(text: str) -> str:
    """Return the text that was percent-encoded as UTF-8 (RFC 3986 §2.1, §2.5). ``+`` stays as it is.

    Raises:
        ValueError: an escape is not ``%`` and two hexadecimal digits, or the octets are not UTF-8. The text is the
            fault.
    """
    if _BAD_ESCAPE.search(text) is not None:
        raise ValueError("must have two hexadecimal digits after each %")
    try:
        return _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), text.encode()).decode()
    except UnicodeError:
        raise ValueError("must be percent-encoded UTF-8") from None


def parse_query(query: str) -> dict[str, str]:
    """Return the pairs of a query in the form application/x-www-form-urlencoded, in order.

    ``+`` and ``%20`` are a space. A name without ``=`` has the empty value. Two ``&`` in a row are read as one.

    Raises:
        ParameterError: a name is given twice, or a name or value is not percent-encoded UTF-8.
    """
    values, faults = _read(query)
    if faults:
        raise ParameterError(faults)
    return values


def known_parameters(query: str, known: Collection[str]) -> dict[str, str]:
    """Return the pairs of a query as `parse_query` does. Every name has to be one of `known`.

    Raises:
        ParameterError: as `parse_query`; or a name is not known. Then the text names the most similar known name.
    """
    values, faults = read_parameters(query, known)
    if faults:
        raise ParameterError(faults)
    return values


def pairs_named(query: str, known: Collection[str]) -> list[tuple[str, str]]:
    """Return the pairs whose names can be read and are among `known`, each as the name and the text of the whole pair.

    This is the lenient reading: whatever else a query has counts for nothing. So a caller that answers by these pairs
    and one that writes them down see the same.
    """
    named = ((_name_of(pair), pair) for pair in query.split("&"))
    return [(name, pair) for name, pair in named if name is not None and name in known]


def _name_of(pair: str) -> str | None:
    """Return the name in a pair of a query; None if it cannot be read."""
    try:
        return percent_decoded(pair.partition("=")[0].replace("+", " "))
    except ValueError:
        return None


def read_parameters(query: str, known: Collection[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the pairs of a query, and the faults by name, for a caller that looks for faults in the values, too."""
    values, faults = _read(query)
    for name in values:
        if len(faults) == _MAX_FAULTS:
            break
        if name not in known:
            faults.setdefault(_shown(name), _unknown(name, known))
    return values, faults


def _read(query: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the pairs, and the faults by name."""
    values: dict[str, str] = {}
    faults: dict[str, str] = {}
    for pair in query.replace("+", " ").split("&"):
        if not pair or len(faults) == _MAX_FAULTS:
            continue
        name, _, value = pair.partition("=")
        try:
            name = percent_decoded(name)
            decoded = percent_decoded(value)
        except ValueError as fault:
            faults[_shown(name)] = str(fault)
            continue
        if name in values:
            faults[_shown(name)] = "must be given only once"
        values[name] = decoded
    return values, faults


def _unknown(name: str, known: Collection[str]) -> str:
    if len(name) <= _MAX_NAME_CHARACTERS:
        from difflib import get_close_matches  # loaded with the first unknown name

        for near in get_close_matches(name, known, n=1):
            return f"is not a known parameter; did you mean {near}?"
    return "is not a known parameter"


def _shown(name: str) -> str:
    return name if len(name) <= _MAX_NAME_CHARACTERS else name[:_MAX_NAME_CHARACTERS] + "…"
