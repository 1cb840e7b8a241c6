"""The timeline of a day in a real browser: bands of rooms, bars of sessions, a table, and all of it by the keyboard."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd, an_event, wait_for
from tests.support.served import served
from tests.web.axe import faults
from tests.web.browsing import DESKTOP, TELEPHONE, browsing
from tests.web.played import HOSTILE, TURNED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

NOW_US: Final = at(1, 10.25)
SETTINGS: Final = """[server]
timezone = "Europe/Paris"
[rooms]
from_hostname = "{room}-*"
"""
MONDAY: Final = "/timeline?day=2026-01-12&hours=08:00-12:00"
"""Four hours of the day before, by the site's clocks, which are an hour ahead of UTC."""


def two_days() -> list[Any]:
    """Return what the workstations of two rooms sent on Monday, and on Tuesday until 11:15 by the site's clocks."""
    return [
        *stay(at(0, 7.5), at(0, 8.5), "alice", "A102-01"),  # 8:30 to 9:30
        sent(at(0, 9), HOSTILE, "C", "A102-01"),  # from 10:00 on, without a logoff
        *stay(at(0, 10.5), at(0, 10.9), HOSTILE, "A102-01"),  # 11:30 to 11:54
        *stay(at(0, 8), at(0, 10), "bob", "A102-02"),  # 9:00 to 11:00
        *stay(at(0, 9), at(0, 10), TURNED, "a102-02."),  # 10:00 to 11:00, beside Bob
        sent(at(0, 8), "carol", "C", "A102-03", by_clock_us=at(0, 6)),  # 9:00 to 10:00; the clock is two hours behind
        sent(at(0, 9), "carol", "D", "A102-03", by_clock_us=at(0, 7)),
        *stay(at(0, 8), at(0, 9), "dave", "B1-01"),
        sent(at(1, 9), "erin", "C", "B1-02"),  # is on
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    events = sorted(two_days(), key=lambda each: each.received_us)
    with served(tmp_path_factory.mktemp("site"), events, NOW_US, SETTINGS) as server:
        yield server


@pytest.fixture
def drawing(browser: "Browser", site: Winlogd) -> Iterator["Page"]:
    """A page of the small site."""
    with browsing(browser, site.port) as opened:
        yield opened


def opened(page: "Page", address: str, wanted: str = "canvas") -> None:
    """Open an address, and let no field have the focus."""
    page.goto(address)
    page.wait_for_selector(wanted)
    loaded(page)
    page.evaluate("document.activeElement.blur()")


def loaded(page: "Page") -> None:
    """Wait until all sessions have come: no room says anything more."""
    page.wait_for_selector(".tl-note:not(:empty)", state="detached")


def point(page: "Page", hour: float, host: str | None = None, height: float = 0.5) -> tuple[float, float]:
    """Return where a time of the four hours is: in the band of room A102, or in the row of a machine."""
    plot = page.locator(".tl-plot").first.bounding_box()
    row = page.locator(f"[data-host='{host}']" if host else ".tl-room-head").first.bounding_box()
    assert plot is not None
    assert row is not None
    return plot["x"] + plot["width"] * (hour - 8) / 4, row["y"] + row["height"] * height


def colours(page: "Page", hour: float, host: str | None = None, height: float = 0.5) -> set[str]:
    """Return the colours of a small square around a point of the drawing."""
    page.mouse.move(1, 1)
    left, top = point(page, hour, host, height)
    return set(
        page.evaluate(
            """([left, top]) => {
                const canvas = document.querySelector("canvas");
                const box = canvas.getBoundingClientRect();
                const pen = new OffscreenCanvas(9, 5).getContext("2d", { willReadFrequently: true });
                pen.drawImage(canvas, left - box.left - 4, top - box.top - 2, 9, 5, 0, 0, 9, 5);
                const { data } = pen.getImageData(0, 0, 9, 5);
                const found = [];
                for (let at = 0; at < data.length; at += 4) found.push([...data.slice(at, at + 4)].join(" "));
                return found;
            }""",
            [left, top],
        )
    )


def hint(page: "Page", *where: Any) -> str:  # noqa: ANN401  # of point
    """Move the pointer to a point, and return what the page says there."""
    page.mouse.move(1, 1)
    page.mouse.move(*point(page, *where))
    return page.inner_text(".tl-hint") if page.is_visible(".tl-hint") else ""


BLUE: Final = {"37 99 196 255"}


# ── bands and bars ────────────────────────────────────────────────────────────────────────────────────────


def test_each_room_is_a_row_with_its_most_and_a_band(page: "Page", school_server: Winlogd) -> None:
    opened(page, "/timeline?day=2026-01-12")
    rooms = school_server.request("GET", "/api/v1/occupancy?day=2026-01-12").json["rooms"]
    assert page.locator(".tl-room").count() == page.locator("canvas").count() == len(rooms)
    for number, room in enumerate(rooms):
        row = page.locator(".tl-room").nth(number)
        assert row.locator(".name").inner_text() == (room["name"] or "no room")
        assert row.locator(".tl-most").inner_text() == f"{max(room['in_use'])}/{room['machines']}"
        assert "in use" in (row.locator("canvas").get_attribute("aria-label") or "")
    assert page.locator(".tl-hosts li").count() == 0


def test_a_band_is_as_high_as_the_room_is_full_and_hatched_where_it_is_doubtful(drawing: "Page") -> None:
    opened(drawing, MONDAY)
    assert colours(drawing, 8.6, None, 0.8) == BLUE
    assert BLUE.isdisjoint(colours(drawing, 8.6, None, 0.5)), "one machine of three"
    assert colours(drawing, 9.1, None, 0.3) == BLUE, "three machines of three"
    assert len(colours(drawing, 11.3, None, 0.8) - BLUE) > 2, "the end of one session is not known"


def test_a_bar_is_full_where_it_is_known_and_hatched_where_its_end_is_not(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    assert colours(drawing, 9.4, "A102-01") == BLUE
    assert BLUE.isdisjoint(colours(drawing, 9.75, "A102-01")), "nobody was on"
    assert len(colours(drawing, 11.3, "A102-01")) > 2
    assert BLUE.isdisjoint(colours(drawing, 11.3, "A102-01"))


def test_two_at_once_share_the_height(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    above, below = hint(drawing, 10.7, "A102-02", 0.3), hint(drawing, 10.7, "A102-02", 0.75)
    assert "bob" in above
    assert "⟨U+202E⟩ecila" in below
    assert BLUE.isdisjoint(colours(drawing, 9.5, "A102-02", 0.75)), "Bob has the upper half"
    assert colours(drawing, 10.9, "A102-02", 0.75) == BLUE


def test_the_servers_clock_counts_where_a_workstations_was_wrong(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    assert hint(drawing, 9.5, "A102-03") == (
        "carol on A102-03, 09:00 to 10:00. the workstation’s clock was wrong by 2 h; the server’s counts here"
    )
    assert hint(drawing, 8.2, "A102-03") == ""


def test_the_pointer_shows_words_and_a_click_opens_the_user(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    assert hint(drawing, 9, "A102-01") == "alice on A102-01, 08:30 to 09:30"
    unknown = f"{HOSTILE} on A102-01 from 10:00; the end is not known. no logoff was reported"
    assert hint(drawing, 10.5, "A102-01") == unknown
    assert hint(drawing, 9.1) == "A102, 09:00 to 09:15: 3 of 3 machines in use"
    drawing.mouse.click(*point(drawing, 9, "A102-01"))
    drawing.wait_for_url("**/user/alice")


def test_a_click_into_the_band_opens_the_list_of_its_quarter_of_an_hour(drawing: "Page") -> None:
    opened(drawing, MONDAY)
    drawing.mouse.click(*point(drawing, 9.1))
    drawing.wait_for_url("**/?from=2026-01-12T09%3A00&to=2026-01-12T09%3A15&room=A102")
    drawing.wait_for_selector(".machine")
    assert drawing.locator(".machine").count() == 3, "of 3 machines in use"


def test_a_machine_opens_by_its_name(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    drawing.click("[data-host=A102-03] a")
    drawing.wait_for_url("**/machine/A102-03")


def test_an_open_session_ends_now(drawing: "Page") -> None:
    opened(drawing, "/timeline?open=B1&hours=08:00-12:00", ".tl-hosts li")
    drawing.focus("[data-host=B1-02] a")
    drawing.keyboard.press("ArrowRight")
    assert drawing.inner_text(".tl-hint") == "erin on B1-02 since 10:00, and still on"
    assert drawing.inner_text("#said") == "erin on B1-02 since 10:00, and still on"


def last_blue(page: "Page", host: str, height: float) -> int:
    """Return how far to the right a bar reaches, in pixels, at a height of a machine's row."""
    row = page.locator(f"[data-host='{host}']").bounding_box()
    assert row is not None
    found: int = page.evaluate(
        """(top) => {
            const canvas = document.querySelector("canvas");
            const line = Math.round(top - canvas.getBoundingClientRect().top);
            const pen = new OffscreenCanvas(canvas.width, 1).getContext("2d", { willReadFrequently: true });
            pen.drawImage(canvas, 0, -line);
            const { data } = pen.getImageData(0, 0, canvas.width, 1);
            let last = -1;
            for (let at = 0; at < canvas.width; at++)
                if ([...data.slice(4 * at, 4 * at + 3)].join(" ") === "37 99 196") last = at;
            return last;
        }""",
        row["y"] + row["height"] * height,
    )
    return found


def test_a_session_that_goes_on_ends_in_a_point_and_the_legend_says_so(drawing: "Page") -> None:
    opened(drawing, "/timeline?room=B1&hours=08:00-12:00", ".tl-hosts li")
    middle, above = last_blue(drawing, "B1-02", 0.5), last_blue(drawing, "B1-02", 0.2)
    assert middle > above + 4 > 100
    assert drawing.locator(".tl-legend > span").all_inner_texts() == [
        "in use",
        "still on",
        "to be checked: the end is not known, or something speaks against it",
    ]
    opened(drawing, f"{MONDAY.replace('08:00-12:00', '08:00-10:00')}&room=B1", ".tl-hosts li")
    assert last_blue(drawing, "B1-01", 0.5) == last_blue(drawing, "B1-01", 0.2) > 100, "its end is known"


def asked_for(page: "Page") -> list[str]:
    """Return a list that grows by each question about the day or its sessions."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if re.search("/api/v1/(occ|sess)", request.url) else None,
    )
    return asked


def test_a_button_asks_for_the_day_at_once(drawing: "Page") -> None:
    opened(drawing, "/timeline?room=B1", ".tl-hosts li")
    asked = asked_for(drawing)
    drawing.click("[aria-label='ask again now']")
    for _ in range(100):
        drawing.wait_for_timeout(50)
        if len(asked) == 2:
            break
    assert [each.split("?")[0].rsplit("/", 1)[1] for each in asked] == ["occupancy", "sessions"]
    opened(drawing, MONDAY)
    assert drawing.locator("[aria-label='ask again now']").count() == 0, "that day is over"


def test_the_day_goes_on_without_a_reload(browser: "Browser", site: Winlogd) -> None:
    with browsing(browser, site.port) as page:
        page.clock.install()
        opened(page, "/timeline?open=B1", "[data-host='B1-02']")
        page.evaluate("globalThis.isTheSame = true")
        event = an_event(username="newcomer", hostname="B1-09", timestamp="2026-01-13T10:15:00Z")
        assert site.post(event).status == 200
        page.wait_for_timeout(500)
        asked = asked_for(page)
        page.clock.fast_forward(61_000)
        page.wait_for_timeout(500)
        assert asked == [], "each question is a row of the readers' log"
        page.clock.fast_forward(4 * 60_000)
        page.wait_for_selector("[data-host='B1-09'] a")
        page.focus("[data-host='B1-09'] a")

        def is_there() -> bool:
            page.keyboard.press("ArrowRight")
            return page.inner_text("#said").startswith("newcomer on B1-09 since 11:15")

        wait_for(is_there, "the session that has begun")
        assert page.evaluate("globalThis.isTheSame")


# ── the address ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_whole_state_is_in_the_address(page: "Page") -> None:
    opened(page, "/timeline?day=2026-01-12&room=A101,A103&hours=09:00-15:00", ".tl-hosts li")
    assert page.locator(".tl-room .name").all_inner_texts() == ["A101", "A103"]
    assert page.inner_text(".tl-hours span:first-child") == "09:00"
    assert "room: A101,A103" in page.inner_text(".chip")
    page.click(".chip")
    page.wait_for_selector(".chip", state="detached")
    assert page.locator(".tl-room").count() > 2
    page.go_back()
    page.wait_for_selector(".chip")


def test_unfolding_is_in_the_address(page: "Page") -> None:
    opened(page, "/timeline?day=2026-01-12")
    page.click(".summary >> text=A102")
    page.wait_for_selector(".tl-hosts li")
    page.wait_for_url(re.compile(re.escape("open=A102")))
    page.reload()
    page.wait_for_selector(".tl-hosts li")
    page.click(".summary >> text=A102")
    page.wait_for_selector(".tl-hosts li", state="detached")
    page.wait_for_url(re.compile(r"/timeline\?day=2026-01-12$"))


def test_days_are_left_by_keys_buttons_and_the_field_and_the_back_button_returns(page: "Page") -> None:
    opened(page, "/timeline")
    assert page.inner_text(".tl-day") == "Tuesday 13 January"
    assert page.is_disabled("[aria-label='next day']")
    page.keyboard.press("]")
    page.keyboard.press("[")
    page.wait_for_selector("text=Monday 12 January")
    page.wait_for_url(re.compile(r"\?day=2026-01-12$"))
    page.click("[aria-label='next day']")
    page.wait_for_selector("text=Tuesday 13 January")
    page.go_back()
    page.wait_for_selector("text=Monday 12 January")
    page.fill("input[type=date]", "2026-01-11")
    page.wait_for_selector("text=Sunday 11 January")
    assert page.input_value("input[type=date]") == "2026-01-11"
    page.wait_for_selector("canvas")
    assert "Nobody was on" in (page.locator("canvas").first.get_attribute("aria-label") or "")


def test_a_zoom_is_in_the_address(drawing: "Page") -> None:
    opened(drawing, MONDAY)
    drawing.keyboard.press("+")
    drawing.wait_for_url(re.compile(re.escape("hours=09%3A00-11%3A00")))
    drawing.click("[aria-label='later hours']")
    drawing.wait_for_url(re.compile(re.escape("hours=10%3A00-12%3A00")))
    drawing.mouse.move(*point(drawing, 8))
    drawing.keyboard.down("Control")
    drawing.mouse.wheel(0, -100)
    drawing.keyboard.up("Control")
    drawing.wait_for_url(re.compile("hours=10%3A00-11%3A"))  # what is under the pointer stays
    drawing.evaluate("document.activeElement.blur()")
    drawing.keyboard.press("0")
    drawing.wait_for_url(re.compile(re.escape("hours=00%3A00-24%3A00")))
    assert drawing.inner_text(".tl-hours span:first-child") == "00:00"


def test_zoomed_hours_are_dragged(drawing: "Page") -> None:
    opened(drawing, MONDAY)
    left, top = point(drawing, 10)
    drawing.mouse.move(left, top)
    drawing.mouse.down()
    drawing.mouse.move(point(drawing, 9.5)[0], top)
    drawing.mouse.move(point(drawing, 9)[0], top)
    drawing.mouse.up()
    drawing.wait_for_url(re.compile(re.escape("hours=09%3A00-13%3A00")))


def test_a_day_on_which_the_clocks_change_has_its_own_hours(drawing: "Page") -> None:
    opened(drawing, "/timeline?day=2025-10-26&hours=00:00-06:00")
    hours = drawing.locator(".tl-hours span").all_inner_texts()
    assert hours[:5] == ["00:00", "01:00", "02:00", "02:00", "03:00"]


# ── keyboard, table, copies ───────────────────────────────────────────────────────────────────────────────


def test_the_keyboard_alone_reaches_rooms_machines_and_sessions(drawing: "Page") -> None:
    opened(drawing, MONDAY)
    drawing.keyboard.press("j")
    drawing.keyboard.press("ArrowRight")
    assert drawing.inner_text("#said") == "A102, 08:00 to 08:15: 0 of 3 machines in use"
    drawing.keyboard.press("Enter")
    drawing.wait_for_selector(".tl-hosts li")
    loaded(drawing)
    drawing.keyboard.press("j")
    drawing.keyboard.press("ArrowRight")
    assert drawing.inner_text("#said").startswith("alice on A102-01")
    drawing.keyboard.press("ArrowRight")
    assert drawing.inner_text("#said").startswith(HOSTILE)
    drawing.keyboard.press("ArrowLeft")
    drawing.keyboard.press("c")
    assert drawing.inner_text("#said") == "The row is copied."
    drawing.keyboard.press("?")
    assert "table or drawing" in drawing.inner_text("dialog")
    drawing.keyboard.press("Escape")
    drawing.focus("[data-host=A102-01] a")
    drawing.keyboard.press("Enter")
    drawing.wait_for_url("**/machine/A102-01")


def test_a_key_shows_the_same_as_tables(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    drawing.keyboard.press("t")
    drawing.wait_for_selector(".tl-table td >> text=alice")
    drawing.wait_for_url(re.compile(re.escape("view=table")))
    assert drawing.locator("canvas").count() == 0
    rooms, sessions = drawing.locator(".tl-table").all()
    hours = rooms.locator("tbody tr").first.locator("td").all_inner_texts()
    assert [each.strip() for each in hours[:14]] == ["3", *["0"] * 8, "1", "3", "1+1", "1", "0"]
    names = sessions.locator("td:nth-child(2)").all_inner_texts()
    assert names == ["alice", HOSTILE, HOSTILE, "bob", "⟨U+202E⟩ecila", "carol"]
    first = sessions.locator("tbody tr").first.locator("th, td").all_inner_texts()
    assert [each.strip() for each in first] == ["A102-01", "alice", "08:30", "09:30", ""]
    assert drawing.locator("main img").count() == 0
    links = rooms.locator("td a").evaluate_all("each => each.map((one) => one.getAttribute('href'))")
    assert "/?from=2026-01-12T09%3A00&to=2026-01-12T09%3A15&room=A102" in links
    drawing.keyboard.press("t")
    drawing.wait_for_selector("canvas")


def test_a_row_is_copied_as_one_line(drawing: "Page") -> None:
    opened(drawing, f"{MONDAY}&open=A102", ".tl-hosts li")
    drawing.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
    drawing.focus("[data-host=A102-02] a")
    drawing.keyboard.press("c")
    assert drawing.evaluate("copied") == (
        "Monday 12 January, A102-02: bob on A102-02, 09:00 to 11:00; ⟨U+202E⟩ecila on a102-02., 10:00 to 11:00"
    )
    drawing.focus(".summary")
    drawing.keyboard.press("c")
    assert drawing.evaluate("copied") == (
        "Monday 12 January, A102: most machines at 09:00: 3 of 3 in use, 0 to be checked"
    )


def test_what_is_shown_comes_as_csv(drawing: "Page") -> None:
    opened(drawing, "/timeline?day=2026-01-12&room=A102", ".tl-hosts li")
    with drawing.expect_download() as waiting:
        drawing.click(".csv")
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert lines[0].startswith("username,hostname,room,")
    assert len(lines) == 7
    assert {line.split(",")[2] for line in lines[1:]} == {"A102"}


def test_several_rooms_come_as_csv(drawing: "Page") -> None:
    opened(drawing, "/timeline?day=2026-01-12&room=A102,B1", "[data-host='B1-01']")
    with drawing.expect_download() as waiting:
        drawing.click(".csv")
    assert len(Path(waiting.value.path()).read_text().splitlines()) == 8


# ── faults and emptiness ──────────────────────────────────────────────────────────────────────────────────


@contextmanager
def forgiving(browser: "Browser", port: int) -> Iterator["Page"]:
    """A page whose console may complain, because an answer is a fault."""
    context = browser.new_context(viewport=cast("Any", DESKTOP), locale="en-GB", base_url=f"http://127.0.0.1:{port}")
    try:
        yield context.new_page()
    finally:
        context.close()


def test_a_day_that_is_wrong_is_told_and_another_can_be_chosen(browser: "Browser", site: Winlogd) -> None:
    with forgiving(browser, site.port) as page:
        page.goto("/timeline?day=2027-01-01")
        page.wait_for_selector("text=The question was not understood: day: must not be in the future.")
        page.fill("input[type=date]", "2026-01-12")
        page.wait_for_selector("canvas")


def test_no_answer_is_told_with_a_way_out(browser: "Browser", site: Winlogd) -> None:
    with forgiving(browser, site.port) as page:
        page.route("**/api/v1/sessions?*", lambda route: route.abort())
        page.goto(f"{MONDAY}&open=A102")
        page.wait_for_selector(".tl-note >> text=The server does not answer.")
        page.unroute("**/api/v1/sessions?*")
        page.click("text=Try again")
        page.wait_for_selector(".tl-hosts li")


def test_a_busy_server_is_asked_again(browser: "Browser", site: Winlogd) -> None:
    with forgiving(browser, site.port) as page:
        answers = iter([503])
        page.route(
            "**/api/v1/occupancy?*",
            lambda route: (
                route.fulfill(status=503, json={"error": "Try again"}) if next(answers, 0) else route.continue_()
            ),
        )
        page.goto(MONDAY)
        page.wait_for_selector("canvas")


def test_an_unknown_room_is_told(drawing: "Page") -> None:
    opened(drawing, "/timeline?day=2026-01-12&room=Z9", ".empty")
    assert "There is no such room: Z9." in drawing.inner_text("main")


def test_a_site_without_machines_says_where_rooms_come_from(browser: "Browser", tmp_path: Path) -> None:
    with served(tmp_path, [], NOW_US, SETTINGS) as server, browsing(browser, server.port) as page:
        opened(page, "/timeline", ".empty")
        assert "No machine is known yet." in page.inner_text("main")


# ── languages, schemes, sizes ─────────────────────────────────────────────────────────────────────────────


def test_french(browser: "Browser", site: Winlogd) -> None:
    with browsing(browser, site.port, locale="fr-FR") as page:
        opened(page, f"{MONDAY}&open=A102", ".tl-hosts li")
        assert page.inner_text(".tl-day").lower() == "lundi 12 janvier"
        assert hint(page, 9, "A102-01") == "alice sur A102-01, de 08:30 à 09:30"
        assert hint(page, 9.1) == "A102, de 09:00 à 09:15 : 3 postes occupés sur 3"
        assert "lang=fr" in (page.get_attribute(".csv", "href") or "")


def test_the_dark_scheme_has_its_own_colours(browser: "Browser", site: Winlogd) -> None:
    with browsing(browser, site.port, color_scheme="dark") as page:
        opened(page, MONDAY)
        assert colours(page, 8.6, None, 0.8) == {"120 169 245 255"}
        page.emulate_media(color_scheme="light")
        wait_for(lambda: colours(page, 8.6, None, 0.8) == BLUE, "the colours of the light scheme")


def test_a_finger_gets_words_and_a_link(browser: "Browser", site: Winlogd) -> None:
    with browsing(browser, site.port, viewport=TELEPHONE, has_touch=True, is_mobile=True) as page:
        opened(page, f"{MONDAY}&open=A102", ".tl-hosts li")
        page.touchscreen.tap(*point(page, 9, "A102-01"))
        page.wait_for_selector(".tl-hint a")
        assert page.inner_text(".tl-hint") == "alice on A102-01, 08:30 to 09:30"
        page.locator(".tl-hint a").tap()
        page.wait_for_url("**/user/alice")


@pytest.mark.parametrize(("view", "wanted"), [("", "[data-host] a"), ("&view=table", ".tl-table td >> text=alice")])
def test_on_a_telephone_each_target_is_large_and_nothing_is_wider(
    browser: "Browser", site: Winlogd, view: str, wanted: str
) -> None:
    with browsing(browser, site.port, viewport=TELEPHONE, has_touch=True, is_mobile=True) as page:
        opened(page, f"{MONDAY}&open=A102{view}", wanted)
        sizes = page.locator("main a, main button, main input").evaluate_all(
            "all => all.filter((each) => each.checkVisibility()).map((each) => {"
            " const box = each.getBoundingClientRect(); return [each.textContent, box.width, box.height]; })"
        )
        assert len(sizes) > 5
        assert [each for each in sizes if min(each[1:]) < 43.9] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["", "&open=A102", "&open=A102&view=table", "&room=Z9"])
def test_axe_finds_nothing_serious(browser: "Browser", site: Winlogd, view: str, scheme: str) -> None:
    with browsing(browser, site.port, color_scheme=scheme) as page:
        opened(page, f"{MONDAY}{view}", "canvas, .tl-table td, .empty")
        assert faults(page) == []


def test_the_navigation_and_a_key_lead_here(page: "Page") -> None:
    opened(page, "/", ".room")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_selector(".tl-room")
    page.wait_for_url(re.compile(r"/timeline$"))
    assert page.inner_text("nav a[aria-current]") == "Timeline"
