"""The wall in a real browser: free seats without a name, as large as the screen allows, and black without a feed."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.locks import locked
from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd, an_event
from tests.support.served import found
from tests.support.wire import Wire, event_of
from tests.web.axe import faults
from tests.web.browsing import DESKTOP, TELEPHONE, browsing
from tests.web.played import played

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

SCREENS = {
    "desktop": DESKTOP,
    "television": {"width": 1920, "height": 1080},
    "upright": {"width": 1080, "height": 1920},
}


def open_wall(page: "Page", query: str = "") -> None:
    page.goto(f"/wall{query}")
    page.wait_for_selector(".wall li")


def said(page: "Page", room: str) -> str:
    """Return what the wall says of a room."""
    return " ".join(page.inner_text(f".wall li:has(bdi:text-is('{room}'))").split())


def test_a_room_shows_its_free_seats_and_no_name(page: "Page", school_server: Winlogd) -> None:
    open_wall(page)
    rooms = [each for each in found(school_server, "rooms")["rooms"] if each["name"]]
    assert page.locator(".wall li").count() == len(rooms)
    for each in rooms:
        assert said(page, each["name"]) == f"{each['name']} {each['free']} free of {each['machines']}"
    users = [user["username"] for each in found(school_server, "machines")["machines"] for user in each["users"]]
    text = page.inner_text("body")
    assert len(users) > 10
    assert [user for user in users if user in text] == []


def test_only_the_rooms_of_the_pattern_are_shown(page: "Page") -> None:
    open_wall(page, "?rooms=*02,a104")
    assert page.locator(".wall h2").all_inner_texts() == ["A102", "A104"]
    page.goto("/wall?rooms=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E*")
    page.wait_for_selector(".wall .empty")
    assert "No room has a name like <img src=x onerror=alert(1)>*." in page.inner_text("main")


def test_a_logon_takes_a_seat_without_a_reload(page: "Page", school_server: Winlogd) -> None:
    open_wall(page)
    before = found(school_server, "rooms", room="A103")["rooms"][0]
    machines = found(school_server, "machines", room="A103", state="free")["machines"]
    event = an_event(username="corridor", hostname=machines[0]["hostname"], timestamp="2026-01-13T10:15:00Z")
    assert school_server.post(event).status == 200
    page.wait_for_selector(f".wall li:has(bdi:text-is('A103')) .free:text-is('{before['free'] - 1}')")


def test_the_clock_is_the_servers(page: "Page") -> None:
    open_wall(page)
    assert page.inner_text(".wall-clock").startswith("11:1")  # 10:15 UTC and a bit, in Paris


@pytest.mark.parametrize("screen", SCREENS)
def test_rooms_share_the_screen_without_scrolling_and_are_legible_from_afar(
    browser: "Browser", school_server: Winlogd, screen: str
) -> None:
    viewport = SCREENS[screen]
    with browsing(browser, school_server.port, viewport=viewport) as page:
        open_wall(page)
        height, width = page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
        assert (width, height) == (viewport["width"], viewport["height"])
        inside = (
            "all => all.every((each) => each.scrollHeight <= each.clientHeight && each.scrollWidth <= each.clientWidth)"
        )
        assert page.locator(".wall li").evaluate_all(inside)
        sizes = page.locator(".wall .free").evaluate_all(
            "all => all.map((each) => parseFloat(getComputedStyle(each).fontSize))"
        )
        assert min(sizes) > 0.08 * min(viewport.values())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A school with more rooms than a screen has place for, and one room whose image sends no logoffs."""
    lost = [sent(at(0, 8 + number), "lost", "C", "Z999-01") for number in range(8)]
    more = [each for number in range(40) for each in stay(at(1, 8), at(1, 9), f"one{number}", f"X{number:02}-01")]
    settings = '[server]\ntimezone = "Europe/Paris"\n[rooms]\nfrom_hostname = "{room}-*"\n'
    with played(tmp_path_factory.mktemp("large"), machines=40, more=[*more, *lost], settings=settings) as server:
        yield server


def test_too_many_rooms_take_turns(browser: "Browser", large: Winlogd) -> None:
    with browsing(browser, large.port) as page:
        page.clock.install()
        open_wall(page, "?rooms=X*")
        pages = int(page.inner_text(".wall footer").rpartition(" ")[2])
        first = page.locator(".wall h2").all_inner_texts()
        seen = list(first)
        for number in range(2, pages + 1):
            page.clock.run_for(12_000)
            page.wait_for_selector(f"footer >> text={number} of {pages}")
            seen += page.locator(".wall h2").all_inner_texts()
        assert pages > 1
        assert sorted(seen) == [f"X{number:02}" for number in range(40)]
        page.keyboard.press("]")
        page.wait_for_selector(f"footer >> text=1 of {pages}")
        assert page.locator(".wall h2").all_inner_texts() == first


def test_a_room_whose_logoffs_are_missing_shows_no_free_seats_and_says_why(browser: "Browser", large: Winlogd) -> None:
    (room,) = found(large, "rooms", room="Z999")["rooms"]
    lost, sessions = re.findall(r"\d+", room["free_unknown"])
    for locale, unknown, why in (
        ("en-GB", "Not known", f"{lost} of {sessions} sessions of the last week have no logoff."),
        ("fr-FR", "Inconnu", f"{lost} des {sessions} sessions de la dernière semaine n’ont pas de déconnexion."),
    ):
        with browsing(browser, large.port, locale=locale) as page:
            open_wall(page, "?rooms=Z999")
            assert said(page, "Z999") == f"Z999 {unknown} {why}"


def test_without_the_feed_the_wall_is_black_and_says_since_when(browser: "Browser", tmp_path: Any) -> None:  # noqa: ANN401
    with played(tmp_path, machines=20) as server, browsing(browser, server.port) as page:
        open_wall(page)
        server.kill()
        page.wait_for_selector(".banner >> text=No news since")
        assert not page.is_visible(".wall li")
        black = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(black) == "rgb(0, 0, 0)"
        assert faults(page) == []


def test_while_nothing_is_stored_the_wall_says_so(browser: "Browser", tmp_path: Any) -> None:  # noqa: ANN401
    with played(tmp_path, machines=20) as server, browsing(browser, server.port) as page, Wire(server.port) as wire:
        open_wall(page)
        with locked(server):
            wire.send(event_of(an_event(hostname="A101-01", timestamp="2026-01-13T10:15:00Z")))
            page.wait_for_selector(".banner >> text=Nothing is stored since 11:15, because the database is locked")
        assert wire.answer().status == 200
        page.wait_for_selector(".banner", state="detached")


def test_the_screen_stays_on_where_the_browser_can(page: "Page") -> None:
    page.add_init_script("navigator.wakeLock.request = (kind) => { asked = kind; return new Promise(() => {}) }")
    open_wall(page)
    page.wait_for_function("globalThis.asked === 'screen'")


def test_a_person_leaves_the_wall_by_escape(page: "Page") -> None:
    open_wall(page)
    assert not page.is_visible("#header")
    page.keyboard.press("Escape")
    page.wait_for_selector(".room")
    assert page.is_visible("#header")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, TELEPHONE])
def test_nothing_keeps_anybody_from_reading_it(
    browser: "Browser",
    school_server: Winlogd,
    scheme: Any,  # noqa: ANN401
    viewport: Any,  # noqa: ANN401
) -> None:
    with browsing(browser, school_server.port, color_scheme=scheme, viewport=viewport) as page:
        open_wall(page)
        assert faults(page) == []
