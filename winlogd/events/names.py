"""How names of people and machines compare: folded. They are stored as they came.

Windows does not tell `Alice` from `alice`, and one workstation sends both. Knows text; not events, pairs or tables.
"""

from functools import lru_cache
from typing import Final

_CACHED_NAMES: Final = 4096
"""Names that are not ASCII: looked up in 0.1 µs instead of 0.9 µs. They take some 1 MB at most."""


def folded(name: str) -> str:
    """Return the form in which a name is compared: Unicode NFC, then casefold.

    Folded names are for comparison only. They may be longer than the name; limits hold for what was received.
    """
    if not name.isascii():
        return _folded_unicode(name)
    return name.lower()  # of ASCII, that is casefold


def folded_host(name: str) -> str:
    """Return the form in which the name of a machine is compared; a trailing dot (RFC 1034 §3.1) does not count."""
    return folded(name).removesuffix(".")


def short_user(name: str) -> str:
    """Return a user's name without its domain, for comparison: ``alice`` for ``DOM\\alice`` and ``alice@dom``."""
    plain = folded(name)
    return plain.rpartition("\\")[2].partition("@")[0] or plain


def short_host(name: str) -> str:
    """Return the first label of a machine's name, for comparison: ``pc-05`` for ``pc-05.school.local``.

    An IPv4 address has no labels: it is returned whole.
    """
    plain = folded_host(name)
    label = plain.partition(".")[0]
    return plain if not label or plain.replace(".", "").isdecimal() else label


@lru_cache(_CACHED_NAMES)
def _folded_unicode(name: str) -> str:
    from unicodedata import normalize  # not loaded until somebody has such a name

    return normalize("NFC", name).casefold()
