"""The page Trends in a real browser: how many were on, by hour of the week, day and hour, as charts and as tables."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.questions import at, stay
from tests.support.running import Winlogd
from tests.support.served import found
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing
from tests.web.played import HOSTILE, played

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]

SPAN = {"from_": "2025-12-17", "to": "2026-01-13"}


def open_trends(page: "Page", query: str = "") -> None:
    page.goto(f"/trends{query}")
    page.wait_for_selector(".few, .week.numbers")


def query_of(address: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address or "").query)


def test_the_heat_map_has_the_most_at_once_of_each_hour_of_the_week(page: "Page", school_server: Winlogd) -> None:
    open_trends(page)
    rows = found(school_server, "stats", by="weekday_hour", **SPAN)["rows"]
    ten = next(each for each in rows if (each["weekday"], each["hour"]) == (1, 10))
    cell = page.locator(".week .cell[title^='Tuesday, 10:00']")
    assert (
        cell.get_attribute("title") == f"Tuesday, 10:00: {ten['most']} sessions at once at most, on Tuesday 13 January"
    )
    assert page.locator(".week thead th").all_inner_texts() == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_the_charts_are_asked_for_at_once(page: "Page") -> None:
    """Each of the three is asked for before the server has answered for another, and once."""
    held: list[Route] = []
    page.route("**/api/v1/stats?*", lambda route: held.append(route))
    page.goto("/trends")
    while len(held) < 3:
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    page.wait_for_selector(".few")
    assert sorted(query_of(route.request.url)["by"][0] for route in held) == ["day", "hour", "weekday_hour"]


def test_a_cell_opens_the_hour_in_which_so_many_were_on(page: "Page") -> None:
    open_trends(page, "?room=A101")
    page.click(".week .cell[title^='Tuesday, 10:00']")
    page.wait_for_url("**/?from=*")
    assert query_of(page.url) == {"from": ["2026-01-13T10:00"], "to": ["2026-01-13T11:00"], "room": ["A101"]}


def test_a_cell_of_the_last_hour_ends_at_midnight(browser: "Browser", tmp_path: Any) -> None:  # noqa: ANN401
    late = stay(at(0, 22.1), at(0, 22.5), "owl", "A101-01")  # 23:06 in Paris
    with played(tmp_path, machines=20, more=late) as server, browsing(browser, server.port) as page:
        open_trends(page, "?days=7")
        address = page.get_attribute(".week .cell[title^='Monday, 23:00']", "href")
        assert query_of(address) == {"from": ["2026-01-12T23:00"], "to": ["2026-01-13T00:00"]}


def test_only_lightness_tells_more_from_less_and_a_number_appears_with_focus(page: "Page") -> None:
    open_trends(page)
    cells = page.locator(".week .cell")
    shades = cells.evaluate_all("all => all.map((each) => getComputedStyle(each).backgroundColor)")
    assert len(set(shades)) > 2
    first = page.locator(".week .cell[title^='Tuesday, 10:00']")
    number = first.locator(".num")
    opacity = "each => getComputedStyle(each).opacity"
    assert number.evaluate(opacity) == "0"
    first.focus()
    assert number.evaluate(opacity) == "1"


def test_arrows_go_through_the_heat_map_which_is_one_stop_of_the_tab_key(page: "Page") -> None:
    open_trends(page)
    assert page.locator(".week .cell[tabindex='0']").count() == 1
    page.focus(".week .cell[tabindex='0']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.title").startswith("Tuesday, ")
    assert page.locator(".week .cell[tabindex='0']").get_attribute("title") == page.evaluate(
        "document.activeElement.title"
    )


def test_a_day_has_its_users_and_the_most_at_once_and_opens_its_timeline(page: "Page", school_server: Winlogd) -> None:
    open_trends(page, "?room=A102")
    row = found(school_server, "stats", by="day", **SPAN, room="A102")["rows"][-2]
    link = page.locator(".bars:not(.few) a").nth(-2)
    expected = (
        f"Monday 12 January: {row['users']} users, {row['most']} sessions at once at most, {row['logons']} logons"
    )
    assert link.get_attribute("title") == expected
    address = link.get_attribute("href")
    assert (urlsplit(address or "").path, query_of(address)) == ("/timeline", {"day": ["2026-01-12"], "room": ["A102"]})


def test_the_hours_of_a_day_have_their_logons_and_the_keys_change_the_day(page: "Page", school_server: Winlogd) -> None:
    open_trends(page)
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("[")
    page.wait_for_selector("b >> text=Monday 12 January")
    page.wait_for_selector(".few a[title^='17:00']")
    rows = found(school_server, "stats", by="hour", from_="2026-01-12", to="2026-01-12")["rows"]
    ten = rows[10]
    label = page.locator(".few a[title^='10:00']").get_attribute("title")
    assert label == f"10:00: {ten['logons']} logons, {ten['users']} users"
    address = page.get_attribute(".few a[title^='10:00']", "href")
    assert query_of(address) == {"from": ["2026-01-12T10:00"], "to": ["2026-01-12T11:00"]}
    assert "day=2026-01-12" in page.url
    page.go_back()
    page.wait_for_selector("b >> text=Tuesday 13 January")


def test_t_shows_the_same_numbers_in_tables(page: "Page", school_server: Winlogd) -> None:
    open_trends(page, "?days=7")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("t")
    page.wait_for_selector(".counted")
    assert "view=table" in page.url
    days = found(school_server, "stats", by="day", from_="2026-01-07", to="2026-01-13")["rows"]
    texts = page.locator(".trend:nth-of-type(2) .counted tbody tr").all_inner_texts()
    numbers = [f"{each['logons']}\t{each['users']}\t{each['most']}" for each in days]
    assert [each.split("\t", 1)[1].strip() for each in texts] == numbers
    assert page.locator(".week .num").first.evaluate("each => getComputedStyle(each).opacity") == "1"
    page.keyboard.press("t")
    page.wait_for_selector(".counted", state="detached")


def test_a_room_is_a_chip_that_can_be_removed(page: "Page") -> None:
    open_trends(page)
    page.select_option("select[name=room]", "A103")
    page.wait_for_selector(".chip >> text=A103")
    page.wait_for_selector(".few")
    assert "room=A103" in page.url
    page.click(".chip")
    page.wait_for_selector(".chip", state="detached")
    page.wait_for_selector(".few")
    assert page.input_value("select[name=room]") == ""


def test_the_span_can_be_chosen_and_is_in_the_address(page: "Page") -> None:
    open_trends(page)
    page.click("text=90 days")
    page.wait_for_url("**/trends?days=90")
    page.wait_for_selector(".few")
    assert page.locator(".bars:not(.few) li").count() == 90
    page.fill("input[name=from]", "2026-01-12")
    page.wait_for_url("**/trends?*from=2026-01-12*")
    page.wait_for_selector(".few")
    assert page.locator(".bars:not(.few) li").count() == 2
    assert page.locator(".chip").count() == 2
    page.reload()
    page.wait_for_selector(".few")
    assert page.input_value("input[name=from]") == "2026-01-12"


def test_a_span_without_anybody_and_a_turned_one_say_what_to_do(page: "Page") -> None:
    page.goto("/trends?from=2025-11-01&to=2025-11-02")
    page.wait_for_selector(".empty")
    assert "Choose a longer one, or another room" in page.inner_text("main")
    page.goto("/trends?from=2026-01-12&to=2026-01-01")
    page.wait_for_selector(".empty")
    assert "ends before it begins" in page.inner_text("main")


def test_a_room_that_is_not_there_is_told_in_words(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, fails=(400,)) as page:
        page.goto("/trends?room=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
        page.wait_for_selector("[role=alert]")
        assert "was not understood" in page.inner_text("[role=alert]")
        assert HOSTILE in page.inner_text(".chips")
        assert page.locator("main img").count() == 0


def test_a_row_is_copied_as_one_line_and_a_chart_is_downloaded_as_csv(page: "Page") -> None:
    open_trends(page, "?view=table&days=7")
    page.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
    page.focus(".trend:nth-of-type(2) tbody tr:nth-child(6) a")
    page.keyboard.press("c")
    assert page.evaluate("copied").startswith("Monday 12 January, ")
    with page.expect_download() as download:
        page.click(".trend:nth-of-type(2) .csv")
    lines = download.value.path().read_text("utf-8").splitlines()
    assert lines[0] == "begins_at,logons,users,most"
    assert len(lines) == 8


def test_french_is_spoken(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, locale="fr-FR") as page:
        open_trends(page)
        assert "La semaine : maximum de sessions simultanées" in page.inner_text("main")
        assert page.inner_text(".week thead th:nth-child(2)") == "lun."


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", ["?days=28", "?days=7&view=table&room=A101"])
def test_nothing_keeps_anybody_from_using_it(
    browser: "Browser",
    school_server: Winlogd,
    scheme: Any,  # noqa: ANN401
    query: str,
) -> None:
    with browsing(browser, school_server.port, color_scheme=scheme) as page:
        open_trends(page, query)
        assert faults(page) == []


def test_a_finger_finds_everything_on_a_telephone(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, viewport=TELEPHONE, has_touch=True, is_mobile=True) as page:
        open_trends(page)
        sizes = page.locator("main :is(a, button, select, input)").evaluate_all(
            "all => all.map((each) => [each.offsetWidth, each.offsetHeight, each.outerHTML])"
        )
        assert [html for width, height, html in sizes if height < 44 or width < 36] == []
        assert page.evaluate("document.documentElement.scrollWidth") == TELEPHONE["width"]


def test_the_page_says_if_nobody_has_decided_how_long_the_archive_is_kept(browser: "Browser", tmp_path: Any) -> None:  # noqa: ANN401
    with played(tmp_path, machines=20) as server, browsing(browser, server.port) as page:
        open_trends(page)
        said = page.get_by_text("kept for ever until retention.history_days is set")
        assert not said.is_visible()
        server.execute("INSERT INTO winlogd_meta (key, value) VALUES ('taken_over', '1')")
        open_trends(page, "?days=7")
        assert said.is_visible()
