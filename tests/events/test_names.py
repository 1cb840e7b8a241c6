from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.events.names import folded, folded_host


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "alice"),
        ("PC-05", "pc-05"),
        ("ÉLISE", "élise"),
        ("\u00e9lise", "e\u0301lise"),  # one character, or a letter and an accent
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("DOM\\Alice", "dom\\alice"),
    ],
)
def test_names_are_the_same_whatever_their_case_and_composition(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert folded_host(one) == folded_host(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("alice", "alicia"), ("alice", "DOM\\alice"), ("alice", "alice "), ("elise", "élise"), ("alice", "alice.")],
)
def test_other_names_are_others(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_a_trailing_dot_of_a_host_does_not_count() -> None:
    assert folded_host("PC-05.School.Local.") == folded_host("pc-05.school.local") == "pc-05.school.local"
    assert folded_host("É.") == folded_host("é")
    assert folded_host("pc-05") != folded_host("pc-05.school.local")


@given(st.text())
def test_a_name_is_folded_by_nfc_then_casefold(name: str) -> None:
    assert folded(name) == normalize("NFC", name).casefold()
