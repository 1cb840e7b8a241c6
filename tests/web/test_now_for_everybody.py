"""The page Now for whoever sits before it: nothing has come, dark or light, a keyboard, a screen reader, a finger."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.running import Winlogd, an_event, running
from tests.web.axe import faults
from tests.web.browsing import TELEPHONE, browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

LEAST_PX: Final = 44
SCHEMES: Final = ("light", "dark")
CONTRAST: Final = """() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const { color, backgroundColor } = getComputedStyle(document.body);
  const [a, b] = [light(color), light(backgroundColor)];
  return [b, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
}"""
"""How light the ground is, and the contrast of text on it (WCAG 2.2)."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A server that has received nothing."""
    with running(tmp_path_factory.mktemp("empty")) as server:
        server.wait_until_it_obeys()
        yield server


def opened(page: "Page", address: str) -> None:
    page.goto(address)
    page.wait_for_selector(".room")
    if "open=" in address or "state=" in address:
        page.wait_for_selector(".machine")


# ── nothing has come yet ──────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_page_gives_the_clients_line_with_this_servers_address(browser: "Browser", empty: Winlogd) -> None:
    with browsing(browser, empty.port) as page:
        page.goto("/")
        page.wait_for_selector(".empty pre")
        lines = page.locator(".empty pre").all_inner_texts()
        address = f"http://127.0.0.1:{empty.port}/api/v1/events"
        assert lines == [
            f"setx /M WINLOG_SERVER_URL {address}",
            f"echo 'WINLOG_SERVER_URL={address}' | sudo tee -a /etc/environment",
        ]
        assert faults(page) == []


def test_the_first_event_takes_the_place_of_the_empty_page(
    browser: "Browser", tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("first")) as server:
        server.wait_until_it_obeys()
        with browsing(browser, server.port) as page:
            page.goto("/")
            page.wait_for_selector(".empty pre")
            assert server.post(an_event()).status == 200
            page.wait_for_selector(".machine >> text=alice")
            assert page.locator(".empty").count() == 0


# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_dark_where_the_browser_is_dark_and_legible_in_both(browser: "Browser", school_server: Winlogd) -> None:
    grounds = []
    for scheme in SCHEMES:
        with browsing(browser, school_server.port, color_scheme=scheme) as page:
            opened(page, "/")
            ground, contrast = page.evaluate(CONTRAST)
            assert contrast > 7
            grounds.append(ground)
    assert grounds[0] > 0.8
    assert grounds[1] < 0.05


def test_a_state_has_a_shape_and_a_text_besides_its_colour(page: "Page") -> None:
    opened(page, "/?open=A101&open=A102")
    shapes: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".machine")].map((each) => [
          each.querySelector(".state").textContent,
          each.querySelector(".mark path").getAttribute("d") + getComputedStyle(each.querySelector(".mark")).fill,
        ]))"""
    )
    assert {"in use", "free"} <= set(shapes)
    assert len(set(shapes.values())) == len(shapes)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("address", ["/", "/?open=A101&open=A102", "/?open=A101&view=dense", "/?state=doubtful"])
def test_axe_finds_nothing_serious(browser: "Browser", school_server: Winlogd, scheme: str, address: str) -> None:
    with browsing(browser, school_server.port, color_scheme=scheme) as page:
        opened(page, address)
        assert faults(page) == []


def test_axe_finds_nothing_serious_in_the_list_of_keys(page: "Page") -> None:
    opened(page, "/")
    page.click("#header button[aria-label=Keys]")
    page.wait_for_selector("dialog")
    assert faults(page) == []


# ── hands ─────────────────────────────────────────────────────────────────────────────────────────────────────


def focus(page: "Page") -> str:
    text: str = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
    return text


def test_tab_reaches_everything_and_the_focus_is_seen(page: "Page") -> None:
    opened(page, "/?state=doubtful")
    page.evaluate(
        """() => {
          wanted = new Set([...document.querySelectorAll("a, button, input")].filter((each) => each.checkVisibility()));
          unseen = [];
          addEventListener("focusin", ({target}) => {
            wanted.delete(target);
            if (getComputedStyle(target).outlineStyle === "none") unseen.push(target.outerHTML);
          });
        }"""
    )
    count = page.evaluate("wanted.size")
    assert count > 15
    for _ in range(count + 3):  # round once: it begins in the box
        page.keyboard.press("Tab")
    assert page.evaluate("[...wanted].map((each) => each.outerHTML)") == []
    assert page.evaluate("unseen") == []


def test_the_first_tab_of_a_page_offers_to_skip_the_header(page: "Page") -> None:
    page.goto("/ghosts")
    page.wait_for_selector("main:not([aria-busy]) h1")
    page.keyboard.press("Tab")
    assert focus(page) == "To the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_the_keyboard_alone_filters_and_leaves_the_filter(page: "Page") -> None:
    opened(page, "/")
    page.evaluate("document.activeElement.blur()")
    for _ in range(30):
        page.keyboard.press("Tab")
        if "doubtful" in focus(page):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip")
    assert "state=doubtful" in page.url
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.chip')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip", state="detached")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("g")
    page.wait_for_url("**/ghosts")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url(lambda url: url.endswith("/"))
    page.wait_for_selector(".room")


@pytest.mark.parametrize("address", ["/", "/?open=A101", "/?open=A101&view=dense", "/?state=doubtful"])
def test_fingers_hit_everything_on_a_telephone(browser: "Browser", school_server: Winlogd, address: str) -> None:
    with browsing(browser, school_server.port, viewport=TELEPHONE, has_touch=True, is_mobile=True) as page:
        opened(page, address)
        small = page.evaluate(
            """(least) => [...document.querySelectorAll("body :is(a, button, input)")]
            .filter((each) => each.checkVisibility() && !each.matches(".skip"))
            .map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])
            .filter(([, box]) => box.height < least - 0.5 || box.width < least - 0.5).map(([html]) => html)""",
            LEAST_PX,
        )
        assert small == []
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]


def test_the_page_asks_no_other_host(browser: "Browser", school_server: Winlogd) -> None:
    """`browsing` complains of each request to another host; it does see the requests of this one."""
    with browsing(browser, school_server.port) as page:
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        opened(page, "/?open=A101")
        assert f"http://127.0.0.1:{school_server.port}/web/main.js" in asked
        assert {each.split("/")[2] for each in asked} == {f"127.0.0.1:{school_server.port}"}
