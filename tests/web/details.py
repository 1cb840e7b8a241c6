"""What the tests of the pages about machines, users, ghosts and hardware share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd
from tests.support.school_clients import Sent
from tests.support.served import served
from tests.web.browsing import browsing
from tests.web.played import HOSTILE, SETTINGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NOW_US: Final = at(1, 10.25)
ROOMS: Final = "hostname,room,state\n" + "".join(
    f"{host},{host[:4]},\n"
    for host in ("A101-01", "A101-02", "A101-03", "A102-01", "A102-02", "A102-03", "B001-01", "B001-02")
)
DOUBTS: Final = SETTINGS.replace("[sessions]", '[sessions]\ninventory_at_boot = true\nclosing = "19:00"')
PROFILE: Final = f"{DOUBTS}[privacy]\nperson_profile = true\n"
GHOSTS: Final = {
    "A101-01": "another user has logged on since",
    "A101-02": "the machine has restarted since",
    "A101-03": "the site has closed since",
    "A102-01": "the logon is too long ago",
    "A102-02": "closed when the same user logged on again",
    "A102-03": "closed because it was open for too long",
}
"""The machines with a ghost, and why each is one. The site is in Paris, an hour ahead of UTC."""


def small_site() -> list[Sent]:
    """Return the events of a small site with each kind of ghost, and two machines that report their hardware."""
    old = {"cpu_brand": "Intel Core i3", "memory_total": 8 << 30, "disks": [{"model": "WDC", "size": 500 << 30}]}
    new = {"cpu_brand": "Intel Core i3", "memory_total": 16 << 30, "serial": "S-17", "note": "<b>bold</b>"}
    other = {"cpu_brand": "AMD Ryzen 5", "memory_total": 32 << 30, "disks": [{"model": "Crucial", "serial": "C77"}]}
    events = [
        sent(at(0, 0.5), "zoe", "C", "A102-03"),
        sent(at(0, 7), "SYSTEM", "M", "B001-01", hardware=old),
        *stay(at(0, 8), at(0, 9.5), "alice", "B001-01"),
        sent(at(0, 17), "carol", "C", "A101-03"),
        sent(at(0, 18.5), "dave", "C", "A102-01"),
        sent(at(1, 6.9), "SYSTEM", "M", "B001-02", hardware=other),
        sent(at(1, 7), "SYSTEM", "M", "B001-01", hardware=new),
        sent(at(1, 7.5), HOSTILE, "C", "A101-02"),
        sent(at(1, 7.6), "SYSTEM", "M", "A101-02"),
        sent(at(1, 8), "erin", "C", "A101-01"),
        *stay(at(1, 8), at(1, 8.75), "alice", "B001-01"),
        sent(at(1, 9), "frank", "C", "A101-01"),
        sent(at(1, 9), "gina", "C", "A102-02"),
        sent(at(1, 9.5), "gina", "C", "A102-02"),
        sent(at(1, 10), "alice", "C", "B001-01"),
    ]
    return sorted(events, key=lambda each: each.received_us)


@contextmanager
def small(folder: Path, settings: str = DOUBTS) -> Iterator[Winlogd]:
    """Run a server that knows the small site."""
    with served(folder, small_site(), NOW_US, settings, ROOMS) as server:
        yield server


def rows(page: "Page", section: str = "main") -> list[list[str]]:
    """Return the cells of the rows of the tables in a part of a page, without those that head a group."""
    page.wait_for_selector(f"{section} .list tbody")
    script = """root => [...root.querySelectorAll('tbody tr:not(.group)')].map(
        row => [...row.children].map(cell => cell.innerText.trim().replace(/\\s+/g, ' ')))"""
    found: list[list[str]] = page.eval_on_selector(section, script)
    return found


@contextmanager
def with_token(browser: "Browser", port: int, token: str) -> Iterator["Page"]:
    """Open a page whose requests have a token. Playwright gives none to a shared worker, so the page has no such."""
    with browsing(browser, port, extra_http_headers={"Authorization": f"Bearer {token}"}) as page:
        page.add_init_script("delete globalThis.SharedWorker")
        yield page


def fact(page: "Page", name: str) -> str:
    """Return what a page says of one thing, such as the room."""
    return page.inner_text(f".facts div:has(> dt:text-is('{name}')) dd").strip()


def small_targets(page: "Page") -> list[str]:
    """Return the links and buttons of the page's content that are less than 44 px high."""
    found: list[str] = page.eval_on_selector_all(
        "main a, main button, main input",
        "all => all.filter(each => each.getBoundingClientRect().height < 43.5).map(each => each.outerHTML)",
    )
    return found
