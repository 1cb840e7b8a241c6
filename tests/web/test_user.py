"""The page of one user in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.support.readers import add_reader
from tests.support.running import Winlogd, an_event
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing
from tests.web.details import PROFILE, fact, rows, small, small_targets, with_token
from tests.web.played import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with small(tmp_path_factory.mktemp("small")) as server:
        yield server


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with small(tmp_path_factory.mktemp("profiled"), PROFILE) as server:
        yield server


@pytest.fixture
def page(browser: "Browser", site: Winlogd) -> Iterator["Page"]:
    with browsing(browser, site.port) as opened:
        yield opened


def test_it_says_where_a_user_is_and_was_seen_last(page: "Page") -> None:
    page.goto("/user/ALICE")
    page.wait_for_selector(".facts")
    assert page.inner_text("h1") == "alice"
    assert fact(page, "Where now") == "B001-01 room B001 since 11:00"
    assert fact(page, "Last seen") == "11:00 (15 min ago)"


@pytest.mark.parametrize("address", ["/user/alice", "/machine/B001-01"])
def test_a_page_asks_without_waiting_for_the_state_of_all_machines(page: "Page", address: str) -> None:
    held: list[Route] = []
    page.route("**/api/v1/snapshot", lambda route: held.append(route))
    with page.expect_response(f"**/api/v1/*/{address.rpartition('/')[2]}") as asked:
        page.goto(address)
    assert asked.value.ok
    held[0].continue_()
    page.wait_for_selector(".list")


def test_where_a_user_may_be_no_more_is_said_with_the_reason(page: "Page") -> None:
    page.goto("/user/dave")
    page.wait_for_selector(".facts")
    assert fact(page, "Where now").endswith("since Mon 12 Jan, 19:30 doubtful: the logon is too long ago")
    page.goto("/user/zoe")
    page.wait_for_selector(".facts")
    assert fact(page, "Where now") == "not on any machine now"


def test_a_number_of_sessions_is_a_link_to_them(page: "Page") -> None:
    page.goto("/user/alice")
    assert rows(page, ".part:nth-of-type(2)") == [["B001-01", "3", "11:00"]]
    page.click(".part:nth-of-type(2) td a")
    page.wait_for_selector(".chip >> text=machine: B001-01")
    assert [row[2:4] for row in rows(page, ".part:nth-of-type(1)")] == [
        ["11:00", "still on"],
        ["09:00", "09:45"],
        ["Mon 12 Jan, 09:00", "10:30"],
    ]
    page.go_back()
    page.wait_for_selector(".chip", state="detached")


def test_hours_are_not_shown_unless_the_site_allows_it(page: "Page") -> None:
    page.goto("/user/alice")
    page.wait_for_selector(".list")
    assert "[privacy] person_profile is off" in page.inner_text("main")
    assert page.locator(".strip").count() == 0


def test_a_strip_of_30_days_has_the_hours_with_known_ends(browser: "Browser", profiled: Winlogd) -> None:
    with browsing(browser, profiled.port) as page:
        page.goto("/user/alice")
        page.wait_for_selector(".strip", state="attached")
        days = [link.get_attribute("aria-label") or "" for link in page.query_selector_all(".strip a")]
        assert len(days) == 30
        assert days[-2:] == ["Monday 12 January: 1 h 30 min", "Tuesday 13 January: 45 min"]
        assert days[-3] == "Sunday 11 January: no session with a known end"
        text = page.inner_text(".part:last-of-type p")
        assert text.startswith("2 h 15 min in all, by 2 sessions whose end is known.")
        page.click(".strip li:nth-child(29) a")
        page.wait_for_selector(".chip >> text=from: 2026-01-12")
        assert [row[2] for row in rows(page, ".part:nth-of-type(1)")] == ["Mon 12 Jan, 09:00"]


def test_a_name_that_is_markup_is_text(page: "Page") -> None:
    page.goto(f"/user/{quote(HOSTILE)}")
    page.wait_for_selector(".facts")
    assert page.inner_text("h1") == HOSTILE
    assert page.title() == f"{HOSTILE} – winlogd"
    assert page.locator("main img").count() == 0


def test_a_logon_elsewhere_is_told_and_shown_when_asked(browser: "Browser", tmp_path: Path) -> None:
    with small(tmp_path) as site, browsing(browser, site.port) as page:
        page.goto("/user/zoe")
        page.wait_for_selector(".facts")
        site.post(an_event(username="zoe", hostname="B001-02", timestamp="2026-01-13T10:15:00Z"))
        page.click("text=Show it")
        page.wait_for_selector(".people >> text=B001-02")


def test_who_may_not_see_the_past_is_told_so(browser: "Browser", tmp_path: Path) -> None:
    with small(tmp_path) as server:
        token = add_reader(server.folder, "teacher", "--scope", "now")
        with with_token(browser, server.port, token) as page:
            page.goto("/user/alice")
            page.wait_for_selector(".facts")
            assert fact(page, "Where now") == "B001-01 room B001 since 11:00"
            assert "The past is not shown" in page.inner_text(".note")
            page.goto("/user/nobody")
            page.wait_for_selector(".facts")
            assert fact(page, "Where now") == "not on any machine now"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_french_on_a_telephone(scheme: str, browser: "Browser", profiled: Winlogd) -> None:
    with browsing(
        browser, profiled.port, color_scheme=scheme, viewport=TELEPHONE, locale="fr-FR", has_touch=True
    ) as page:
        page.goto("/user/alice")
        page.wait_for_selector(".strip", state="attached")
        assert "Postes utilisés" in page.inner_text("main")
        assert faults(page) == []
        assert small_targets(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
