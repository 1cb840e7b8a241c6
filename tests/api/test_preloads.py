"""A page's shell names all that the page loads, so that a browser asks for everything at once."""

import re
from typing import Final

import pytest

from tests.support.paths import ROOT
from winlogd.api.preloads import first_questions, links, page_of, question
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
    assert links("page", files.__getitem__).decode().splitlines() == [
        '<link rel="stylesheet" href="/web/page.css">',
        '<link rel="modulepreload" href="/web/dom.js">',
        '<link rel="modulepreload" href="/web/page.js">',
        '<link rel="modulepreload" href="/web/two.js">',
        '<script type="module" src="/web/page.js"></script>',
    ]


@pytest.mark.parametrize(("scope", "has_snapshot"), [("all", True), ("now", True), ("wall", True), ("audit", False)])
def test_a_browser_asks_at_once_for_the_answers_that_the_reader_may_see(scope: str, has_snapshot: bool) -> None:
    found = first_questions(scope)
    assert b'href="/api/v1/me" as="fetch"' in found
    assert (b'href="/api/v1/snapshot" as="fetch"' in found) is has_snapshot


@pytest.mark.parametrize(
    ("page", "query", "address"),
    [
        ("timeline", "", "/api/v1/occupancy"),
        ("timeline", "day=2026-01-12&open=A101", "/api/v1/occupancy?day=2026-01-12"),
        ("timeline", "day=&day=2026-01-12&room=nowhere", "/api/v1/occupancy"),
        ("moment", "at=2026-01-13T10:15&open=A102", "/api/v1/moment?at=2026-01-13T10%3A15"),
        ("moment", "at=2026-01-13T10:15:30%2B01:00&room=", "/api/v1/moment?at=2026-01-13T10%3A15%3A30%2B01%3A00"),
        (
            "moment",
            "to=2026-01-14&from=2026-01-13T09:00&state=x",
            "/api/v1/sessions?from=2026-01-13T09%3A00&amp;to=2026-01-14&amp;limit=1000",
        ),
        ("readers_log", "view=x", "/api/v1/readers/log?limit=100"),
    ],
)
def test_a_browser_asks_at_once_what_the_address_says(page: str, query: str, address: str) -> None:
    assert question(page, query, "all").decode() == f'<link rel="preload" href="{address}" as="fetch" crossorigin>\n'


@pytest.mark.parametrize(
    ("page", "query", "scope"),
    [
        ("now", "", "all"),
        ("moment", "from=&from=2026-01-13", "all"),  # the page is Now: it takes the first of each
        ("trends", "", "all"),
        ("timeline", "", "now"),
        ("timeline", "day=yesterday", "all"),
        ("timeline", "day=2026-01-12%22%3E", "all"),
        ("moment", "at=10:15", "all"),
        ("moment", "at=2026-01-13", "all"),
        ("moment", "at=&from=2026-01-13T09:00", "all"),
        ("moment", "at=2026-01-13T10:15&room=nowhere", "all"),
        ("readers_log", "reader=b", "all"),
        ("readers_log", "from=2026-01-13", "all"),
    ],
)
def test_the_page_alone_asks_what_may_be_wrong_or_forbidden(page: str, query: str, scope: str) -> None:
    assert question(page, query, scope) == b""


def test_the_module_that_reads_the_first_answers_imports_nothing() -> None:
    """It runs before all others are there."""
    assert not re.search(r"^import\b", (WEB / "first.js").read_text("utf-8"), re.MULTILINE)
