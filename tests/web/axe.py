"""Let axe-core look at a page: nothing on it may keep somebody from reading or using it."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.paths import NO_NODE_MODULES, NODE_MODULES

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE: Final = NODE_MODULES / "axe-core" / "axe.min.js"
_SERIOUS: Final = ("serious", "critical")


def faults(page: "Page", part: str = "html") -> list[tuple[str, str]]:
    """Return the serious faults of what a part of the page shows now: the rule and the element of each."""
    if not _AXE.exists():
        pytest.skip(NO_NODE_MODULES)
    page.evaluate(_AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("(part) => axe.run(part)", part)
    return [
        (violation["id"], node["html"])
        for violation in found["violations"]
        if violation["impact"] in _SERIOUS
        for node in violation["nodes"]
    ]
