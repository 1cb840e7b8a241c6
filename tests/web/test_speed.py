"""How long each page takes on loopback until its content is there. The figures are printed; none is asserted."""

from statistics import median
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.running import Winlogd
from tests.web.browsing import browsing
from tests.web.screenshots import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.alone, pytest.mark.browser, pytest.mark.long]

TIMES: Final = 3
ASIDE: Final = {"machine", "hardware", "moment-future"}
"""They want hardware reports, or a day to come."""
WATCH: Final = """(() => {
    const look = () => {
        if (globalThis.readyMs || !document.querySelector(WANTED)) return;
        globalThis.readyMs = performance.now();
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
})()"""


def ready_ms(browser: "Browser", port: int, address: str, wanted: str) -> float:
    """Return when the content of a page was there after the navigation had begun, with an empty cache."""
    with browsing(browser, port) as page:
        page.add_init_script(WATCH.replace("WANTED", repr(wanted)))
        page.goto(address)
        page.wait_for_selector(wanted)
        return float(page.evaluate("globalThis.readyMs"))


def test_the_time_of_each_page_is_printed(
    browser: "Browser", school_server: Winlogd, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {
        name: [ready_ms(browser, school_server.port, address, wanted) for _ in range(TIMES)]
        for name, (address, wanted) in PAGES.items()
        if name not in ASIDE
    }
    with capsys.disabled():
        print("\nms until a page's content is there, on loopback: fewest, median; wanted: below 200")
        for name, each in found.items():
            print(f"  {name:18} {min(each):5.0f} {median(each):5.0f}")
    assert len(found) == len(PAGES) - len(ASIDE)
    assert min(min(each) for each in found.values()) > 0
