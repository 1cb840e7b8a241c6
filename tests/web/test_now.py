"""The page Now in a real browser: it shows the school, changes without a reload, and is used by the keyboard alone."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest

from tests.support.running import Winlogd, an_event
from tests.web.browsing import browsing
from tests.web.played import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]


def total(page: "Page", state: str) -> int:
    return int(page.inner_text(f".totals > .{state} b"))


def test_rooms_are_rows_with_their_numbers(page: "Page", school_server: Winlogd) -> None:
    page.goto("/")
    page.wait_for_selector(".room")
    rooms = school_server.request("GET", "/api/v1/rooms").json["rooms"]
    assert page.locator(".room").count() == len(rooms)
    assert page.locator(".machine").count() == 0
    first = rooms[0]
    assert page.inner_text(".room:first-child .name") == first["name"]
    assert page.inner_text(".room:first-child .share") == f"{first['in_use']}/{first['machines']}"


def test_a_logon_appears_without_a_reload(page: "Page", school_server: Winlogd) -> None:
    page.goto("/?open=A102")
    page.wait_for_selector(".machine")
    page.evaluate("globalThis.isTheSame = true")
    event = an_event(username="newcomer", hostname="A102-04", timestamp="2026-01-13T10:15:00Z")
    assert school_server.post(event).status == 200
    page.wait_for_selector(".machine >> text=newcomer")
    assert page.evaluate("globalThis.isTheSame")


def test_a_name_that_is_markup_is_text(page: "Page") -> None:
    page.goto("/?room=A101")
    page.wait_for_selector(".machine")
    assert HOSTILE in page.inner_text("main")
    assert "⟨U+202E⟩ecila" in page.inner_text("main")
    assert page.locator("main img").count() == 0


def test_a_number_filters_and_the_back_button_leads_back(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector(".room")
    doubtful = total(page, "doubtful")
    page.click(".totals .doubtful")
    page.wait_for_selector(".chip")
    assert page.locator(".machine").count() == page.locator(".machine.doubtful").count() == doubtful
    assert "state=doubtful" in page.url
    page.go_back()
    page.wait_for_selector(".chip", state="detached")
    assert page.locator(".machine").count() == 0


def test_the_keyboard_alone_opens_a_room_and_a_machine(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector(".room")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".machine")
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.wait_for_selector(".rooms.dense")
    assert re.fullmatch(r"A101-01", page.evaluate("document.activeElement.textContent"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/machine/A101-01")


def test_a_row_is_copied_as_one_line(page: "Page") -> None:
    page.goto("/?open=A101")
    page.wait_for_selector(".machine")
    page.focus(".machine:first-child [data-row]")
    page.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
    page.keyboard.press("c")
    assert page.evaluate("copied").startswith("A101-01, A101, in use, ")


def test_many_pages_share_a_feed(browser: "Browser", school_server: Winlogd) -> None:
    """Chromium opens six connections to a server: with a feed each, the seventh page would not even load."""
    with browsing(browser, school_server.port) as first:
        pages = [first, *(first.context.new_page() for _ in range(6))]
        for page in pages:
            page.goto("/?open=A102")
            page.wait_for_selector(".machine")
        assert school_server.post(an_event(username="seen-by-all", hostname="A102-08")).status == 200
        for page in pages:
            page.wait_for_selector(".machine >> text=seen-by-all")


def test_the_numbers_of_a_room_are_links_to_as_many_machines(page: "Page", school_server: Winlogd) -> None:
    """Also of the machines without a room, and of those that are silent beside some that were never seen."""
    for number in range(3):
        assert school_server.post(an_event(username=f"guest{number}", hostname=f"LAPTOP-{number}")).status == 200
    page.goto("/")
    page.wait_for_selector(".room[data-name='']")
    links = page.locator(".room a.count").evaluate_all("all => all.map((each) => [each.href, each.textContent])")
    assert any("room=&" in address for address, _ in links)
    assert not [text for _, text in links if text.startswith("0 ")], "an empty list needs no link"
    assert page.locator(".room span.count >> text=0 free").count() > 0
    for address, text in links:
        found = re.search(r"\d+", text)
        assert found
        page.goto(address)
        page.wait_for_selector(".machine")
        assert page.locator(".room").count() == 1
        assert page.locator(".machine").count() == int(found[0]), address


def test_the_machines_without_a_room_have_a_list_now_and_then(page: "Page", school_server: Winlogd) -> None:
    for number in range(3):
        assert school_server.post(an_event(username=f"guest{number}", hostname=f"LAPTOP-{number}")).status == 200
    for address in ("/?room=", "/?room=&at=2026-01-13T10:15:30"):
        page.goto(address)
        page.wait_for_selector(".machine >> text=LAPTOP-1")
        assert page.inner_text(".chip bdi") == "room: no room"
        hosts = page.locator(".machine .host").all_inner_texts()
        assert set(hosts) >= {"LAPTOP-0", "LAPTOP-1", "LAPTOP-2"}
        assert "A102-04" not in hosts


def test_a_room_of_a_filter_goes_with_its_last_machine(page: "Page", school_server: Winlogd) -> None:
    event = an_event(username="lonely", hostname="LAPTOP-9")
    assert school_server.post(event).status == 200
    page.goto("/?user=lonely&state=in_use")
    page.wait_for_selector(".machine >> text=lonely")
    assert school_server.post(event | {"action": "D", "timestamp": "2026-01-13T10:16:00Z"}).status == 200
    page.wait_for_selector(".room", state="detached")
    assert "No machine passes these filters." in page.inner_text("main")


PEOPLE: Final = {
    "FILTER-1": "alice.b",
    "FILTER-2": "malice.b",
    "FILTER-3.school.local": "DOM\\alice.b",
    "FILTER-4": "alice.b@school.local",
    "filter-5": "Strau\u00df",
    "FILTER-6": "E\u0301va",
    "FILTER-7": "a.b.c.b.d",
}
ASKED: Final = (
    *({"user": each} for each in ("alice.b", "ALICE.B", "*alice.b", "alice.*", "dom\\alice.b", "STRAUSS", "\u00e9VA")),
    *({"user": each} for each in ("a*b*b*d", "a*b*d*b", "a.b.c.b.d*", "**.b", "nobody", "alice", "a.*.a")),
    *(
        {"host": each}
        for each in ("filter-*", "FILTER-3", "filter-3.*", "FILTER-5.", "FILTER", "*-6", "filter-3.School.LOCAL")
    ),
)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: "-".join(asked.values()))
def test_a_filter_means_the_same_as_in_a_question_to_the_server(
    page: "Page", school_server: Winlogd, asked: dict[str, str]
) -> None:
    for hostname, username in PEOPLE.items():
        event = an_event(username=username, hostname=hostname, timestamp="2026-01-13T10:15:20Z")
        assert school_server.post(event).status == 200
    page.goto(f"/?{urlencode(asked)}")
    page.wait_for_selector(".machine, .rooms .empty")
    shown = set(page.locator(".machine:has(.person) .host").all_inner_texts())
    open_ones = school_server.request("GET", f"/api/v1/sessions/current?{urlencode(asked)}").json
    assert shown == {each["hostname"] for each in open_ones}
    assert shown or asked["user" if "user" in asked else "host"] in {"nobody", "alice", "a*b*d*b", "a.*.a", "FILTER"}


def test_a_change_leaves_the_focus_where_it_is(page: "Page", school_server: Winlogd) -> None:
    """On a number of the site, on one of the room, on a user of a machine: each is drawn anew."""
    event = an_event(username="steady", hostname="A102-05")
    assert school_server.post(event).status == 200
    page.goto("/?open=A102")
    page.wait_for_selector(".machine >> text=steady")
    for turn, target in enumerate((".totals .in_use", ".room[data-name=A102] a.count.free", ".machine .user >> nth=0")):
        page.focus(target)
        address = page.evaluate("document.activeElement.href")
        username = f"newcomer{turn}"
        assert school_server.post(an_event(username=username, hostname=f"A102-{10 + turn}")).status == 200
        page.wait_for_selector(f".machine >> text={username}")
        assert page.evaluate("document.activeElement.href") == address


def test_the_ages_of_the_last_contacts_move_on(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port) as page:
        page.clock.install()
        page.goto("/?state=free")
        page.wait_for_selector(".machine [data-contact]")
        before = page.inner_text(".machine [data-contact] >> nth=0")
        page.clock.fast_forward(50 * 60 * 60 * 1000)
        page.wait_for_function(
            "before => document.querySelector('.machine [data-contact]').textContent !== before", arg=before
        )
        assert re.fullmatch(r"\d days ago", page.inner_text(".machine [data-contact] >> nth=0"))


def test_french_numbers_have_words_that_agree(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, locale="fr-FR") as page:
        rooms = school_server.request("GET", "/api/v1/rooms").json["rooms"]
        room = next(each["name"] for each in rooms if each["in_use"] > 1 and each["free"] > 1)
        page.goto(f"/?room={room}")
        page.wait_for_selector(".machine")
        assert page.inner_text(".totals > .in_use span") == "occupés"
        assert page.inner_text(".totals > .free span") == "libres"
        assert page.inner_text(".machine.in_use .state >> nth=0") == "occupé"
        assert page.inner_text(".chip bdi") == f"salle : {room}"
