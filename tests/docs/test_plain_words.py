"""The pages are easy to read: short lines, short sentences, the field's words."""

import re
from typing import Final

import pytest

from tests.docs.pages import PAGES, prose

LONGEST_LINE: Final = 120
MOST_WORDS: Final = 25
"""The most words in a sentence outside tables."""

NOT_OUR_WORDS: Final = r"\b(?:mends?|mended|sheds?|shedding|surroundings|Tell of|Say of)\b"
"""Words that the pages must not use: we fix a fault, and reset or drop a connection."""


def paragraphs(page: str) -> list[str]:
    """Return the paragraphs, list items and headings of a page, each on one line. Tables are left out."""
    lines = [line for line in prose(page).splitlines() if not line.startswith(("|", "!["))]
    text = re.sub(r"\n(?= *(?:[-*] |\d+\. |#))", "\n\n", "\n".join(lines))
    return [" ".join(each.split()) for each in re.split(r"\n\s*\n", text) if each.strip()]


def sentences(page: str) -> list[str]:
    """Return the sentences of a page. A colon ends one, because a reader can pause there."""
    return [
        sentence
        for paragraph in paragraphs(page)
        for sentence in re.split(r"(?<=[.!?:])[)*]*\s+", re.sub(r"`[^`]*`", "CODE", paragraph))
    ]


@pytest.mark.parametrize("page", PAGES)
def test_no_line_outside_tables_and_code_is_too_long(page: str) -> None:
    names = r"- `tests/[^`]+`"  # a test's name may be longer than a line
    lines = [line for line in prose(page).splitlines() if not re.fullmatch(rf"\|.*|{names}", line)]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_is_too_long(page: str) -> None:
    assert [each for each in sentences(page) if len(each.split()) > MOST_WORDS] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_words_are_the_fields(page: str) -> None:
    assert re.findall(NOT_OUR_WORDS, prose(page)) == []
