"""A page's shell names all that the page loads, so that a browser asks for everything at once."""

from typing import Final

import pytest

from tests.support.paths import ROOT
from winlogd.api.preloads import links, page_of
from winlogd.api.routes import PAGES

WEB: Final = ROOT / "winlogd" / "web"


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/", "now"),
        ("/?state=doubtful", "now"),
        ("/?at=2026-01-13T10:15", "moment"),
        ("/?room=A102&from=yesterday", "moment"),
        ("/?at=", "now"),
        ("/?what=1", "now"),
        ("/readers-log", "readers_log"),
        ("/machine/A102-07?at=now", "machine"),
    ],
)
def test_an_address_is_shown_by_a_module(address: str, page: str) -> None:
    path, _, query = address.partition("?")
    assert page_of(path, query) == page


@pytest.mark.parametrize("path", PAGES)
def test_each_page_has_a_module(path: str) -> None:
    assert (WEB / f"{page_of(path, '')}.js").is_file()


def test_imports_are_followed_and_style_sheets_are_found() -> None:
    files = {
        "main.js": b'import { h } from "./dom.js";\nimport {\n  a,\n  b,\n} from "./two.js";\n',
        "dom.js": b'/** @typedef {import("./types.js").T} T */\n',
        "two.js": b'export { h } from "./dom.js";\nconst late = () => import(`./later.js`);\n',
        "page.js": b'import "./dom.js";\nimport { a } from "./two.js";\nawait sheet("page.css");\n',
    }
    assert links("page", "metrics", files.__getitem__).decode().splitlines() == [
        '<link rel="preload" href="/web/page.css" as="style">',
        '<link rel="preload" href="/api/v1/me" as="fetch" crossorigin>',
        '<link rel="modulepreload" href="/web/dom.js">',
        '<link rel="modulepreload" href="/web/page.js">',
        '<link rel="modulepreload" href="/web/two.js">',
    ]


@pytest.mark.parametrize(("scope", "has_snapshot"), [("all", True), ("now", True), ("wall", True), ("audit", False)])
def test_a_browser_asks_at_once_for_the_answers_that_the_reader_may_see(scope: str, has_snapshot: bool) -> None:
    files = {"main.js": b"", "page.js": b""}
    found = links("page", scope, files.__getitem__)
    assert b'href="/api/v1/me" as="fetch"' in found
    assert (b'href="/api/v1/snapshot" as="fetch"' in found) is has_snapshot
