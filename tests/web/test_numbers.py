"""Every number of the pages is a link to its list, and the list has as many rows as the number says."""

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.running import Winlogd

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

DAY: Final = "/timeline?day=2026-01-12&view=table"
MOST_LINKS: Final = 40
GHOSTS: Final = ".list tbody tr:not(.group)"


def links(page: "Page", address: str, selector: str) -> list[tuple[int, str, str]]:
    """Return the numbers of a page that are not 0, each with its link's address and all its words."""
    page.goto(address)
    page.wait_for_selector(selector)
    page.wait_for_timeout(300)
    found = page.locator(selector).evaluate_all("all => all.map((each) => [each.innerText, each.getAttribute('href')])")
    read = [(numbers(text), href, text) for text, href in found]
    return [(sum(number), href, text) for number, href, text in read if sum(number)]


def numbers(text: str) -> list[int]:
    """Return the numbers that a link counts: of ``3/14`` the first, of ``3+1`` both."""
    return [int(each) for each in re.findall(r"\d+", text.replace("\u202f", "").split("/")[0])]


def rows(page: "Page", address: str, selector: str) -> int:
    """Return how many rows of a list an address shows."""
    page.goto(address)
    page.wait_for_selector(f"{selector}, .empty")
    page.wait_for_selector(".loading, [aria-busy]", state="detached")
    page.evaluate("for (const each of document.querySelectorAll('details.room')) each.open = true")
    page.wait_for_timeout(150)
    while page.is_visible("main .rest button"):
        page.click("main .rest button")
    return page.locator(selector).count()


def spread(found: list[Any]) -> list[Any]:
    """Return some of many, from the first to the last."""
    return found[:: max(1, len(found) // MOST_LINKS)]


def test_each_number_of_the_timeline_opens_a_list_with_at_least_as_many_sessions(
    page: "Page", school_server: Winlogd
) -> None:
    found = links(page, DAY, ".tl-table td a")
    rooms = {room["name"] for room in school_server.request("GET", "/api/v1/occupancy?day=2026-01-12").json["rooms"]}
    assert None in rooms, "some machines stand in no room"
    assert any(href.endswith("&room=") for _, href, _ in found)
    with_none = [each for each in found if each[1].endswith("&room=")]
    for number, href, text in [*spread(found), *spread(with_none)]:
        assert href.startswith("/?from=2026-01-12T"), href
        assert rows(page, href, ".machine") >= number, (text, href)


def test_the_most_of_each_room_opens_its_list(page: "Page") -> None:
    for number, href, text in links(page, "/timeline?day=2026-01-12", "a.tl-most"):
        assert rows(page, href, ".machine") >= number, (text, href)


def test_the_list_of_the_machines_without_a_room_has_no_others(page: "Page") -> None:
    href = next(each[1] for each in links(page, "/timeline?day=2026-01-12", "a.tl-most") if each[1].endswith("&room="))
    assert rows(page, href, ".machine") > 0
    assert [each.split(" (")[0] for each in page.locator("details.room h2").all_inner_texts()] == ["no room"]


def test_each_number_of_now_opens_a_list_with_as_many_machines(page: "Page") -> None:
    found = links(page, "/", ".totals a.total, .room a.count")
    assert {href.startswith("/?") for _, href, _ in found} == {True}
    assert len(found) > 8
    for number, href, text in found:
        if "state=never_seen" in href and "/" in text:
            continue  # how many were seen: the link is to those that were not
        assert rows(page, href, ".machine") == number, (text, href)


def test_each_number_of_the_ghosts_opens_a_list_with_as_many_rows(page: "Page") -> None:
    found = links(page, "/ghosts", ".totals a.total")
    assert found
    for number, href, text in found:
        assert rows(page, href, GHOSTS) == number, (text, href)


def test_hardware_says_how_many_rows_it_has(page: "Page") -> None:
    found = rows(page, "/hardware", ".list tbody tr")
    assert numbers(page.inner_text(".filters [role=status]")) == [found]
    assert found > 100
