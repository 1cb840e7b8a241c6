"""The page of a moment in a real browser: who was on, how surely and why, and the way to other moments and to now."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd, an_event
from tests.support.school_clients import Sent
from tests.support.school_truth import HOUR_US
from tests.support.served import found, served
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing
from tests.web.played import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

PAST: Final = "/?at=2026-01-13T09:57"
ROOMS: Final = "hostname,room\nA1-1,A1\nA1-2,A1\nA1-3,A1\nB1-1,B1\n"
SETTINGS: Final = '[server]\ntimezone = "UTC"\n[rooms]\nrooms_file = "rooms.csv"\n'
LEAST_PX: Final = 44


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Three people on a Monday: one has left, one may still be on, and one has a clock that is an hour ahead."""
    events = [
        *stay(at(0, 8), at(0, 9), "alice", "A1-1"),
        sent(at(0, 8.5), HOSTILE, "C", "A1-2"),
        sent(at(0, 9.5), "carol", "C", "A1-2"),
        sent(at(0, 8.75), "dave", "C", "B1-1", by_clock_us=at(0, 9.75)),
        *stay(at(1, 8), at(1, 9), "erin", "A1-1"),
    ]
    with served(tmp_path_factory.mktemp("small"), events, at(1, 12), SETTINGS, ROOMS) as server:
        yield server


@pytest.fixture
def few(browser: "Browser", small: Winlogd) -> Iterator["Page"]:
    """A page of the server with three people."""
    with browsing(browser, small.port) as opened:
        yield opened


def opened(page: "Page", address: str) -> None:
    """Open a moment, and wait until it is shown."""
    page.goto(address)
    arrived(page)


def arrived(page: "Page") -> None:
    page.wait_for_selector(".moment-banner h1")
    page.wait_for_selector("main:not([aria-busy])")


def heading(page: "Page") -> str:
    return page.inner_text("h1")


def until(page: "Page", text: str) -> None:
    """Wait until the heading begins with a text."""
    page.wait_for_selector(f"h1:has-text({text!r})")
    arrived(page)


def total(page: "Page", state: str) -> int:
    return int(page.inner_text(f".totals .{state} b").replace(",", ""))


def ground(page: "Page") -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────


def test_rooms_are_as_in_now_but_as_they_were(page: "Page", school_server: Winlogd) -> None:
    opened(page, PAST)
    rooms = found(school_server, "moment", at="2026-01-13T09:57")["rooms"]
    assert page.locator(".room").count() == len(rooms) > 3
    assert page.inner_text(".room:first-child .share") == f"{rooms[0]['in_use']}/{rooms[0]['machines']}"
    page.click(".room:first-child .summary")
    page.wait_for_selector(".machine")
    assert page.locator(".machine").count() == rooms[0]["machines"]
    assert "open=" in page.url
    assert "at=" in page.url


def test_it_is_frozen(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port) as page:
        opened(page, "/?at=2026-01-13T10:20&room=A102")
        before = page.inner_text("main")
        now = page.context.new_page()
        now.goto("/?room=A102")
        now.wait_for_selector(".machine")
        event = an_event(username="newcomer", hostname="A102-05", timestamp="2026-01-13T10:15:10Z")
        assert school_server.post(event).status == 200
        now.wait_for_selector(".machine >> text=newcomer")
        assert page.inner_text("main") == before


def test_a_banner_and_another_ground_say_that_it_is_not_now(page: "Page") -> None:
    page.goto("/")
    page.wait_for_selector(".room")
    now = ground(page)
    assert page.get_attribute("nav a", "aria-current") == "page"
    opened(page, PAST)
    assert ground(page) != now
    assert heading(page).startswith("Tuesday 13 January, 09:57")
    assert page.get_attribute("nav a", "aria-current") is None
    assert "09:57" in page.title()
    page.click("text=Back to now")
    page.wait_for_selector(".moment-banner", state="detached")
    page.wait_for_selector(".room")
    assert ground(page) == now
    page.go_back()
    until(page, "Tuesday 13 January, 09:57")


def test_certain_presumed_and_doubtful_are_counted_apart_and_lead_to_their_lists(
    page: "Page", school_server: Winlogd
) -> None:
    opened(page, PAST)
    sessions = found(school_server, "sessions", at="2026-01-13T09:57", limit=1000)["sessions"]
    for grade in ("certain", "presumed", "doubtful"):
        count = sum(each["certainty"] == grade for each in sessions)
        assert total(page, grade) == count > 0
        page.click(f".totals .{grade}")
        page.wait_for_selector(f".chip >> text={grade}")
        page.wait_for_selector(f".person.{grade}")
        page.wait_for_function(f"() => document.querySelectorAll('.person.{grade}').length === {count}")
        assert page.locator(f".machine:not(:has(.person.{grade}))").count() == 0
        assert f"state={grade}" in page.url
        page.click(".chip")
        page.wait_for_selector(".chip", state="detached")


def test_a_grade_has_a_shape_of_its_own(page: "Page") -> None:
    opened(page, PAST)
    shapes = {page.get_attribute(f".totals .{each} path", "d") for each in ("certain", "presumed", "doubtful", "free")}
    assert len(shapes) == 4


def test_each_session_has_its_user_since_until_certainty_and_why(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:40&open=A1&open=B1")
    lines = [each.replace("\n", " ") for each in few.locator(".person").all_inner_texts()]
    assert lines == [
        "alice 08:00 – 09:00 certain: logon and logoff were reported",
        f"{HOSTILE} since 08:30 presumed: no logoff has come, and nothing speaks against it",
    ]
    opened(few, "/?at=2026-01-12T09:45&open=A1&open=B1")
    text = few.inner_text("main")
    assert "carol since 09:30 presumed" in text
    assert f"{HOSTILE} since 08:30 doubtful: another user has logged on since" in text
    assert few.locator(".machine.free").count() == 1
    assert "alice" in few.inner_text(".machine.free")
    opened(few, "/?at=2026-01-12T09:00&open=B1")
    assert "dave since 09:45 doubtful: the two clocks disagree" in few.inner_text("main")


def test_a_name_that_is_markup_is_text(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T09:15&open=A1")
    assert HOSTILE in few.inner_text(".rooms")
    assert HOSTILE in few.inner_text(".around")
    opened(few, "/?from=2026-01-12&to=2026-01-12")
    assert HOSTILE in few.inner_text(".rooms")
    few.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert HOSTILE in (few.text_content(".paper") or "")
    assert few.locator("img").count() == 0


def test_who_came_and_who_left_within_an_hour_are_two_lists(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T09:10")
    came, left, _ = few.locator(".around details").all()
    assert came.inner_text().startswith("3 came within an hour")
    assert [each.split()[0] for each in came.locator("li").all_inner_texts()] == ["08:30", "08:45", "09:30"]
    assert left.inner_text().startswith("1 left within an hour")
    assert left.locator("li").inner_text().split() == ["09:00", "alice", "A1-1"]
    came.locator("text=all, with their times").click()
    until(few, "Monday 12 January, 08:10 to 10:10")
    few.go_back()
    until(few, "Monday 12 January, 09:10")
    few.click(".around li >> text=09:30")
    until(few, "Monday 12 January, 09:30")


def test_machines_without_an_event_since_are_listed(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T10:00")
    silent = few.locator(".around details").nth(2)
    assert silent.inner_text() == "2 machines silent since"
    silent.locator("summary").click()
    silent.locator("li >> text=A1-2").wait_for()
    assert [each.split()[0] for each in silent.locator("li").all_inner_texts()] == ["A1-2", "B1-1"]


def test_filters_are_chips_and_unfold_the_rooms_with_hits(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:50&user=dave&ip=10.1.0.7")
    assert few.locator(".chip bdi").all_inner_texts() == ["user: dave", "address: 10.1.0.7"]
    assert few.locator(".machine .host").all_inner_texts() == ["B1-1"]
    assert heading(few).endswith("1 person on")
    few.click(".chip >> text=user")
    few.wait_for_selector(".machine >> text=alice")


# ── to other moments ──────────────────────────────────────────────────────────────────────────────────────────


def test_buttons_and_keys_lead_to_the_previous_and_the_next_change(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T07:00")
    few.click("[data-way=next]")
    until(few, "Monday 12 January, 08:00")
    for time in ("08:30", "08:45", "09:00:01", "09:30"):
        few.keyboard.press("n")
        until(few, f"Monday 12 January, {time}")
    few.keyboard.press("p")
    until(few, "Monday 12 January, 09:00:01")
    few.click("[data-way=previous]")
    until(few, "Monday 12 January, 08:45")
    few.go_back()
    until(few, "Monday 12 January, 09:00:01")


def test_where_there_is_no_change_the_button_leads_nowhere(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T07:00")
    assert few.locator("[data-way=previous]").count() == 0
    few.keyboard.press("p")
    few.keyboard.press("+")
    until(few, "Monday 12 January, 07:15")


def test_a_quarter_of_an_hour_and_a_day(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:00&room=A1")
    few.keyboard.press("+")
    until(few, "Monday 12 January, 08:15")
    few.keyboard.press("-")
    until(few, "Monday 12 January, 08:00")
    few.click("[data-way=earlier]")
    until(few, "Monday 12 January, 07:45")
    few.keyboard.press("]")
    until(few, "Tuesday 13 January, 07:45")
    few.click("[data-way=day_before]")
    until(few, "Monday 12 January, 07:45")
    assert "room=A1" in few.url


def test_a_button_keeps_the_focus_so_that_it_can_be_pressed_again(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:00")
    few.focus("[data-way=later]")
    for time in ("08:15", "08:30", "08:45"):
        few.keyboard.press("Enter")
        until(few, f"Monday 12 January, {time}")


def test_a_slider_for_the_day_has_a_tick_for_each_hour(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:00")
    assert few.locator(".tick").all_inner_texts() == [str(hour) for hour in range(25)]
    slider = few.locator("input[type=range]")
    assert slider.get_attribute("aria-valuetext") == "08:00"
    slider.focus()
    few.keyboard.press("ArrowRight")
    until(few, "Monday 12 January, 08:01")
    few.locator("input[type=range]").fill("585")
    until(few, "Monday 12 January, 09:45")
    box = few.locator("input[type=range]").bounding_box()
    assert box is not None
    few.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    few.wait_for_function("() => /T1[12]/.test(decodeURIComponent(location.search))")


def test_another_day_and_time_can_be_typed(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:00")
    few.fill("input[type=datetime-local]", "2026-01-13T08:30")
    until(few, "Tuesday 13 January, 08:30")


def test_the_keyboard_alone_goes_through_rooms_and_machines(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:40")
    few.evaluate("document.activeElement.blur()")
    few.keyboard.press("j")
    few.keyboard.press("Enter")
    few.wait_for_selector(".machine")
    few.keyboard.press("j")
    assert few.evaluate("document.activeElement.textContent") == "A1-1"
    few.keyboard.press("d")
    few.wait_for_selector(".rooms.dense")
    few.keyboard.press("?")
    assert "next change" in few.inner_text("dialog")
    few.keyboard.press("Escape")
    few.keyboard.press("g")
    few.keyboard.press("n")
    few.wait_for_selector(".moment-banner", state="detached")


# ── special moments ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_moment_in_the_future_says_so(few: "Page") -> None:
    opened(few, "/?at=2026-01-14T10:00")
    assert "still to come" in few.inner_text(".moment-banner")
    assert few.locator(".room, .around details").count() == 0
    few.click("text=Back to now")
    few.wait_for_selector(".room")


def test_a_time_of_day_that_comes_twice_shows_both(browser: "Browser", tmp_path: Path) -> None:
    october = at(286, 0)  # Sunday 25 October 2026: at 01:00 UTC the clocks of Paris go back from 03:00 to 02:00
    events = [
        *stay(october + 10**6, october + 2400 * 10**6, "early"),
        *stay(october + 5000 * 10**6, at(286, 2), "late"),
    ]
    settings = '[server]\ntimezone = "Europe/Paris"\n'
    with served(tmp_path, events, at(286, 9), settings) as server, browsing(browser, server.port) as page:
        opened(page, "/?at=2026-10-25T02:30&user=*")
        assert "came twice" in page.inner_text(".moment-banner")
        text = page.inner_text(".rooms")
        assert re.search(r"early .*only at 02:30 \(\+02:00\)", text)
        assert re.search(r"late .*only at 02:30 \(\+01:00\)", text)
        page.click(".moment-banner >> text=02:30 (+01:00)")
        page.wait_for_selector(".rooms >> text=early", state="detached")
        assert "late" in page.inner_text(".rooms")


def test_a_wrong_moment_is_told_in_plain_words(browser: "Browser", small: Winlogd) -> None:
    """This page may complain: the browser itself writes an answer of 400 to the console."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{small.port}", locale="en-GB")
    page = context.new_page()
    page.goto("/?at=soon")
    page.wait_for_selector("[role=alert]")
    assert "at:" in page.inner_text("[role=alert]")
    context.close()


# ── a span ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_span_lists_all_sessions_that_overlap_by_room(few: "Page") -> None:
    opened(few, "/?from=2026-01-12T08:10&to=2026-01-12T09:10")
    few.wait_for_selector(".machine")
    assert heading(few) == "Monday 12 January, 08:10 to 09:10 3 people on"
    rooms = few.locator(".room").all()
    assert [each.locator("h2").inner_text() for each in rooms] == ["A1 (2)", "B1 (1)"]
    assert [each.split()[:5] for each in rooms[0].locator(".machine").all_inner_texts()] == [
        ["A1-1", "alice", "08:00", "–", "09:00"],
        ["A1-2", "<img", "src=x", "onerror=alert(1)>", "since"],
    ]
    few.click(".totals .certain")
    few.wait_for_selector(".chip")
    assert few.locator(".machine .user").all_inner_texts() == ["alice"]
    few.keyboard.press("]")
    until(few, "Tuesday 13 January, 08:10 to 09:10")
    few.wait_for_selector(".machine >> text=erin")
    few.click(".ways >> text=08:10")
    until(few, "Tuesday 13 January, 08:10")


def test_a_whole_day_is_a_span(few: "Page") -> None:
    opened(few, "/?at=2026-01-13")
    few.wait_for_selector(".machine >> text=erin")
    assert heading(few).startswith("Tuesday 13 January 4 people")


def test_an_empty_span_says_so(few: "Page") -> None:
    opened(few, "/?from=2026-01-01&to=2026-01-02")
    few.wait_for_selector(".empty")
    assert few.inner_text(".empty") == "Nobody was on in this span."


# ── to take along ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_moment_prints_as_a_list_of_all_who_were_on(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:50")
    assert few.locator(".machine").count() == 0
    few.evaluate("dispatchEvent(new Event('beforeprint'))")
    few.emulate_media(media="print")
    assert not few.is_visible("main")
    assert not few.is_visible("#header")
    assert few.inner_text(".paper h1").startswith("Who was on: Monday 12 January, 08:50 (2026-01-12 08:50:00 +00:00)")
    rows = [each.split("\t") for each in few.locator(".paper tbody tr").all_inner_texts()]
    assert rows[0] == [
        "A1",
        "A1-1",
        "alice",
        "2026-01-12 08:00:00 +00:00",
        "2026-01-12 09:00:00 +00:00",
        "10.1.0.7",
        "certain: logon and logoff were reported",
    ]
    assert [row[2] for row in rows] == ["alice", HOSTILE, "dave"]
    few.evaluate("dispatchEvent(new Event('afterprint'))")
    assert few.locator(".paper").count() == 0


def test_what_is_shown_is_there_as_csv(few: "Page", small: Winlogd) -> None:
    opened(few, "/?at=2026-01-12T08:40&room=A1")
    address = few.get_attribute("a.csv", "href") or ""
    assert "lang=en" in address
    lines = small.request("GET", address).body.decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["username", HOSTILE, "alice"]
    opened(few, "/?at=2026-01-12T08:40&state=certain")
    with few.expect_download() as download:
        few.click("button.csv")
    assert download.value.path().read_text().splitlines()[1].startswith("alice,A1-1,A1,2026-01-12T08:00:00")


def test_the_csv_of_a_span_has_what_is_shown(few: "Page", small: Winlogd) -> None:
    opened(few, "/?from=2026-01-12&to=2026-01-13")
    address = few.get_attribute("a.csv", "href") or ""
    assert len(small.request("GET", address).body.decode().splitlines()) == 1 + few.locator(".person").count()
    opened(few, "/?from=2026-01-12&to=2026-01-13&state=certain")
    assert downloaded(few) == {"alice", "erin"} == set(few.locator(".person .user").all_inner_texts())


def test_the_csv_of_a_span_has_what_is_not_loaded_yet(browser: "Browser", tmp_path: Path) -> None:
    users = {f"user{number}" for number in range(3_100)}
    events = [sent(at(0, 8) + number, user, "C", f"laptop-{number}") for number, user in enumerate(sorted(users))]
    with served(tmp_path, events, at(0, 9), SETTINGS, ROOMS) as server, browsing(browser, server.port) as page:
        for query in ("room=", "state=doubtful", "state=presumed&room="):
            opened(page, f"/?from=2026-01-12&to=2026-01-12&{query}")
            page.wait_for_selector(".more button")
            assert downloaded(page) == (users if "doubtful" not in query else set())


def downloaded(page: "Page") -> set[str]:
    """Return the users in the CSV of a page."""
    with page.expect_download() as download:
        page.click("button.csv")
    with download.value.path().open(newline="") as file:
        return {each["username"] for each in csv.DictReader(file)}


def test_a_row_is_copied_as_one_line(few: "Page") -> None:
    opened(few, "/?at=2026-01-12T08:40&open=A1")
    few.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
    few.focus(".machine .host")
    few.keyboard.press("c")
    assert few.evaluate("copied") == (
        "2026-01-12 08:40:00, A1-1, A1, alice 08:00 – 09:00 (certain: logon and logoff were reported)"
    )


# ── for everybody ─────────────────────────────────────────────────────────────────────────────────────────────


def test_french(browser: "Browser", small: Winlogd) -> None:
    with browsing(browser, small.port, locale="fr-FR") as page:
        opened(page, "/?at=2026-01-12T09:45&open=A1")
        text = page.inner_text("main")
        assert heading(page).startswith("lundi 12 janvier, 09:45")
        assert "Revenir à maintenant" in text
        assert "à vérifier : un autre utilisateur s’est connecté depuis" in text
        assert "2 arrivées à moins d’une heure" in text
        page.click("text=English")
        until(page, "Monday 12 January, 09:45")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address",
    ["/?at=2026-01-12T09:45&open=A1&open=B1&state=", "/?from=2026-01-12&to=2026-01-13", "/?at=2026-02-01T10:00"],
)
def test_axe_finds_nothing_serious(browser: "Browser", small: Winlogd, scheme: str, address: str) -> None:
    with browsing(browser, small.port, color_scheme=scheme) as page:
        opened(page, address)
        for summary in page.locator("details:not([open]) > summary").all():
            summary.click()
        assert faults(page) == []


def test_fingers_hit_everything_on_a_telephone(browser: "Browser", small: Winlogd) -> None:
    with browsing(browser, small.port, viewport=TELEPHONE, has_touch=True, is_mobile=True) as page:
        for address in ("/?at=2026-01-12T09:45&open=A1&room=A1", "/?from=2026-01-12&to=2026-01-13&room=A1"):
            opened(page, address)
            page.wait_for_selector(".machine")
            small_ones = page.evaluate(
                """(least) => [...document.querySelectorAll("main :is(a, button, input, summary)")]
                .map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])
                .filter(([, box]) => box.height && box.height < least - 0.5).map(([html]) => html)""",
                LEAST_PX,
            )
            assert small_ones == []
            assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]


def many() -> Iterator[Sent]:
    """Yield a lesson on Tuesday in 200 rooms of 25 machines. A tenth of the machines is left on since Monday."""
    for number in range(5000):
        hostname, begin = f"R{number // 25:03}-{number % 25:02}", at(1, 9) + number * 50_000
        if number % 10 == 0:
            yield sent(at(0, 12) + number * 50_000, f"m{number}", "C", hostname)
        elif number % 10 < 8:
            yield from stay(begin, begin + HOUR_US, f"u{number}", hostname)


@pytest.mark.alone
def test_5000_machines_are_drawn_piece_by_piece(browser: "Browser", tmp_path: Path) -> None:
    """To show a moment, to go to the next one, and to unfold all rooms by a filter. The longest task is printed."""
    events = sorted(many(), key=lambda each: each.received_us)
    listed = sorted({each.hostname for each in events})
    rooms = "\n".join(["hostname,room", *(f"{each},{each[:4]}" for each in listed), ""])
    with served(tmp_path, events, at(1, 12), SETTINGS, rooms) as server, browsing(browser, server.port) as page:
        page.add_init_script(
            "tasks = [];"
            "new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)))"
            ".observe({entryTypes: ['longtask']})"
        )
        opened(page, "/?at=2026-01-13T09:30")
        assert page.locator(".room").count() == 200
        assert page.locator(".machine").count() == 0
        steps = [page.evaluate("Math.max(0, ...tasks.splice(0))")]
        page.keyboard.press("+")
        until(page, "Tuesday 13 January, 09:45")
        steps.append(page.evaluate("Math.max(0, ...tasks.splice(0))"))
        assert (total(page, "certain"), total(page, "doubtful")) == (3500, 500)
        page.evaluate(
            "most = 0; new MutationObserver((all) => {"
            " const added = all.flatMap((each) => [...each.addedNodes]).filter((each) => each.matches?.('.machine'));"
            " most = Math.max(most, added.length) }).observe(document.body, {childList: true, subtree: true})"
        )
        page.click(".totals .certain")
        page.wait_for_function("() => document.querySelectorAll('.person.certain').length === 3500")
        steps.append(page.evaluate("Math.max(0, ...tasks.splice(0))"))
        assert 0 < page.evaluate("most") < 1000
        print("longest tasks, ms:", *map(round, steps))
