"""A page's shell names all that the page loads, so that a browser asks for everything at once."""

import re
from datetime import date
from html import unescape
from typing import Final

import pytest

from tests.support.paths import ROOT
from winlogd.api.preloads import first_questions, links, page_of, questions
from winlogd.api.routes import PAGES

WEB: Final = ROOT / "winlogd" / "web"
TODAY: Final = date(2026, 1, 13)


def asked_by(address: str, scope: str) -> list[str]:
    """Return what the shell of an address asks for its page, below /api/v1/. Each line has a question."""
    path, _, query = address.partition("?")
    lines = questions(page_of(path, query), path, query, scope, TODAY).decode().splitlines()
    found = [re.fullmatch(r'<link rel="preload" href="/api/v1/(.+)" as="fetch" crossorigin>', each) for each in lines]
    return [unescape(each[1]) for each in found if each]


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
    ("address", "asked"),
    [
        ("/timeline", ["occupancy"]),
        ("/timeline?day=2026-01-12", ["occupancy?day=2026-01-12"]),
        ("/timeline?day=&day=2026-01-12&room=nowhere", ["occupancy"]),
        ("/timeline?day=2026-01-12&open=A101&room=A102", ["occupancy?day=2026-01-12"]),
        (
            "/timeline?day=2026-01-12&open=A101&open=A102",
            ["occupancy?day=2026-01-12", "sessions?room=A101&from=2026-01-12&to=2026-01-12&limit=1000"],
        ),
        ("/timeline?open=", ["occupancy", "sessions?from=2026-01-13&to=2026-01-13&limit=1000"]),
        ("/?at=2026-01-13T10:15&open=A102", ["moment?at=2026-01-13T10%3A15"]),
        ("/?at=2026-01-13T10:15&room=A102", ["moment?at=2026-01-13T10%3A15&room=A102"]),
        ("/?at=2026-01-13T10:15:30%2B01:00&room=", ["moment?at=2026-01-13T10%3A15%3A30%2B01%3A00"]),
        (
            "/?to=2026-01-14&from=2026-01-13T09:00&state=x",
            ["sessions?from=2026-01-13T09%3A00&to=2026-01-14&limit=1000"],
        ),
        ("/?from=2026-01-13&user=a%26b", ["sessions?from=2026-01-13&user=a%26b&limit=1000"]),
        (
            "/trends",
            [
                "stats?by=hour&from=2026-01-13&to=2026-01-13",
                "stats?by=weekday_hour&from=2025-12-17&to=2026-01-13",
                "stats?by=day&from=2025-12-17&to=2026-01-13",
            ],
        ),
        (
            "/trends?days=7&room=A101&day=2026-01-10&view=table",
            [
                "stats?by=hour&from=2026-01-10&to=2026-01-10&room=A101",
                "stats?by=weekday_hour&from=2026-01-07&to=2026-01-13&room=A101",
                "stats?by=day&from=2026-01-07&to=2026-01-13&room=A101",
            ],
        ),
        (
            "/ghosts?kind=lost",
            [
                "sessions?state=doubtful&limit=1000",
                "sessions?ended_by=auto%2Cexpired&from=yesterday&limit=1000",
            ],
        ),
        ("/readers-log?view=x", ["readers/log?limit=100"]),
        ("/machine/A102-07?from=2026-01-13", ["machines/A102-07"]),
        ("/user/DOM%5Cal's%20(%C3%A9)*!", ["users/DOM%5Cal's%20(%C3%A9)*!"]),
    ],
)
def test_a_browser_asks_at_once_what_the_address_says(address: str, asked: list[str]) -> None:
    assert asked_by(address, "all") == asked


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("/", "all"),
        ("/?from=&from=2026-01-13", "all"),  # the page is Now: it takes the first of each
        ("/trends", "now"),
        ("/trends?from=2026-01-01&to=2026-01-05", "all"),
        ("/trends?days=x", "all"),
        ("/trends?day=today", "all"),
        ("/ghosts", "now"),
        ("/timeline", "now"),
        ("/timeline?day=yesterday&open=A101", "all"),
        ("/timeline?day=2026-01-12%22%3E", "all"),
        ("/?at=10:15", "all"),
        ("/?at=2026-01-13", "all"),
        ("/?at=&from=2026-01-13T09:00", "all"),
        ("/readers-log?reader=b", "all"),
        ("/readers-log?from=2026-01-13", "all"),
    ],
)
def test_the_page_alone_asks_what_may_be_wrong_or_forbidden(address: str, scope: str) -> None:
    assert asked_by(address, scope) == []


def test_the_module_that_reads_the_first_answers_imports_nothing() -> None:
    """It runs before all others are there."""
    assert not re.search(r"^import\b", (WEB / "first.js").read_text("utf-8"), re.MULTILINE)
