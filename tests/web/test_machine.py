"""The page of one machine in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.questions import at, stay
from tests.support.readers import add_reader
from tests.support.running import Winlogd, an_event
from tests.support.served import served
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing
from tests.web.details import fact, rows, small, small_targets, with_token
from tests.web.played import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with small(tmp_path_factory.mktemp("small")) as server:
        yield server


@pytest.fixture
def page(browser: "Browser", site: Winlogd) -> Iterator["Page"]:
    with browsing(browser, site.port) as opened:
        yield opened


def test_it_says_who_is_on_where_it_stands_and_what_it_is(page: "Page") -> None:
    page.goto("/machine/b001-01")
    page.wait_for_selector(".facts")
    assert page.inner_text("h1") == "B001-01"
    assert page.inner_text(".state-line").strip() == "in use"
    assert page.locator(".state-line svg.in_use").count() == 1
    assert fact(page, "Who is on") == "alice since 11:00"
    assert fact(page, "Room") == "B001"
    assert fact(page, "Last contact") == "11:00 (15 min ago)"
    assert (fact(page, "System"), fact(page, "Address")) == ("Windows 11", "10.1.0.7")
    assert page.title() == "B001-01 – winlogd"


def test_a_doubtful_user_has_a_shape_and_a_reason(page: "Page") -> None:
    page.goto("/machine/A101-02")
    page.wait_for_selector(".facts")
    assert fact(page, "Who is on").endswith("since 08:30 doubtful: the machine has restarted since")
    assert page.locator(".people svg.doubtful").count() == 1
    assert HOSTILE in page.inner_text("main")
    assert page.locator("main img").count() == 0


def test_the_last_sessions_say_from_when_to_when_and_how_sure(page: "Page") -> None:
    page.goto("/machine/B001-01")
    assert rows(page, ".part:nth-of-type(1)") == [
        ["alice", "11:00", "still on", "", "presumed"],
        ["alice", "09:00", "09:45", "45 min", "certain"],
        ["alice", "Mon 12 Jan, 09:00", "10:30", "1 h 30 min", "certain"],
    ]
    page.goto("/machine/A102-02")
    assert rows(page)[1] == [
        "gina",
        "10:00",
        "not known",
        "",
        "doubtful closed when the same user logged on again",
    ]


def test_the_hardware_is_in_groups_with_units_and_as_text(page: "Page") -> None:
    page.goto("/machine/B001-01")
    page.wait_for_selector(".groups")
    groups = [each.split("\n") for each in page.locator(".group").all_inner_texts() if each]
    assert ["Processor", "model", "Intel Core i3"] in groups
    assert ["Memory", "installed", "16 GB"] in [[each.replace("\u00a0", " ") for each in group] for group in groups]
    assert ["Machine", "serial number", "S-17"] in groups
    assert ["Other", "note", "<b>bold</b>"] in groups
    assert page.locator("main b").count() == 0


def test_a_change_says_what_from_to_and_when(page: "Page") -> None:
    page.goto("/machine/B001-01")
    page.wait_for_selector(".groups")
    text = [each.replace("\u00a0", " ") for row in rows(page, ".part:last-of-type") for each in row]
    assert text[:3] == ["Memory: installed", "8 GB", "16 GB"]
    assert page.inner_text(".part:last-of-type tr.group").strip() == "08:00"
    assert "Disks: 1, model" in text
    assert text[text.index("Disks: 1, model") + 1 :][:2] == ["WDC", "none"]


def test_links_lead_to_the_timeline_the_room_and_all_sessions(page: "Page") -> None:
    page.goto("/machine/B001-01")
    page.wait_for_selector(".facts")
    assert page.get_attribute("text=Timeline of Tuesday 13 January", "href") == "/timeline?day=2026-01-13&room=B001"
    assert page.get_attribute(".facts dd a[href*='room=']", "href") == "/?room=B001"
    csv = page.get_attribute("a.csv", "href")
    assert csv == "/api/v1/sessions?format=csv&lang=en&host=B001-01"
    page.click("text=All sessions")
    page.wait_for_selector("text=Only the last ones")
    assert page.url.endswith("/machine/B001-01?all=1")
    assert len(rows(page, ".part:nth-of-type(1)")) == 3
    page.go_back()
    page.wait_for_selector("text=All sessions")


def test_all_sessions_come_page_by_page(browser: "Browser", tmp_path: Path) -> None:

    events = [each for n in range(130) for each in stay(at(0, 6 + n / 10), at(0, 6.05 + n / 10), f"user{n}")]
    with served(tmp_path, events) as server, browsing(browser, server.port) as page:
        page.goto("/machine/A102-07?all=1")
        page.wait_for_selector("text=Show earlier sessions")
        assert page.locator("tbody tr").count() == 100
        page.click("text=Show earlier sessions")
        page.wait_for_selector("text=user0")
        assert page.locator("tbody tr").count() == 130
        assert page.locator("text=Show earlier sessions").count() == 0
        assert page.evaluate("document.activeElement.textContent") == "user29"


def test_a_change_is_shown_without_a_reload_and_the_sessions_when_asked(page: "Page", site: Winlogd) -> None:
    page.goto("/machine/B001-02")
    page.wait_for_selector(".facts")
    assert fact(page, "Who is on") == "nobody is reported on"
    site.post(an_event(username="newcomer", hostname="B001-02", timestamp="2026-01-13T10:15:00Z"))
    page.wait_for_selector(".people >> text=newcomer")
    assert page.locator("text=Nobody has logged on here yet").count() == 1
    page.click("text=Show it")
    assert rows(page)[0][0] == "newcomer"
    assert page.locator(".news").count() == 0


def test_a_machine_that_nobody_knows_gets_advice(browser: "Browser", site: Winlogd) -> None:
    page = browser.new_page(base_url=f"http://127.0.0.1:{site.port}")  # Chromium itself writes of the 404
    page.goto("/machine/nope")
    page.wait_for_selector(".empty")
    assert "knows no machine of this name. Check the spelling" in page.inner_text(".empty")
    page.close()


def test_who_may_not_see_the_past_is_told_so(browser: "Browser", tmp_path: Path) -> None:
    with small(tmp_path) as server:
        token = add_reader(server.folder, "teacher", "--scope", "now")
        with with_token(browser, server.port, token) as page:
            page.goto("/machine/B001-01")
            page.wait_for_selector(".facts")
            assert fact(page, "Who is on") == "alice since 11:00"
            assert "The past is not shown" in page.inner_text(".note")
            assert page.locator(".list").count() == 0
            assert "Last contact" not in page.inner_text("main")


def test_rows_are_reached_by_keys_and_copied_as_one_line(page: "Page") -> None:
    page.goto("/machine/B001-01")
    page.wait_for_selector(".list")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
    page.keyboard.press("c")
    assert page.evaluate("copied") == "alice, B001-01, B001, 2026-01-13 09:00 – 2026-01-13 09:45"
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/alice")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_targets_are_large_on_a_telephone(
    scheme: str, browser: "Browser", site: Winlogd
) -> None:
    with browsing(browser, site.port, color_scheme=scheme, viewport=TELEPHONE, locale="fr-FR", has_touch=True) as page:
        page.goto("/machine/B001-01")
        page.wait_for_selector(".groups")
        assert page.inner_text(".part:nth-of-type(1) h2") == "Dernières sessions"
        assert faults(page) == []
        assert small_targets(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
