"""Each promise in docs/reliability.md names its tests in its last lines, and each of these tests exists."""

import re
from typing import Final

import pytest

from tests.docs.pages import TEXTS
from tests.support.paths import ROOT

PAGE: Final = TEXTS["docs/reliability.md"]
NAMED: Final = re.findall(r"`(tests/[^`]*::[^`]*)`", PAGE)
PROMISES: Final = {
    section.partition("\n")[0]: re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
}
"""The text of each promise, by its heading of the third level."""


@pytest.mark.parametrize("name", sorted(set(NAMED)))
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")

    assert re.search(rf"^(async )?def {function}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)


def test_there_are_forty_promises_and_more() -> None:
    assert len(PROMISES) >= 40


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_names_a_test(promise: str) -> None:
    tests = PROMISES[promise].partition("\nKept by:\n\n")[2]
    assert re.match(r"(?:- `tests/[^`]+::test_\w+`\n)+", tests)


def test_only_promises_name_tests() -> None:
    kept = "".join(text.partition("\nKept by:\n\n")[2] for text in PROMISES.values())
    assert re.findall(r"`(tests/[^`]*::[^`]*)`", kept) == NAMED
