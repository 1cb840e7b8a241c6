"""Now with 5 000 machines in a real browser: it is drawn piece by piece, and a burst draws only what has changed."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.questions import at, sent
from tests.support.running import CLIENT_HEADERS, PATIENCE_S, Winlogd, an_event, read_answer
from tests.support.served import served
from tests.web.browsing import browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

MACHINES: Final = 5_000
ROOMS: Final = 200
BURST: Final = 170
HOSTS: Final = [f"R{number // 25:03}-{number % 25:02}" for number in range(MACHINES)]
SETTINGS: Final = '[server]\ntimezone = "UTC"\n[rooms]\nrooms_file = "rooms.csv"\n'
COUNT: Final = """() => {
  drawn = new Map();
  most = 0;
  new MutationObserver((all) => {
    const rows = new Set(all.map(({target}) => target.closest(".machine")).filter(Boolean));
    for (const row of rows) drawn.set(row, (drawn.get(row) ?? 0) + 1);
    const added = all.flatMap(({addedNodes}) => [...addedNodes]).filter((node) => node.matches?.(".machine"));
    most = Math.max(most, added.length);
  }).observe(document.querySelector("main"), {childList: true, subtree: true});
}"""
"""Note which rows of machines are drawn, and how many new ones at most in one frame."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A server with 5 000 machines in 200 rooms. Somebody is on at half of them."""
    events = [sent(at(1, 9) + number * 10_000, f"u{number}", "C", host) for number, host in enumerate(HOSTS[::2])]
    rooms = "\n".join(["hostname,room", *(f"{host},{host[:4]}" for host in HOSTS), ""])
    with served(tmp_path_factory.mktemp("many"), events, at(1, 10), SETTINGS, rooms) as server:
        yield server


@pytest.fixture
def many(browser: "Browser", site: Winlogd) -> Iterator["Page"]:
    """A page of that server."""
    with browsing(browser, site.port) as page:
        yield page


@contextmanager
def traced(browser: "Browser", page: "Page", what: str) -> Iterator[None]:
    """Trace what a page does, and print its longest task: on a busy machine, the time of the processor tells more."""
    browser.start_tracing(page=page, categories=["devtools.timeline", "toplevel"])
    yield
    events = json.loads(browser.stop_tracing())["traceEvents"]
    names = [each for each in events if each["name"] == "thread_name"]
    threads = {(each["pid"], each["tid"]) for each in names if each["args"]["name"] == "CrRendererMain"}
    tasks = [each for each in events if (each["pid"], each["tid"]) in threads and each["name"].endswith("RunTask")]
    by_clock, by_processor = (max(each.get(key, 0) for each in tasks) / 1000 for key in ("dur", "tdur"))
    print(f"longest tasks, {what}: {by_processor:.0f} ms of the processor, {by_clock:.0f} ms by the clock")


def log_on(server: Winlogd, prefix: str, hosts: Sequence[str]) -> None:
    """Let somebody log on at each of these machines, as fast as one connection takes it."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)) as connection:
        for number, host in enumerate(hosts):
            event = an_event(username=f"{prefix}{number}", hostname=host, timestamp="2026-01-13T10:00:01Z")
            connection.request("POST", "/api/v1/events", json.dumps(event).encode(), CLIENT_HEADERS)
            assert read_answer(connection).status == 200


def test_rooms_alone_are_drawn_at_first_and_all_machines_piece_by_piece(browser: "Browser", many: "Page") -> None:
    with traced(browser, many, "at first"):
        many.goto("/")
        many.wait_for_selector(f".room:nth-child({ROOMS}) .share")
    assert many.locator(".machine").count() == 0
    many.evaluate(COUNT)
    with traced(browser, many, f"{MACHINES // 2} machines unfold"):
        many.click(".totals .in_use")
        many.wait_for_function(f"() => document.querySelectorAll('.machine').length >= {MACHINES // 2}")
    assert 0 < many.evaluate("most") < MACHINES // 4


def test_a_burst_draws_the_machines_that_have_changed_and_no_others(
    browser: "Browser", many: "Page", site: Winlogd
) -> None:
    with traced(browser, many, f"{MACHINES} machines at first"):
        many.goto("/?host=r*")
        many.wait_for_function(f"() => document.querySelectorAll('.machine').length === {MACHINES}")
    hosts = HOSTS[1 : 2 * BURST : 2]
    many.evaluate(COUNT)
    with traced(browser, many, f"a burst of {BURST} changes, all unfolded"):
        log_on(site, "burst", hosts)
        many.wait_for_function(f"() => document.querySelector('main').textContent.split('burst').length > {BURST}")
    drawn = many.evaluate("[...drawn.keys()].map((each) => each.querySelector('.host').textContent)")
    assert sorted(drawn) == sorted(hosts)
    assert many.evaluate("Math.max(...drawn.values())") <= 2, "each one once, as it comes"


def test_a_burst_in_folded_rooms_draws_no_machine(browser: "Browser", many: "Page", site: Winlogd) -> None:
    many.goto("/")
    many.wait_for_selector(f".room:nth-child({ROOMS}) .share")
    many.evaluate(COUNT)
    before = int(many.inner_text(".totals .in_use b").replace(",", ""))
    with traced(browser, many, f"a burst of {BURST} changes, all folded"):
        log_on(site, "folded", HOSTS[2 * BURST + 1 : 4 * BURST : 2])
        many.wait_for_function(
            f"() => document.querySelector('.totals .in_use b').textContent.replace(',', '') === '{before + BURST}'"
        )
    assert many.evaluate("drawn.size") == 0


def test_a_burst_that_takes_machines_out_of_a_filter_leaves_the_right_ones(many: "Page", site: Winlogd) -> None:
    many.goto("/?state=never_seen&room=R150")
    many.wait_for_selector(".machine")
    before = many.locator(".machine").count()
    log_on(site, "last", [host for host in HOSTS[1::2] if host.startswith("R150")])
    many.wait_for_selector(".rooms >> text=No machine passes these filters.")
    assert before == 12
    assert many.locator(".machine").count() == 0
