"""The page with the readers' log in a real browser: each sees its own rows, and an auditor all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.readers import ask
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE
from tests.web.played import HOSTILE
from tests.web.readers import Place, logged_in, with_readers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

LOOKS = 120


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose reader has looked at many sessions, at a machine, and at a person whose name is markup."""
    with with_readers(tmp_path_factory.mktemp("looks")) as it:
        for number in range(LOOKS):
            assert ask(it.server, f"/api/v1/sessions?room=A101&limit={number + 1}", it.tokens["all"]).status == 200
        ask(it.server, "/api/v1/users/%3Cimg%20src=x%20onerror=alert(1)%3E", it.tokens["all"])
        ask(it.server, "/api/v1/machines/A101-01", it.tokens["now"])
        yield it


def rows(page: "Page") -> list[list[str]]:
    page.wait_for_selector(".looks tbody tr")
    return [each.split("\t") for each in page.locator(".looks tbody tr").all_inner_texts()]


def test_an_auditor_sees_who_has_looked_at_what(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "audit") as page:
        page.wait_for_url("**/readers-log")
        found = rows(page)
        assert [each[1:4] for each in found[:3]] == [
            ["desk", "a machine", "A101-01"],
            [HOSTILE, "a person", HOSTILE],
            [HOSTILE, "sessions", f"room=A101 limit={LOOKS}"],
        ]
        assert len(found) == 100
        assert page.locator("main img").count() == 0
        assert "by every reader" in page.inner_text("main")


def test_others_see_their_own_rows(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "now", "/readers-log") as page:
        page.wait_for_url("**/readers-log")
        assert {each[1] for each in rows(page)} == {"desk"}
        assert "Each look of yours" in page.inner_text("main")
        assert page.locator("input[name=reader]").count() == 0


def test_a_reader_and_a_date_are_filters_that_can_be_seen_and_removed(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "audit", "/readers-log") as page:
        page.wait_for_url("**/readers-log")
        rows(page)
        page.click(".looks a >> text=desk")
        page.wait_for_selector(".chip >> text=reader: desk")
        page.wait_for_function("document.querySelectorAll('.looks tbody tr').length === 1")
        assert page.url.endswith("/readers-log?reader=desk")
        page.fill("input[name=to]", "2026-01-12")
        page.wait_for_selector(".empty")
        assert "No look passes these filters" in page.inner_text("main")
        page.go_back()
        page.wait_for_selector(".looks tbody tr")
        page.fill("input[name=from]", "2026-01-13")
        page.wait_for_selector(".chip >> text=from: 2026-01-13")
        assert [each[1] for each in rows(page)] == ["desk"]
        page.click(".chip >> text=reader")
        page.wait_for_selector(".chip >> text=reader", state="detached")
        page.wait_for_function("document.querySelectorAll('.looks tbody tr').length === 100")


def test_older_rows_are_a_page_further(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "audit", "/readers-log") as page:
        page.wait_for_url("**/readers-log")
        first = rows(page)
        page.click("text=Older")
        page.wait_for_selector("text=Newest")
        second = rows(page)
        assert page.locator("text=Older").count() == 0
        assert len(first) + len(second) >= LOOKS + 2
        assert second[-1][3] == "room=A101 limit=1"
        page.go_back()
        page.wait_for_selector("text=Older")
        assert rows(page) == first


def test_a_row_is_copied_as_one_line_and_the_list_is_downloaded(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "audit", "/readers-log?reader=desk") as page:
        rows(page)
        page.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
        page.keyboard.press("j")
        page.keyboard.press("c")
        assert page.evaluate("copied").endswith(", desk, a machine, hostname=A101-01, 127.0.0.1")
        with page.expect_download() as download:
            page.click(".csv")
        lines = download.value.path().read_text("utf-8").splitlines()
        assert lines[0] == "at,reader,kind,filter,address"
        assert len(lines) == 2


def test_an_empty_log_says_what_makes_a_row(browser: "Browser", place: Place) -> None:
    with logged_in(browser, place, "wall", "/readers-log") as page:
        page.wait_for_selector(".empty")
        assert "A row appears with the first look" in page.inner_text("main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_using_it(browser: "Browser", place: Place, scheme: str) -> None:
    with logged_in(
        browser, place, "audit", "/readers-log", color_scheme=scheme, viewport=TELEPHONE, locale="fr-FR"
    ) as page:
        rows(page)
        assert "Journal des lecteurs" in page.inner_text("h1")
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == TELEPHONE["width"]
        assert (
            page.evaluate(
                "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.looks-scroll'))"
            )
            == 0
        )
        cells = page.locator(".looks tbody tr").first.locator("td").all()
        assert [each.is_visible() for each in cells] == [True] * 5
        small = page.locator("main :is(a, button, input)").evaluate_all(
            "all => all.filter((each) => each.offsetHeight < 44).map((each) => each.outerHTML)"
        )
        assert small == []
