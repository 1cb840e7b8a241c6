"""The pages are easy to read: short lines, short sentences, the field's words."""

import re
from typing import Final

import pytest

from tests.docs.pages import PAGES, prose
from tests.docs.sentences import NOT_OUR_WORDS, too_long

LONGEST_LINE: Final = 120


@pytest.mark.parametrize("page", PAGES)
def test_no_line_outside_tables_and_code_is_too_long(page: str) -> None:
    names = r"- `tests/[^`]+`"  # a test's name may be longer than a line
    lines = [line for line in prose(page).splitlines() if not re.fullmatch(rf"\|.*|{names}", line)]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_is_too_long(page: str) -> None:
    assert too_long(prose(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_words_are_the_fields(page: str) -> None:
    assert re.findall(NOT_OUR_WORDS, prose(page)) == []
