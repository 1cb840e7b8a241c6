"""The shell of all pages in a real browser: the box, the keys, the languages, addresses that are not there."""

from typing import TYPE_CHECKING

import pytest

from tests.support.running import Winlogd, an_event
from tests.web.browsing import TELEPHONE, browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_the_box_has_the_focus_and_a_key_leads_back_to_it(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector("#box input:focus")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("?d")
    assert page.input_value("#box input") == "?d"
    assert page.query_selector("dialog") is None


def test_a_question_mark_shows_the_keys_and_escape_hides_them(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector("#box input:focus")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.inner_text("dialog h2") == "Keys"
    assert "next row" in page.inner_text("dialog")
    assert "machines as lines or as cells" in page.inner_text("dialog"), "a key of this page"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_the_browsers_language_is_spoken_and_another_one_is_remembered(
    browser: "Browser", school_server: Winlogd
) -> None:
    with browsing(browser, school_server.port, locale="fr-FR") as page:
        page.goto("/")
        page.wait_for_selector("nav a")
        assert page.inner_text("nav a[aria-current]") == "Maintenant"
        assert page.get_attribute("html", "lang") == "fr"
        page.click("text=English")
        assert page.inner_text("nav a[aria-current]") == "Now"
        page.reload()
        page.wait_for_selector("nav a")
        assert page.get_attribute("html", "lang") == "en"


def test_an_address_without_a_page_says_so(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector(".room")
    page.evaluate("history.pushState(null, '', '/nothing'); dispatchEvent(new PopStateEvent('popstate'))")
    page.wait_for_selector("main [role=alert] >> text=There is no such page.")
    assert page.locator(".room").count() == 0


def test_the_back_button_leads_back_to_the_place_in_the_page(page: "Page") -> None:
    page.goto("/?state=in_use")
    page.wait_for_selector(".machine >> nth=60")
    page.locator(".machine >> nth=60").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    link = page.locator(".machine .host >> nth=60")
    top = "each => Math.round(each.getBoundingClientRect().top)"
    place = link.evaluate(top)
    assert page.evaluate("scrollY") > 500
    link.click()
    page.wait_for_selector(".facts")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    page.wait_for_selector(".machine >> nth=60")
    page.wait_for_timeout(1000)
    assert abs(link.evaluate(top) - place) < 3


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_the_header_is_one_line_on_a_desktop(locale: str, browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, locale=locale) as page:
        page.goto("/")
        page.wait_for_selector("#reader span")
        elements = page.locator("#header > *, nav a")
        tops = elements.evaluate_all("all => all.map((each) => [each.className, each.offsetTop, each.offsetHeight])")
        middles = [top + height / 2 for _, top, height in tops]
        assert max(middles) - min(middles) < 24, tops


def test_the_pages_are_one_line_on_a_telephone(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, viewport=TELEPHONE) as page:
        page.goto("/")
        page.wait_for_selector("#reader span")
        assert page.evaluate("new Set([...document.querySelectorAll('nav a')].map((each) => each.offsetTop)).size") == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.click("nav >> text=Trends")
        page.wait_for_url("**/trends")


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_the_names_of_the_pages_do_not_cover_each_other_on_a_telephone(
    locale: str, browser: "Browser", school_server: Winlogd
) -> None:
    with browsing(browser, school_server.port, viewport=TELEPHONE, has_touch=True, locale=locale) as page:
        page.goto("/")
        page.wait_for_selector("nav a")
        measure = "links => links.map((link) => [link.scrollWidth, link.clientWidth])"
        widths = page.eval_on_selector_all("nav a", measure)
        assert len(widths) >= 7
        assert [needed for needed, has in widths if needed > has] == []


def test_a_user_whose_name_is_a_folder_has_a_link_that_leads_to_the_machine(
    page: "Page", school_server: Winlogd
) -> None:
    assert school_server.post(an_event(username="..", hostname="A102-06")).status == 200
    page.goto("/?open=A102")
    page.click(".machine .user >> text=..")
    page.wait_for_selector(".chip")
    assert page.locator(".machine .host").all_inner_texts() == ["A102-06"]


def test_the_hint_names_a_room_that_is_there(page: "Page", school_server: Winlogd) -> None:
    rooms = school_server.request("GET", "/api/v1/rooms").json["rooms"]
    page.goto("/")
    page.wait_for_selector(".room")
    assert page.get_attribute("#understood", "data-hint") == f"For example: {rooms[0]['name']} yesterday 10:15"


def test_who_goes_to_the_box_while_a_page_loads_keeps_typing_there(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector(".room")
    held: list[Route] = []
    page.route("**/api/v1/sessions?*", lambda route: held.append(route))
    page.click("nav >> text=Ghosts")
    page.keyboard.press("/")
    page.keyboard.type("a1")
    while len(held) < 2:  # the page asks two questions
        page.wait_for_timeout(20)
    for each in held:
        each.continue_()
    page.wait_for_selector("main:not([aria-busy]) h1")
    page.keyboard.type("02")
    assert page.input_value("#box input") == "a102"
