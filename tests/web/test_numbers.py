"""Every number of the pages is a link to its list, and the list has as many rows as the number says."""

import re
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd, an_event
from tests.support.served import found, served
from tests.web.browsing import browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

DAY: Final = "/timeline?day=2026-01-12&view=table"
MOST_LINKS: Final = 40
GHOSTS: Final = ".list tbody tr:not(.group)"
TOTALS: Final = ".totals a.total"
OTHER_TOTALS: Final = f"{TOTALS}:not([aria-current])"
"""The one of the state that is chosen takes the filter back."""
BY_NAME: Final = '[server]\ntimezone = "UTC"\n[rooms]\nfrom_hostname = "{room}-*"\nrooms_file = "rooms.csv"\n'
LISTED: Final = "hostname,room\nA1-1,A1\nA1-2,A1\nA1-3,A1\n"
LOST: Final = "LOST"
"""The room of a site whose machines tell no logoff: nobody can tell which of them are free."""


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A site with a good room, and with one whose logoffs are missing. In both, some machines are free."""
    events = [
        *(each for hour in (7, 8) for each in stay(at(0, hour), at(0, hour + 0.5), "alice", "A1-1")),
        *(sent(at(0, 8 + number), "lost", "C", "LOST-1") for number in range(4)),
        *stay(at(0, 9), at(0, 10), "erin", "LOST-2"),
        sent(at(1, 9), "malice", "C", "A1-2"),
    ]
    events.sort(key=lambda each: each.received_us)
    with served(tmp_path_factory.mktemp("lossy"), events, settings=BY_NAME, rooms=LISTED) as server:
        yield server


@pytest.fixture
def lossy_page(browser: "Browser", lossy: Winlogd) -> Iterator["Page"]:
    with browsing(browser, lossy.port) as opened:
        yield opened


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


@pytest.mark.parametrize("query", ["room=A102", "room=A102&state=free", "host=A101-03", "user=*a*", "room="])
def test_each_number_of_a_filtered_now_opens_a_list_with_as_many_machines(page: "Page", query: str) -> None:
    totals = links(page, f"/?{query}", OTHER_TOTALS)
    assert totals
    assert {href.startswith("/?") and query.split("&")[0] in href for _, href, _ in totals} == {True}
    for number, href, text in totals:
        assert rows(page, href, ".machine") == number, (text, href)


def test_the_free_machines_of_now_are_those_of_the_rooms_whose_logoffs_come(lossy_page: "Page", lossy: Winlogd) -> None:
    rooms = {room["name"]: room["free"] for room in found(lossy, "rooms")["rooms"]}
    assert (rooms["A1"], rooms[LOST]) == (1, None)
    for address in ("/", "/?host=*-*"):
        ((number, href, _),) = [each for each in links(lossy_page, address, TOTALS) if "state=free" in each[1]]
        assert number == rows(lossy_page, href, ".machine") == 1
    lossy_page.goto(f"/?room={LOST}")
    lossy_page.wait_for_selector(".machine.free")
    assert lossy_page.inner_text(".totals .free").strip() == "free: not known"


def test_the_list_of_the_free_machines_loses_those_of_a_room_whose_logoffs_stop_to_come(
    browser: "Browser", tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        served(tmp_path_factory.mktemp("stops"), stay(at(1, 8), at(1, 9), "alice", "A1-1"), settings=BY_NAME) as server,
        browsing(browser, server.port) as page,
    ):
        page.goto("/?state=free")
        page.wait_for_selector(".machine >> text=A1-1")
        for number in range(3):
            event = an_event(hostname="A1-2", timestamp=f"2026-01-13T10:{number + 10}:00Z")
            assert server.post(event).status == 200
        (server.folder / "rooms.csv").write_text("hostname,room\nA1-3,A1\n")
        server.process.send_signal(signal.SIGHUP)  # all rooms are counted anew
        page.wait_for_selector(".machine", state="detached")
        assert "free: not known" in page.inner_text(".totals")


def test_each_number_of_the_ghosts_opens_a_list_with_as_many_rows(page: "Page") -> None:
    found = links(page, "/ghosts", ".totals a.total")
    assert found
    for number, href, text in found:
        assert rows(page, href, GHOSTS) == number, (text, href)


def test_hardware_says_how_many_rows_it_has(page: "Page") -> None:
    found = rows(page, "/hardware", ".list tbody tr")
    assert numbers(page.inner_text(".filters [role=status]")) == [found]
    assert found > 100
