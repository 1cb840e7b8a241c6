"""The box in a real browser: it searches while somebody types, says what it understood, and Enter opens it."""

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.running import Winlogd
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing
from tests.web.played import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]

FIELD: Final = "#box input"
LINE: Final = "#understood"
OPTIONS: Final = "#found:not([hidden]) [role=option]"
CHOSEN: Final = "[role=option][aria-selected=true]"
FINGER_PX: Final = 44


def begin(page: "Page", address: str = "/") -> None:
    """Open a page, and go to its box."""
    page.goto(address)
    page.wait_for_selector("main:not([aria-busy]) :is(h1, [role=alert])")
    page.focus(FIELD)


def search(page: "Page", text: str, said: str) -> None:
    """Type a text, and wait until the line under the box says something."""
    page.fill(FIELD, "")
    page.keyboard.type(text)
    page.wait_for_selector(f"{LINE} >> text={said}")


def where(page: "Page") -> str:
    """Return the path and query of the address."""
    return str(page.evaluate("decodeURIComponent(location.pathname + location.search)"))


def groups(page: "Page") -> list[str]:
    return page.locator("#found .kind").all_inner_texts()


# ── the ten-second question ───────────────────────────────────────────────────────────────────────────


def test_the_ten_second_question_is_answered_on_the_page_that_enter_opens(page: "Page", school_server: Winlogd) -> None:
    begin(page)
    page.keyboard.type("A102 hier 10:15")
    page.keyboard.press("Enter")  # at once: the answer has not come yet
    page.wait_for_url("**/?at=*")
    assert where(page) == "/?at=2026-01-12T10:15&room=A102"
    answer = school_server.request("GET", "/api/v1/sessions?room=A102&at=2026-01-12T10:15").json
    people = len({each["username"].lower() for each in answer["sessions"]})
    assert people > 20
    assert page.inner_text(LINE).startswith(f"Room A102, Monday 12 January, 10:15 → {people} people")
    assert page.is_hidden("#found")


def test_words_of_both_languages_are_understood_whatever_the_page_speaks(
    browser: "Browser", school_server: Winlogd
) -> None:
    with browsing(browser, school_server.port, locale="fr-FR") as page:
        begin(page)
        search(page, "A102 yesterday 10:15", "Salle A102, lundi 12 janvier, 10:15 →")
        assert "personnes" in page.inner_text(LINE)
        page.click("text=English")
        page.wait_for_selector(f"{LINE} >> text=Room A102, Monday 12 January, 10:15 →")
        assert page.input_value(FIELD) == "A102 yesterday 10:15"


def test_a_moment_alone_a_span_and_a_name_with_a_moment(page: "Page") -> None:
    begin(page)
    for text, said, address in (
        ("yesterday M2", "Monday 12 January, 09:00 to 10:00 →", "/?from=2026-01-12T09:00&to=2026-01-12T10:00"),
        ("hier", "Monday 12 January →", "/?from=2026-01-12&to=2026-01-12"),
        ("hier 10:15", "Monday 12 January, 10:15 →", "/?at=2026-01-12T10:15"),
        ("A102-03 hier 10:15", "Machine A102-03, Monday", "/?at=2026-01-12T10:15&host=A102-03"),
        ("10.1.1.3 hier 10:15", "Address 10.1.1.3, Monday", "/?at=2026-01-12T10:15&ip=10.1.1.3"),
    ):
        page.keyboard.press("/")
        search(page, text, said)
        page.keyboard.press("Enter")
        page.wait_for_selector("main:focus")
        assert where(page) == address


def test_one_person_at_a_moment_is_named(page: "Page", school_server: Winlogd) -> None:
    answer = school_server.request("GET", "/api/v1/sessions?room=A102&at=2026-01-12T10:15&limit=1000").json
    hosts = [each["hostname"] for each in answer["sessions"]]
    session = next(each for each in answer["sessions"] if hosts.count(each["hostname"]) == 1)
    begin(page)
    search(page, f"{session['hostname']} yesterday 10:15", f"10:15 → {session['username']}")
    search(page, f"{session['username']} yesterday 10:15", f"10:15 → on {session['hostname']}")


def test_what_lies_in_the_future_is_said_and_not_opened(page: "Page") -> None:
    begin(page)
    search(page, "A102 today 23:00", "Room A102, Tuesday 13 January, 23:00 → not yet")
    page.keyboard.press("Enter")
    assert where(page) == "/"


def test_now_is_the_page_now(page: "Page") -> None:
    begin(page, "/timeline")
    search(page, "A102 maintenant", "in use")
    page.keyboard.press("Enter")
    page.wait_for_selector(".room .machine")
    assert where(page) == "/?open=A102"


# ── results ───────────────────────────────────────────────────────────────────────────────────────────


def test_results_come_while_typing_in_groups(page: "Page") -> None:
    begin(page, "/?room=A103")  # everything is searched, not only what is on the page
    search(page, "a1", "Room A101 →")
    assert groups(page) == ["Rooms", "People", "Machines"]
    assert page.locator("main .name").all_inner_texts() == ["A103"]
    assert page.locator(OPTIONS).count() <= 3 * 6
    assert page.inner_text("#found .left >> nth=-1").startswith("and ")
    search(page, "10.1.", "Address 10.1.")
    assert groups(page) == ["Addresses"]
    search(page, "A101 10:15", "Room A101, Tuesday 13 January, 10:15 →")
    assert groups(page)[-1] == "Moments"


def test_people_and_machines_say_where_and_who_it_was_last(page: "Page", school_server: Winlogd) -> None:
    machines = school_server.request("GET", "/api/v1/machines?state=free").json["machines"]
    free = next(each for each in machines if each["last_user"])
    begin(page)
    search(page, free["hostname"], f"Machine {free['hostname']} → free, last: {free['last_user']}, ")
    today = school_server.request("GET", "/api/v1/sessions?from=2026-01-13&limit=1000").json["sessions"]
    monday = school_server.request("GET", "/api/v1/sessions?to=2026-01-12").json["sessions"]
    seen = {each["username"] for each in today}
    gone = next(each["username"] for each in monday if each["username"] not in seen)
    search(page, gone, f"{gone} → last on ")
    assert ", yesterday " in page.inner_text(LINE)


def test_enter_opens_a_person_a_machine_a_room_or_an_address(page: "Page") -> None:
    begin(page)
    search(page, "A102-03", "Machine A102-03")
    page.keyboard.press("Enter")
    page.wait_for_url("**/machine/A102-03")
    page.keyboard.press("/")
    search(page, "img src", HOSTILE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/*")
    assert where(page) == f"/user/{HOSTILE}"
    page.keyboard.press("/")
    search(page, "10.1.1.3", "Address 10.1.1.3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?from=*")
    assert where(page) == "/?from=2026-01-07&to=2026-01-13&ip=10.1.1.3"
    page.keyboard.press("/")
    search(page, "a104", "Room A104")
    page.keyboard.press("Enter")
    page.wait_for_selector(".room[data-name=A104] .summary:focus")
    assert where(page) == "/?open=A104"
    assert page.get_attribute(".room[data-name=A104] .summary", "aria-expanded") == "true"


def test_the_arrows_choose_and_escape_closes(page: "Page") -> None:
    begin(page)
    search(page, "a10", "Room A101")
    assert page.get_attribute(FIELD, "aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.inner_text(f"{CHOSEN} .name") == "A102"
    assert page.get_attribute(FIELD, "aria-activedescendant") == page.get_attribute(CHOSEN, "id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.get_attribute(FIELD, "aria-activedescendant") is None
    page.keyboard.press("ArrowUp")
    last = page.locator(OPTIONS).count() - 1
    assert page.get_attribute(FIELD, "aria-activedescendant") == f"found-{last}"
    page.keyboard.press("Escape")
    assert page.is_hidden("#found")
    assert (page.get_attribute(FIELD, "aria-expanded"), page.input_value(FIELD)) == ("false", "a10")
    page.keyboard.press("Escape")
    assert (page.input_value(FIELD), page.text_content(LINE)) == ("", "")
    search(page, "a10", "Room A101")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".room[data-name=A103] .summary:focus")


def test_a_result_becomes_a_filter_that_is_a_chip(page: "Page") -> None:
    begin(page, "/?state=in_use")
    search(page, "A102", "Room A102")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".chip >> text=room: A102")
    assert where(page) == "/?state=in_use&room=A102"
    page.focus(FIELD)
    search(page, "A104-0", "Machine A104-0")
    page.hover(OPTIONS)
    page.click(f"{OPTIONS} .only >> nth=0")
    page.wait_for_selector(".chip >> text=machine: A104-0")
    assert where(page).startswith("/?state=in_use&room=A102&host=A104-0")


def test_a_click_opens_a_result_and_going_on_empties_the_box(page: "Page") -> None:
    begin(page)
    search(page, "A103", "Room A103")
    page.click(f"{OPTIONS} >> text=A103-02")
    page.wait_for_url("**/machine/A103-02")
    assert page.inner_text(LINE).startswith("Room A103")
    page.go_back()
    page.wait_for_selector(".room")
    assert (page.input_value(FIELD), page.text_content(LINE)) == ("", "")


def test_a_name_that_is_markup_is_text(page: "Page") -> None:
    begin(page)
    search(page, "onerror", HOSTILE)
    assert page.inner_text(f"{OPTIONS} .name") == HOSTILE
    search(page, "ecila", "⟨U+202E⟩ecila")
    assert page.locator("#header img").count() == 0


def test_what_is_not_found_says_what_can_be_typed(page: "Page") -> None:
    begin(page)
    search(page, "zzzz", "Nothing was found for “zzzz”.")
    page.keyboard.press("Enter")
    assert where(page) == "/"
    assert "Type a part of a name" in page.inner_text("#found")
    assert page.locator(".examples button").all_inner_texts()[::2] == ["A101 yesterday 10:15", "10.1.0.1"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{LINE} >> text=Room A101, Monday 12 January, 10:15 →")
    search(page, "zzzz hier 10:15", "Nothing was found for “zzzz”.")
    page.keyboard.press("Enter")  # the moment alone is not what was asked
    assert where(page) == "/"


def test_a_chosen_result_is_copied_as_one_line(page: "Page") -> None:
    begin(page)
    search(page, "A102", "Room A102")
    page.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+c")
    assert page.evaluate("copied").startswith("A102, ")
    assert page.evaluate("copied").endswith(" in use")


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────


def test_one_question_is_asked_at_a_time_and_old_answers_are_dropped(page: "Page") -> None:
    waiting: list[Route] = []
    page.route("**/api/v1/search?*", lambda route: waiting.append(route))  # playwright sets attributes of it
    begin(page)
    with page.expect_request("**/api/v1/search?*"):
        page.fill(FIELD, "A101")  # at once: after a pause between two letters the box asks for the first ones
    page.keyboard.type("-0", delay=300)  # each letter is a text of its own
    page.fill(FIELD, "")
    page.keyboard.type("A102", delay=300)
    assert len(waiting) == 1
    assert "q=A101&" in waiting[0].request.url
    with page.expect_request("**/api/v1/search?*") as second:
        page.unroute("**/api/v1/search?*")  # the first question goes on
    assert "q=A102&" in second.value.url
    page.wait_for_selector(f"{LINE} >> text=Room A102")
    assert "A101" not in page.inner_text("#found")


def test_a_server_that_does_not_answer_is_asked_again(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port) as page:
        page.route("**/api/v1/search?*", lambda route: route.fulfill(status=200, body="<not json>"))
        begin(page)
        page.keyboard.type("A102")
        page.wait_for_selector(f"{LINE} >> text=The server does not answer.")
        page.unroute("**/api/v1/search?*")
        page.click("#found >> text=Try again")
        page.wait_for_selector(f"{LINE} >> text=Room A102")


# ── everybody ─────────────────────────────────────────────────────────────────────────────────────────


def test_on_a_telephone_results_are_as_high_as_a_finger(browser: "Browser", school_server: Winlogd) -> None:
    with browsing(browser, school_server.port, viewport=TELEPHONE, has_touch=True) as page:
        begin(page)
        search(page, "a1", "Room A101")
        for selector in (OPTIONS, f"{OPTIONS} .only"):
            for each in page.locator(selector).all():
                assert (each.bounding_box() or {"height": 0})["height"] >= FINGER_PX
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]


def test_the_slash_leads_to_the_box_from_any_page(page: "Page") -> None:
    begin(page, "/machine/A102-03")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    search(page, "A101", "Room A101")


def test_axe_finds_nothing_serious_in_the_open_box(browser: "Browser", school_server: Winlogd) -> None:
    for scheme in ("light", "dark"):
        with browsing(browser, school_server.port, color_scheme=scheme) as page:
            begin(page)
            for text, said in (("a1", "Room A101"), ("zzzz", "Nothing was found")):
                search(page, text, said)
                page.keyboard.press("ArrowDown")
                assert faults(page, "#header") == []
