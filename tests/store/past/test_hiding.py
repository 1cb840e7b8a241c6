"""A session gets an identifier under the pseudonym, however its rows spell the name."""

import pytest

from winlogd.store.past.hiding import renamed


@pytest.mark.parametrize(
    ("identifier", "username", "expected"),
    [
        ("alice@A1@0a1b2c", "alice", "x@A1@0a1b2c"),
        ("ALICE@A1@0a1b2c", "alice", "x@A1@0a1b2c"),
        ("orphan_alice@A1@0a1b2c", "Alice", "orphan_x@A1@0a1b2c"),
        ("hardware_Strauß@A1@0a1b2c", "STRAUSS", "hardware_x@A1@0a1b2c"),
        ("Strauß@A1@0a1b2c", "STRAUSS", "x@A1@0a1b2c"),
        ("STRAUSS@A1@0a1b2c", "Strauß", "x@A1@0a1b2c"),
        ("zoe\N{COMBINING ACUTE ACCENT}@A1@0a1b2c", "ZOÉ", "x@A1@0a1b2c"),
        ("alice@dom@A1@0a1b2c", "Alice@DOM", "x@A1@0a1b2c"),
        ("by another program, ALICE", "alice", "by another program, x"),
        ("by another program, strauß", "STRAUSS", "by another program, x"),
        ("bob@A1@0a1b2c", "alice", "bob@A1@0a1b2c"),
        (None, "alice", None),
    ],
)
def test_the_name_in_an_identifier_is_replaced(identifier: str | None, username: str, expected: str | None) -> None:
    assert renamed(identifier, username, "x") == expected
