"""Search files for the bytes of names, in all encodings in which a name may have been written.

SQLite writes values next to each other, so that a name has no border in the file. A place where a longer name stands,
such as a machine ALICE-LAPTOP, is none of a name that is a part of it. This file must not know what the files are.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, final
from urllib.parse import quote

_PIECE_BYTES: Final = 4 << 20

_ENCODINGS: Final[tuple[Callable[[str], bytes], ...]] = (
    lambda text: text.encode("utf-8", "replace"),
    lambda text: text.encode("utf-16-le", "replace"),
    lambda text: text.encode("utf-16-be", "replace"),
    lambda text: json.dumps(text)[1:-1].encode(),
    lambda text: quote(text, safe="").encode(),
)


class _Around(NamedTuple):
    """The bytes of longer names that have a needle in them, and where: the needle's offset, and the name's length."""

    shapes: frozenset[tuple[int, int]]
    forms: frozenset[bytes]


@final
class Traces:
    """The bytes of some names.

    Args:
        names: the names. Letter case does not matter.
        longer: names that have one of these as a part, and stay.
    """

    def __init__(self, names: Iterable[str], longer: Iterable[str]) -> None:
        wanted = set(names)
        others = _forms(set(longer) - wanted)
        self._needles: Final = {each: _around(each, others) for each in _forms(wanted)}
        forms = {form for around in self._needles.values() for form in around.forms} | self._needles.keys()
        self._margin_bytes: Final = max(map(len, forms), default=0)

    def count_in(self, path: str, searched: Callable[[int], None] = lambda _: None) -> int:
        """Return at how many places a file has one of the names.

        Args:
            path: the file.
            searched: called now and then with how many more bytes are searched.

        Raises:
            OSError: the file cannot be read.
        """
        octets, begin, count = b"", 0, 0
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(_PIECE_BYTES):
                octets += piece.lower()
                end = max(len(octets) - self._margin_bytes, begin)
                count += self._count(octets, begin, end)
                kept = max(end - self._margin_bytes, 0)
                octets, begin = octets[kept:], end - kept
                searched(len(piece))
        return count + self._count(octets, begin, len(octets))

    def _count(self, octets: bytes, begin: int, end: int) -> int:
        """Return how many names begin between two places."""
        places = set()
        for needle, around in self._needles.items():
            at = octets.find(needle, begin)
            while 0 <= at < end:
                if not _is_in_longer(octets, at, around):
                    places.add(at)
                at = octets.find(needle, at + 1)
        return len(places)


def _is_in_longer(octets: bytes, at: int, around: _Around) -> bool:
    """Return True if a place is inside a longer name. Look-ups, however many names there are."""
    return any(
        octets[at - offset : at - offset + length] in around.forms for offset, length in around.shapes if at >= offset
    )


def _forms(names: Iterable[str]) -> set[bytes]:
    """Return all bytes in which names may be written, with ASCII letters in lower case."""
    texts = {
        unicodedata.normalize(form, each)
        for name in names
        for each in (name, name.lower(), name.upper(), name.casefold())
        for form in ("NFC", "NFD")
    }
    return {encode(text).lower() for text in texts for encode in _ENCODINGS if text}


def _around(needle: bytes, others: Iterable[bytes]) -> _Around:
    """Return which of other forms have a needle in them, and where."""
    forms = frozenset(form for form in others if len(form) > len(needle) and needle in form)
    shapes = (
        (found.start(), len(form)) for form in forms for found in re.finditer(b"(?=%b)" % re.escape(needle), form)
    )
    return _Around(frozenset(shapes), forms)
