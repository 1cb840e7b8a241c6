"""The feed of a page in a real browser: cut, resumed, reset, full, or its reader revoked, while the page is open."""

import datetime
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.readers import add_reader, token
from tests.support.running import MORE_THAN_THERE_IS, PATIENCE_S, Winlogd, a_steady_port, an_event, running
from tests.support.scraping import scrape
from tests.web.browsing import browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]

MOST_FEEDS_OF_ONE: Final = 10
WITHOUT_WORKERS: Final = "delete globalThis.SharedWorker"
"""Of a browser without shared workers: the pages share a feed by a lock."""
CLOCK_IS_RIGHT: Final = "import('/web/time.js').then((time) => Math.abs(time.nowMs() - Date.now()) < 60_000)"
"""The server runs on this machine, so that both clocks show the same."""
AGAIN: Final = "dispatchEvent(new Event('online'))"
"""What a browser does when its network is back: the page tries again at once."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    """A server that starts again on its own port. Alice is on."""
    with running(tmp_path, port=a_steady_port()) as started:
        started.wait_until_it_obeys()
        assert started.post(an_event()).status == 200
        yield started


@contextmanager
def a_page(browser: "Browser", server: Winlogd) -> Iterator["Page"]:
    """Open the page Now with its machines, and wait until Alice is there. It must not be loaded anew."""
    with browsing(browser, server.port) as page:
        page.goto("/?state=in_use")
        page.wait_for_selector(".machine >> text=alice")
        page.evaluate("globalThis.isTheSame = true")
        yield page
        assert page.evaluate("globalThis.isTheSame")


def banner(page: "Page") -> str:
    return page.inner_text("#banners")


def is_grey(page: "Page") -> bool:
    style: str = page.evaluate("getComputedStyle(document.getElementById('main')).filter")
    return "grayscale" in style


def until_live(page: "Page") -> None:
    """Let the page try again, until its feed lives."""
    page.wait_for_function(f"() => {{ {AGAIN}; return !document.body.classList.contains('stale') }}", polling=300)
    page.wait_for_selector("#banners:empty", state="attached")


def test_a_page_asks_once_for_the_state_and_its_feed_goes_on_from_there(browser: "Browser", server: Winlogd) -> None:
    """The browser asks with the first answer, before the modules have run. They take that answer."""
    with browsing(browser, server.port) as page:
        asked: list[str] = []
        page.context.add_init_script(WITHOUT_WORKERS)
        page.context.on("request", lambda request: asked.append(request.url.partition("/api/v1/")[2]))
        page.goto("/?state=in_use")
        page.wait_for_selector(".machine >> text=alice")
        while not any(each.startswith("live") for each in asked):
            page.wait_for_timeout(20)
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        page.wait_for_selector(".machine >> text=bob")
        first, second, live = filter(None, asked)
        assert {first, second} == {"me", "snapshot"}
        assert re.fullmatch(r"live\?after=\w+-\d+", live)


def test_pages_of_a_browser_share_the_feed_of_the_first(browser: "Browser", server: Winlogd) -> None:
    """A later page shows the state that it has loaded, and then what the shared worker knows."""
    with a_page(browser, server) as first:
        second = first.context.new_page()
        second.goto("/?state=in_use")
        second.wait_for_selector(".machine >> text=alice")
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        for page in (first, second):
            page.wait_for_selector(".machine >> text=bob")
        assert scrape(server).samples["winlogd_feeds"] == 1


def test_a_cut_feed_says_since_when_and_greys(browser: "Browser", server: Winlogd) -> None:
    with a_page(browser, server) as page:
        assert (banner(page), is_grey(page)) == ("", False)
        server.kill()
        page.wait_for_selector("#banners >> text=/No news since \\d\\d:\\d\\d: the connection to the server is cut/")
        assert is_grey(page)
        assert "alice" in page.inner_text("main"), "what was known is still there to read"


@pytest.mark.parametrize("way", ["crash", "stop"])
def test_a_server_that_is_back_is_followed_again_from_a_new_snapshot(
    way: str, browser: "Browser", server: Winlogd
) -> None:
    """The feed of the next process has another epoch, so that it begins with a reset."""
    with a_page(browser, server) as page:
        if way == "crash":
            server.kill()
        else:
            assert server.stop() == 0
        page.wait_for_selector("body.stale")
        server.restart()
        server.wait_until_it_obeys()
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        until_live(page)
        page.wait_for_selector(".machine >> text=bob")
        assert not is_grey(page)
        assert server.post(an_event(username="carol", hostname="A102-09")).status == 200
        page.wait_for_selector(".machine >> text=carol")


def test_a_feed_that_was_cut_for_a_moment_gets_what_it_has_missed(browser: "Browser", server: Winlogd) -> None:
    """The same process: the changes after the last one that was seen are sent again, without a snapshot."""
    with a_page(browser, server) as page:
        page.context.set_offline(True)
        page.wait_for_timeout(1)
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        page.context.set_offline(False)
        page.wait_for_selector(".machine >> text=bob")
        until_live(page)


def test_a_page_without_a_place_for_a_feed_polls(browser: "Browser", server: Winlogd) -> None:
    """Ten feeds of one reader are open. The page asks every 30 s, or when somebody makes it."""
    with ExitStack() as feeds:
        for _ in range(MOST_FEEDS_OF_ONE):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
            feeds.enter_context(closing(connection))
            connection.request("GET", "/api/v1/live")
            assert connection.getresponse().read(12) == b": connected\n"
        with a_page(browser, server) as page:
            page.wait_for_selector("#banners >> text=This one looks every 30 seconds.")
            assert not is_grey(page)
            assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
            page.wait_for_timeout(1_000)
            assert "bob" not in page.inner_text("main"), "no feed tells it"
            page.evaluate(AGAIN)
            page.wait_for_selector(".machine >> text=bob")
            assert "looks every 30 seconds" in banner(page)
            feeds.close()
            until_live(page)
            assert server.post(an_event(username="carol", hostname="A102-09")).status == 200
            page.wait_for_selector(".machine >> text=carol")


def an_hour_old(route: "Route") -> None:
    """Answer with a snapshot that was made an hour ago, and with the present time in its field."""
    answer = route.fetch()
    snapshot = answer.json()
    now = datetime.datetime.fromisoformat(snapshot["now"])
    snapshot["now"] = (now - datetime.timedelta(hours=1)).isoformat()
    route.fulfill(
        status=200,
        headers={"Content-Type": "application/json", "Winlogd-Now": now.isoformat()},
        body=json.dumps(snapshot),
    )


def test_a_snapshot_that_was_kept_does_not_set_the_clock_back(browser: "Browser", server: Winlogd) -> None:
    """Neither in the page that loads it, nor in one that is opened later and gets it from the first."""
    with browsing(browser, server.port) as first:
        first.context.add_init_script(WITHOUT_WORKERS)
        first.context.route("**/api/v1/snapshot", an_hour_old)
        first.goto("/?state=in_use")
        first.wait_for_selector(".machine >> text=alice")
        assert first.evaluate(CLOCK_IS_RIGHT)
        second = first.context.new_page()
        second.goto("/?state=in_use")
        second.wait_for_selector(".machine >> text=alice")
        assert second.evaluate(CLOCK_IS_RIGHT)
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        second.wait_for_selector(".machine >> text=bob")
        assert second.evaluate(CLOCK_IS_RIGHT)


def while_the_past_is_read(route: "Route") -> None:
    """Answer with the snapshot of a server that still reads its archive."""
    snapshot = route.fetch().json()
    route.fulfill(
        status=200, content_type="application/json", body=json.dumps(snapshot | {"history": "building, 50 %"})
    )


def test_a_change_tells_that_the_past_is_read(browser: "Browser", server: Winlogd) -> None:
    """The change says nothing of machines. The feed ends after it, and the page keeps what it knows."""
    with browsing(browser, server.port) as page:
        held: list[Route] = []
        page.context.add_init_script(WITHOUT_WORKERS)
        page.context.route("**/api/v1/snapshot", while_the_past_is_read)
        page.context.route("**/api/v1/live?*", lambda route: held.append(route))
        page.goto("/?state=in_use")
        page.wait_for_selector("#banners >> text=The past is being read: 50 %")
        while not held:
            page.wait_for_timeout(20)
        change = {"seq": 9, "now": "2026-01-13T10:15:00Z", "history": "complete"}
        event = f"event: change\ndata: {json.dumps(change)}\n\n"
        held[0].fulfill(status=200, content_type="text/event-stream", body=event)
        page.wait_for_selector("#banners >> text=The past is being read", state="detached")
        page.wait_for_selector(".machine >> text=alice")
        page.context.unroute_all(behavior="ignoreErrors")


def test_pages_without_a_shared_worker_share_a_feed_and_the_next_one_leads_when_the_first_goes(
    browser: "Browser", server: Winlogd
) -> None:
    with browsing(browser, server.port) as first:
        feeds: list[object] = []
        first.context.add_init_script(WITHOUT_WORKERS)
        first.context.on(
            "request", lambda request: feeds.append(request.frame.page) if "/api/v1/live" in request.url else None
        )
        first.goto("/?state=in_use")
        first.wait_for_selector(".machine >> text=alice")
        second = first.context.new_page()
        second.goto("/?state=in_use")
        second.wait_for_selector(".machine >> text=alice")
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        for page in (first, second):
            page.wait_for_selector(".machine >> text=bob")
        assert feeds == [first], "one page asks for both"
        first.close()
        assert server.post(an_event(username="carol", hostname="A102-09")).status == 200
        second.wait_for_selector(".machine >> text=carol")
        assert set(feeds) == {first, second}


def test_the_names_go_when_the_reader_is_revoked_and_a_link_leads_to_the_login(
    browser: "Browser", server: Winlogd
) -> None:
    secret = add_reader(server.folder, "Frau Meier", "--scope", "all")
    with browsing(browser, server.port, fails=(403,)) as page:
        page.goto("/?state=in_use")
        assert page.url.endswith("/login?next=/%3Fstate%3Din_use")
        page.fill("#token", secret)
        page.keyboard.press("Enter")
        page.wait_for_url("**/?state=in_use")
        page.wait_for_selector(".machine >> text=alice")
        token(server.folder, "revoke", "Frau Meier")
        page.wait_for_selector("[role=alert]")
        assert "You have to log in to read this." in page.inner_text("main")
        assert "alice" not in page.content()
        page.click("main a.button")
        page.wait_for_selector("#token")
        assert page.url.endswith("/login?next=%2F%3Fstate%3Din_use")


def test_the_names_of_a_machine_go_too(browser: "Browser", server: Winlogd) -> None:
    """Without `browsing`: Chromium writes into the console that the question of the page was refused."""
    secret = add_reader(server.folder, "Frau Meier", "--scope", "all")
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}", locale="en-GB")
    with closing(context):
        page = context.new_page()
        page.goto("/machine/A102-07")
        page.fill("#token", secret)
        page.keyboard.press("Enter")
        page.wait_for_selector("main >> text=alice")
        token(server.folder, "revoke", "Frau Meier")
        page.wait_for_selector("[role=alert]")
        assert "alice" not in page.inner_text("body")
        assert page.get_attribute("main a.button", "href") == "/login?next=%2Fmachine%2FA102-07"


def test_while_nothing_can_be_stored_every_page_says_since_when_and_why(browser: "Browser", tmp_path: Path) -> None:
    with running(tmp_path, environ=MORE_THAN_THERE_IS) as server:
        server.wait_until_it_obeys()
        assert server.post(an_event()).status == 503
        with browsing(browser, server.port) as page:
            for address in ("/", "/ghosts", "/hardware", "/?at=yesterday"):
                page.goto(address)
                page.wait_for_selector("#banners >> text=/Nothing is stored since \\d\\d:\\d\\d, because .*disk.*\\./")


@pytest.mark.parametrize(
    "script",
    [
        "globalThis.SharedWorker = class { constructor() { throw new DOMException('', 'SecurityError') } }",
        "globalThis.SharedWorker = class { port = { postMessage() {} }; constructor() {"
        " setTimeout(() => this.onerror(), 50) } }",
    ],
    ids=["forbidden", "not loaded"],
)
def test_a_page_whose_worker_cannot_run_follows_by_itself(browser: "Browser", server: Winlogd, script: str) -> None:
    with browsing(browser, server.port) as page:
        page.context.add_init_script(script)
        page.goto("/?state=in_use")
        page.wait_for_selector(".machine >> text=alice")
        until_live(page)
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        page.wait_for_selector(".machine >> text=bob")


def test_a_new_page_brings_a_feed_that_waits_up_to_date(browser: "Browser", server: Winlogd) -> None:
    """A page that has just had an answer must not be put back to what the feed knew before it was cut."""
    with a_page(browser, server) as first:
        until_live(first)
        server.stop()
        first.wait_for_selector("body.stale")
        server.start()
        server.wait_until_it_obeys()
        assert server.post(an_event(username="bob", hostname="A102-08")).status == 200
        second = first.context.new_page()
        second.goto("/?state=in_use")
        for page in (second, first):
            page.wait_for_selector(".machine >> text=bob")
            page.wait_for_selector("body:not(.stale)")
