"""The page of ghosts in a real browser."""

import csv
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
from tests.web.details import GHOSTS, NOW_US, rows, small, small_targets, with_token
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


def totals(page: "Page") -> list[str]:
    page.wait_for_selector(".total")
    return [" ".join(each.split()) for each in page.locator(".total").all_inner_texts()]


def test_each_ghost_is_there_with_the_reason_sorted_by_room(page: "Page") -> None:
    page.goto("/ghosts")
    found = {row[0]: row[3] for row in rows(page)}
    assert found == GHOSTS
    assert list(found) == sorted(GHOSTS)
    groups = [" ".join(each.split()) for each in page.locator("tr.group").all_inner_texts()]
    assert groups == ["A101 3 sessions", "A102 3 sessions"]
    assert HOSTILE in page.inner_text("main")
    assert page.locator("main img").count() == 0


def test_counts_are_links_that_filter(page: "Page") -> None:
    page.goto("/ghosts")
    assert totals(page) == ["6 all", "2 doubtful", "2 open too long", "2 ended today, no logoff"]
    page.click("text=open too long")
    page.wait_for_selector(".chip >> text=kind: open too long")
    assert [row[0] for row in rows(page)] == ["A101-03", "A102-01"]
    assert page.evaluate("document.activeElement.textContent").endswith("open too long")
    page.click("tr.group a >> nth=0")
    page.wait_for_selector(".chip >> text=room: A101")
    assert [row[0] for row in rows(page)] == ["A101-03"]
    assert totals(page) == ["3 all", "2 doubtful", "1 open too long", "0 ended today, no logoff"]
    page.click(".chip >> text=kind")
    page.wait_for_selector(".chip >> text=kind", state="detached")
    page.go_back()
    page.go_back()
    page.go_back()
    page.wait_for_selector(".chip", state="detached")
    assert len(rows(page)) == 6


def test_a_reason_is_a_link_to_those_with_the_same(page: "Page") -> None:
    page.goto("/ghosts")
    page.click("text=closed because it was open for too long")
    page.wait_for_selector(".chip >> text=why: closed because it was open for too long")
    assert [row[0] for row in rows(page)] == ["A102-03"]


@pytest.mark.parametrize("query", ["", "?kind=lost", "?kind=too_long&room=A102", "?why=expired", "?kind=doubtful"])
def test_what_is_shown_comes_as_csv(page: "Page", query: str) -> None:
    page.goto(f"/ghosts{query}")
    shown = [(row[0], row[1]) for row in rows(page)]
    with page.expect_download() as download:
        page.click("button.csv")
    with download.value.path().open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(each["hostname"], each["username"]) for each in found] == shown
    assert {each["room"] for each in found} <= {"A101", "A102"}


def test_the_number_of_a_room_opens_its_list(browser: "Browser", tmp_path: Path) -> None:
    """Also of the machines without a room."""
    events = [sent(at(0, 18), "zoe", "C", "laptop"), sent(at(0, 18), "alice", "C", "A101-01")]
    with served(tmp_path, events, NOW_US) as server, browsing(browser, server.port) as page:
        page.goto("/ghosts")
        page.click("tr.group a >> nth=1")
        page.wait_for_selector(".chip >> text=room: no room")
        assert [row[0] for row in rows(page)] == ["laptop"]


def test_it_says_what_to_do(page: "Page") -> None:
    page.goto("/ghosts")
    page.wait_for_selector("text=What to do")
    assert "its image does not run the program" in page.inner_text(".part")


def test_without_ghosts_it_says_so(browser: "Browser", tmp_path: Path) -> None:
    with (
        served(tmp_path, [sent(at(1, 10), "alice", "C")], NOW_US) as server,
        browsing(browser, server.port) as page,
    ):
        page.goto("/ghosts")
        page.wait_for_selector(".empty")
        assert page.inner_text(".empty").startswith("Nothing here: no session is doubtful")
        page.goto("/ghosts?room=B1")
        page.wait_for_selector(".chip")


def test_who_may_not_see_the_past_sees_the_doubtful_ones_of_now(browser: "Browser", tmp_path: Path) -> None:
    with small(tmp_path) as server:
        token = add_reader(server.folder, "teacher", "--scope", "now")
        with with_token(browser, server.port, token) as page:
            page.goto("/ghosts")
            assert [row[0] for row in rows(page)] == ["A101-01", "A101-02", "A101-03", "A102-01"]
            assert "Those that have ended need a token with the scope “all”" in page.inner_text(".note")
            assert page.locator("a.csv").count() == 0
            with page.expect_download() as download:
                page.click("button.csv")
            lines = download.value.path().read_text().splitlines()
            assert [line.split(",")[1] for line in lines[1:]] == ["A101-01", "A101-02", "A101-03", "A102-01"]


def test_thousand_ghosts_are_drawn_a_hundred_at_a_time(browser: "Browser", tmp_path: Path) -> None:
    old = [sent(at(0, 18) + n, f"user{n}", "C", f"R{n // 30:02}-{n:04}") for n in range(1_100)]
    with served(tmp_path, old, NOW_US) as server, browsing(browser, server.port) as page:
        page.goto("/ghosts")
        assert len(rows(page)) == 100
        assert "Only the newest 1 000 of each kind are shown" in page.inner_text(".note")
        page.click("text=Show 100 more")
        assert len(rows(page)) == 200
        assert page.evaluate("document.activeElement.matches('[data-row]')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_french_on_a_telephone(scheme: str, browser: "Browser", site: Winlogd) -> None:
    with browsing(browser, site.port, color_scheme=scheme, viewport=TELEPHONE, locale="fr-FR", has_touch=True) as page:
        page.goto("/ghosts?room=A101")
        page.wait_for_selector(".list")
        assert page.inner_text("h1") == "Sans fin connue"
        assert "le site a fermé depuis" in page.inner_text("main")
        assert faults(page) == []
        assert small_targets(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
