"""Counts are written as a person writes them."""

import pytest

from winlogd.commands.nouns import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "day", "1 day"),
        (57, "day", "57 days"),
        (2, "inventory", "2 inventories"),
        (0, "session", "0 sessions"),
        (2, "query", "2 queries"),
    ],
)
def test_a_noun_has_its_plural(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text
