"""Show foreign text on a terminal: how wide it is, how it is cut, and signs for what a terminal would run.

A name comes from a workstation, and anybody can send one. This file must not know tables or commands.
"""

from typing import Final
from unicodedata import category, east_asian_width

ELLIPSIS: Final = "…"
"""Stands at the end of a text that was cut."""

_NOT_SHOWN: Final = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
"""Categories of characters that control a terminal, change the direction of the text, or have no sign."""
_SPACE: Final = "⟨U+0020⟩"
_OVER_THE_LAST: Final = ("Mn", "Me")
"""Categories of marks that a terminal shows over the character before."""
_JOINED_JAMO: Final = range(0x1160, 0x1200)
"""Korean vowels and final consonants, which a terminal shows in the cell of the first consonant."""


def visible(text: str) -> str:
    """Return `text` with a sign such as ``⟨U+202E⟩`` for each character that is not to reach the terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨U+{ord(each):04X}⟩" if category(each) in _NOT_SHOWN else each for each in text)


def distinct(name: str) -> str:
    """Return a visible name that no other name looks like: with signs for all spaces but plain ones inside it."""
    shown = "".join(each if each.isprintable() else f"⟨U+{ord(each):04X}⟩" for each in name)
    inner = shown.strip(" ")
    before, _, after = shown.partition(inner) if inner else (shown, "", "")
    return f"{_SPACE * len(before)}{inner}{_SPACE * len(after)}"


def cells(text: str) -> int:
    """Return how many cells of a terminal a visible text takes: two for a wide character, none for a combining mark."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, width: int) -> str:
    """Return a visible text that takes at most `width` cells, at least 1. A text that was cut ends with ``…``."""
    if cells(text) <= width:
        return text
    left, end = width - 1, 0
    for place, each in enumerate(text):
        left -= _cells_of(each)
        if left < 0:
            break
        end = place + 1
    return text[:end] + ELLIPSIS


def _cells_of(character: str) -> int:
    if character.isascii():
        return 1
    if category(character) in _OVER_THE_LAST or ord(character) in _JOINED_JAMO:
        return 0
    return 2 if east_asian_width(character) in ("W", "F") else 1
