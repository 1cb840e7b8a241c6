"""Split a text into paragraphs and sentences, for tests of how easy it is to read.

This file must not know where a text comes from: a page, or a docstring.
"""

import re
from typing import Final

MOST_WORDS: Final = 25
"""The most words in a sentence outside tables."""

NOT_OUR_WORDS: Final = r"\b(?:mends?|mended|sheds?|shedding|surroundings|Tell of|Say of)\b"
"""Words that nobody must use: we fix a fault, and reset or drop a connection."""


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs, list items and headings of a text, each on one line. Tables are left out."""
    lines = [line for line in text.splitlines() if not line.startswith(("|", "!["))]
    text = re.sub(r"\n(?= *(?:[-*] |\d+\. |#))", "\n\n", "\n".join(lines))
    return [" ".join(each.split()) for each in re.split(r"\n\s*\n", text) if each.strip()]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text. A colon ends one, because a reader can pause there."""
    return [
        sentence
        for paragraph in paragraphs(text)
        for sentence in re.split(r"(?<=[.!?:])[)*]*\s+", re.sub(r"(`+)[^`]*\1", "CODE", paragraph))
    ]


def too_long(text: str) -> list[str]:
    """Return the sentences of a text that have too many words."""
    return [each for each in sentences(text) if len(each.split()) > MOST_WORDS]
