"""The page of hardware in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.questions import at, sent
from tests.support.readers import add_reader
from tests.support.running import Winlogd
from tests.support.served import served
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing
from tests.web.details import NOW_US, rows, small, small_targets, with_token

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


def test_each_machine_has_its_latest_report_in_columns(page: "Page") -> None:
    page.goto("/hardware")
    assert rows(page) == [
        ["B001-01", "B001", "Intel Core i3", "16 GB", "", "S-17", "08:00"],
        ["B001-02", "B001", "AMD Ryzen 5", "32 GB", "Crucial", "", "07:54"],
    ]
    assert "2 machines" in page.inner_text(".filters")


def test_typing_searches_all_reports_and_shows_where_the_words_are(page: "Page") -> None:
    page.goto("/hardware")
    page.fill(".search input", "C77 ryzen")
    page.wait_for_selector(".chip >> text=words: C77 ryzen")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")
    assert rows(page)[0][0] == "B001-02 Disks, 1, serial number: C77"
    assert page.url.endswith("/hardware?q=C77+ryzen")
    assert page.evaluate("document.activeElement.name") == "words"
    page.click(".chip")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
    assert page.input_value(".search input") == ""


def test_what_is_not_found_gets_advice(page: "Page") -> None:
    page.goto("/hardware?q=16+GB")
    page.wait_for_selector(".empty")
    assert "sort by memory instead" in page.inner_text(".empty")


def test_columns_sort_both_ways_by_their_headings(page: "Page") -> None:
    page.goto("/hardware")
    page.wait_for_selector(".list")
    page.click("thead >> text=Memory")
    page.wait_for_selector("th[aria-sort=ascending] >> text=Memory")
    assert [row[3] for row in rows(page)] == ["16 GB", "32 GB"]
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=descending] >> text=Memory")
    assert [row[3] for row in rows(page)] == ["32 GB", "16 GB"]
    assert page.url.endswith("?sort=-memory")
    page.reload()
    assert [row[3] for row in rows(page)] == ["32 GB", "16 GB"]


def test_what_is_shown_comes_as_csv_and_the_whole_reports_too(page: "Page") -> None:
    page.goto("/hardware?sort=-memory&room=B001")
    page.wait_for_selector(".list")
    with page.expect_download() as download:
        page.click("button.csv")
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert lines == [
        "Machine,Room,Processor,Memory,Disks,Serial number,Reported",
        "B001-02,B001,AMD Ryzen 5,32 GB,Crucial,,2026-01-13 07:54",
        "B001-01,B001,Intel Core i3,16 GB,,S-17,2026-01-13 08:00",
    ]
    address = page.get_attribute("text=CSV with whole reports", "href")
    assert address == "/api/v1/hardware?format=csv&lang=en&room=B001"


def test_who_may_not_see_the_past_is_told_so(browser: "Browser", tmp_path: Path) -> None:
    with small(tmp_path) as server:
        token = add_reader(server.folder, "teacher", "--scope", "now")
        with with_token(browser, server.port, token) as page:
            page.goto("/ghosts")
            page.wait_for_selector("#reader .reader")
            assert not page.is_visible("nav >> text=Hardware")
            page.goto("/hardware")
            assert page.url.endswith("/account?refused=/hardware")
            assert "Your login does not open /hardware" in page.inner_text("[role=alert]")


def test_5000_machines_are_all_there_and_a_hundred_are_drawn(browser: "Browser", tmp_path: Path) -> None:
    disks = [{"model": "WDC WD10EZEX", "size": 1 << 40}]
    reports = [
        sent(at(1, 8) + n, "SYSTEM", "M", f"R{n // 25}-{n % 25}", hardware={"serial": f"S{n}", "disks": disks})
        for n in range(5_000)
    ]
    with served(tmp_path, reports, NOW_US) as server, browsing(browser, server.port) as page:
        page.goto("/hardware?sort=-serial")
        page.wait_for_selector("text=5,000 machines")
        assert page.locator("tbody tr").count() == 100
        assert rows(page)[0][3] == "S4999"
        page.click("thead >> text=Machine")
        page.wait_for_selector("th[aria-sort=ascending] >> text=Machine")
        assert [row[0] for row in rows(page)][:12] == [f"R0-{n}" for n in range(12)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_french_on_a_telephone(scheme: str, browser: "Browser", site: Winlogd) -> None:
    with browsing(browser, site.port, color_scheme=scheme, viewport=TELEPHONE, locale="fr-FR", has_touch=True) as page:
        page.goto("/hardware?q=ryzen")
        page.wait_for_selector(".list")
        assert "32 Go" in page.inner_text("main").replace("\u00a0", " ")
        assert faults(page) == []
        assert small_targets(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
