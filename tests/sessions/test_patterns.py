import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winlogd.events.names import folded
from winlogd.events.patterns import Pattern

LETTERS = "ab.[*Aß"


def as_regex(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(folded(piece)) for piece in pattern.split("*")), re.DOTALL)


@given(st.text(LETTERS, max_size=10).filter(lambda text: text.count("*") <= 4), st.text(LETTERS + "\n", max_size=12))
@example("a*a", "a")
@example("*ab*ab*", "abab")
@example("*a*a", "aa")
@example("", "")
def test_a_pattern_matches_as_the_regular_expression_does(pattern: str, name: str) -> None:
    name = folded(name)
    assert Pattern(pattern).matches(name) == bool(as_regex(pattern).fullmatch(name))


@given(st.text("ab*", max_size=10).filter(lambda text: text.count("*") <= 4), st.text("ab", max_size=12))
def test_a_name_that_matches_begins_with_the_prefix(pattern: str, name: str) -> None:
    if Pattern(pattern).matches(name):
        assert name.startswith(Pattern(pattern).prefix)


def test_a_pattern_is_compared_in_folded_form() -> None:
    assert Pattern("TS-*").matches("ts-01")
    assert Pattern("E\N{COMBINING ACUTE ACCENT}LISE").matches("\N{LATIN SMALL LETTER E WITH ACUTE}lise")


def test_a_pattern_without_a_star_is_plain_and_is_its_own_prefix() -> None:
    assert (Pattern("A102-05").is_plain, Pattern("A102-05").prefix) == (True, "a102-05")
    assert (Pattern("A102-*").is_plain, Pattern("A102-*").prefix) == (False, "a102-")


def test_everything_but_the_star_is_literal() -> None:
    assert not Pattern("a?c").matches("abc")
    assert not Pattern("[ab]").matches("a")
    assert Pattern("50%_*").matches("50%_x")


def test_five_stars_are_refused_with_a_sentence() -> None:
    assert Pattern("*a*b*c*").matches("xaxbxcx")
    with pytest.raises(ValueError, match=r"^'\*a\*b\*c\*d\*' has more than 4 stars\.$"):
        Pattern("*a*b*c*d*")


def test_a_machine_matches_by_its_whole_name_or_by_its_first_label() -> None:
    assert Pattern("pc-05").matches_host("pc-05.school.local")
    assert Pattern("*-ts").matches_host("01-ts.school.local")
    assert Pattern("*.school.local").matches_host("pc-05.school.local")
    assert not Pattern("pc-0").matches_host("pc-05.school.local")


def test_a_long_name_that_nearly_matches_takes_no_long_time() -> None:
    # 200 000 characters: a regular expression with four stars would not end. The test has no time limit of its own.
    assert not Pattern("*ab*ab*ab*c").matches("ab" * 100_000 + "d")
    assert not Pattern("*aac*aac*").matches("aab" * 66_666)


def test_patterns_of_the_same_folded_text_are_equal() -> None:
    assert Pattern("TS-*") == Pattern("ts-*")
    assert repr(Pattern("TS-*")) == "Pattern(text='ts-*')"
