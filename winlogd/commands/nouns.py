"""Write counts with their nouns, for a person. This file must not know what is counted."""

from typing import Final

_VOWELS: Final = "aeiou"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as ``1 session``, ``2 inventories`` or ``3 days``."""
    if count == 1:
        return f"1 {noun}"
    has_ies = noun.endswith("y") and noun[-2] not in _VOWELS
    return f"{count} {noun[:-1]}ies" if has_ies else f"{count} {noun}s"
