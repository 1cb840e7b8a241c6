"""docs/reliability.md names a test for each promise, and each of these tests is there."""

import re

import pytest

from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[^`]*)`", TEXT)
ROWS = [
    line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(("|---", "| promise", "| fault"))
]


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"tests/chaos"}))
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")

    assert re.search(rf"^(async )?def {function}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)


def test_every_promise_names_a_test() -> None:
    assert len(ROWS) > 15
    assert [row for row in ROWS if "::test_" not in row.rpartition("| `")[2]] == []
