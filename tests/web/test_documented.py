"""What docs/dashboard.md says of the pages is what a real browser shows: the keys, the states, the messages."""

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT: Final = (ROOT / "docs" / "dashboard.md").read_text("utf-8")
PAGES: Final = (ROOT / "winlogd" / "web" / "pages.js").read_text("utf-8")
ENGLISH: Final = (ROOT / "winlogd" / "web" / "words.js").read_text("utf-8")
FRENCH: Final = (ROOT / "winlogd" / "web" / "words_fr.js").read_text("utf-8")
ADDRESSES: Final = {
    "Now": "/",
    "Moment": "/?at=2026-01-12T10:20",
    "Span": "/?from=2026-01-12T10:00&to=2026-01-12T10:30",
    "Timeline": "/timeline",
    "Machine": "/machine/A101-01",
    "User": "/user/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    "Ghosts": "/ghosts",
    "Hardware": "/hardware",
    "Trends": "/trends",
    "Wall": "/wall",
    "Readers' log": "/readers-log",
}
"""An address of each page that the text names."""


def table(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the table below a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [row.strip("| ").split(" | ") for row in re.findall(r"^\|.*\|$", section, re.MULTILINE)[2:]]


def words(text: str) -> dict[str, str]:
    """Return the texts by their names; of one that depends on a number, the singular."""
    return dict(re.findall(r'^  "?([\w-]+)"?: (?:\{ one: )?"(.*?)"(?:, other: .*\})?,$', text, re.MULTILINE))


def test_each_page_is_named_with_its_address() -> None:
    rows = table("The pages")
    assert [row[0] for row in rows] == list(ADDRESSES)
    for name, address, _ in rows:
        assert address.strip("`").split("?")[0].split("/")[1] == ADDRESSES[name].split("?")[0].split("/")[1]
    modules = re.findall(r'^  \["[\w-]*", "([\w-]+)"', PAGES, re.MULTILINE)
    assert len(modules) > 4
    assert {each.capitalize().replace("s_", "s' ") for each in modules} <= set(ADDRESSES)


@pytest.mark.browser
@pytest.mark.long
@pytest.mark.parametrize("name", ADDRESSES)
def test_the_keys_are_those_that_the_page_lists(name: str, page: "Page") -> None:
    page.goto(ADDRESSES[name])
    page.wait_for_selector("main:not([aria-busy]) h1")
    if name == "Wall":  # it shows no header, and no field has the focus
        page.keyboard.press("?")
    else:
        page.click("#header button[aria-label=Keys]")
    page.wait_for_selector("dialog")
    shown: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("dialog dt")].map(
        (each) => [...each.querySelectorAll("kbd")].map((key) => key.textContent).join(" "))"""
    )
    kinds = {"all", name} | ({"lists"} if name != "Wall" else set())
    said = [key for keys, pages, _ in table("Keys") if kinds & set(pages.split(", ")) for key in keys.split(", ")]
    assert sorted(shown) == sorted(key.strip("`") for key in said)


def test_the_states_have_the_names_that_the_pages_show() -> None:
    names = ("in_use", "free", "doubtful", "silent", "never_seen", "out_of_order")
    english, french = words(ENGLISH), words(FRENCH)
    assert [row[:2] for row in table("What the states mean")] == [[english[name], french[name]] for name in names]


def test_the_messages_are_those_of_the_pages() -> None:
    said = " ".join(words(ENGLISH).values()) + (ROOT / "winlogd" / "web" / "now_words.js").read_text("utf-8")
    for message, _ in table("When something is wrong"):
        assert re.sub(r"\d\d:\d\d.*", "{time}", message) in said
