"""The header in a real browser: who reads, the logout, and the pages that the reader may open."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.readers import add_reader, bearer, token
from tests.support.running import Winlogd, wait_for
from tests.support.scraping import scrape
from tests.web.axe import faults
from tests.web.played import HOSTILE
from tests.web.readers import Place, logged_in, with_readers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server with readers that the tests of this file share."""
    with with_readers(tmp_path_factory.mktemp("readers")) as it:
        yield it


def links(page: "Page") -> list[str]:
    """Return the links of the navigation that can be seen."""
    return [each.get_attribute("href") or "" for each in page.locator("nav a").all() if each.is_visible()]


def test_on_this_machine_nobody_has_to_log_in_or_can_log_out(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector("#reader >> text=this machine")
    assert page.locator("#reader button").count() == 0


def test_the_readers_name_is_text_on_every_page(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "all", "/trends") as page:
        page.wait_for_url("**/trends")
        for address in ("/trends", "/", "/readers-log"):
            page.goto(address)
            page.wait_for_selector("#reader .reader")
            assert page.inner_text("#reader .reader") == HOSTILE
        assert page.locator("#header img").count() == 0
        assert faults(page) == []


@pytest.mark.parametrize(
    ("scope", "seen", "hidden"),
    [
        ("all", {"/", "/trends", "/wall", "/readers-log"}, set()),
        ("now", {"/", "/wall", "/readers-log"}, {"/trends"}),
        ("wall", set(), {"/", "/trends", "/wall", "/readers-log"}),  # it has no navigation
        ("audit", {"/readers-log"}, {"/", "/trends", "/wall"}),
    ],
)
def test_the_navigation_has_the_pages_that_the_reader_may_open(
    browser: "Browser", place: Place, scope: str, seen: set[str], hidden: set[str]
) -> None:
    with logged_in(browser, place, scope) as page:
        page.wait_for_selector("#reader .reader", state="attached")  # a wall hides it
        assert seen <= set(links(page))
        assert not hidden & set(links(page))
        assert page.is_visible("#box") == (scope in ("all", "now"))


def test_an_auditor_is_led_to_the_log(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "audit") as page:
        page.wait_for_url("**/readers-log")
        page.wait_for_selector("main h1")
        page.click(".home")
        page.wait_for_url("**/readers-log")
        assert page.inner_text("main h1") == "Readers’ log"


def test_the_logout_ends_the_login_and_the_next_person_sees_nothing(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "now") as page:
        page.wait_for_selector(".room")
        page.click("#reader button")
        page.wait_for_url("**/login*")
        page.goto("/")
        page.wait_for_url("**/login?next=/")
        assert page.locator(".room").count() == 0


def test_a_page_that_is_left_by_a_logout_asks_no_more_who_reads(browser: "Browser", place: Place) -> None:
    """Its feed is cut, asks again and is refused. The page learns of that while the next one is loaded."""
    fields = bearer(add_reader(place.server.folder, "prometheus", "--scope", "metrics"))

    def refused() -> float:
        samples = scrape(place.server, fields).samples
        return sum(count for key, count in samples.items() if key.startswith('winlogd_refusals_total{status="403"'))

    def learn_of_the_refusal(route: "Route") -> None:
        wait_for(lambda: refused() > before, "the feed's refusal")
        page.wait_for_timeout(500)
        route.continue_()

    with logged_in(browser, place, "now") as page:
        page.wait_for_selector(".room")
        before = refused()
        page.route("**/login?lang=*", learn_of_the_refusal)
        page.click("#reader button")
        page.wait_for_url("**/login*")


def test_a_page_whose_reader_is_revoked_shows_a_way_back(browser: "Browser", place: Place) -> None:
    folder = place.server.folder
    tokens = place.tokens | {"now": add_reader(folder, "for a while", "--scope", "now")}
    with logged_in(browser, place._replace(tokens=tokens), "now", "/?open=A101", fails=(403,)) as page:
        page.wait_for_selector(".machine")
        token(folder, "revoke", "for a while")
        page.wait_for_selector("#reader >> text=Log in")
        assert page.get_attribute("#reader a", "href") == "/login?next=%2F%3Fopen%3DA101"
        page.wait_for_selector("[role=alert]")
        assert page.locator(".machine").count() == 0


def test_a_page_that_is_not_the_readers_leads_to_the_account(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "now") as page:
        page.wait_for_selector(".room")
        page.goto("/trends")
        assert "/account?refused=" in page.url


def test_the_wall_scope_suffices_for_a_wall(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "wall", "/wall?rooms=A*") as page:
        page.wait_for_selector(".wall li")
        page.goto("/")
        page.wait_for_url("**/wall")
        page.wait_for_selector(".wall li")


def test_the_name_leads_to_the_account(browser: "Browser", place: Place, school_server: Winlogd) -> None:
    with logged_in(browser, place, "all") as page:
        page.click("#reader .reader")
        page.wait_for_url("**/account")
