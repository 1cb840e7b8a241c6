"""The first answers: the shell has the browser ask what the page wants to know, and no page asks it a second time."""

from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.support.running import Winlogd
from tests.web.browsing import browsing
from tests.web.played import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.long]

TRY_AGAIN: Final = '{"error":"Try again","details":"too many questions wait"}'
SOON: Final = {"Retry-After": "1"}
"""What the server answers if it is too busy to begin."""
PAUSES: Final = """
globalThis.pausesMs = [];
const later = setTimeout;
globalThis.setTimeout = (then, ms) => later(then, pausesMs.push(ms) && ms);
"""
"""Note how long the page waits."""

Question = tuple[str, tuple[tuple[str, str], ...]]


def question_of(url: str) -> Question:
    """Return what a request asks, in whatever way it is written."""
    parts = urlsplit(url)
    return parts.path.removeprefix("/api/v1/"), tuple(sorted(parse_qsl(parts.query)))


def asked_by(page: "Page", address: str) -> Counter[Question]:
    """Open a page. Return how often it has asked each question when its content is there."""
    asked: Counter[Question] = Counter()

    def note(url: str) -> None:
        if "/api/v1/" in url:
            asked[question_of(url)] += 1

    page.on("request", lambda request: note(request.url))
    page.goto(address)
    page.wait_for_selector("main:not([aria-busy]) h1")
    page.wait_for_timeout(200)
    return asked


@pytest.mark.parametrize(
    ("address", "question"),
    [
        ("/", None),
        ("/wall", None),
        ("/trends", question_of("stats?by=hour&from=2026-01-13&to=2026-01-13")),
        (
            "/trends?days=7&room=A101",
            question_of("stats?by=day&from=2026-01-07&to=2026-01-13&room=A101"),
        ),
        ("/ghosts", question_of("sessions?state=doubtful&limit=1000")),
        (f"/user/{quote(HOSTILE)}", (f"users/{quote(HOSTILE, safe='()')}", ())),
        ("/machine/A101-05", ("machines/A101-05", ())),
        ("/timeline", ("occupancy", ())),
        ("/timeline?day=2026-01-12&open=A101", ("occupancy", (("day", "2026-01-12"),))),
        (
            "/timeline?open=A101&open=A103",
            question_of("sessions?room=A101&from=2026-01-13&to=2026-01-13&limit=1000"),
        ),
        ("/?at=2026-01-12T10:20&open=A101", ("moment", (("at", "2026-01-12T10:20"),))),
        ("/?at=2026-01-12", ("sessions", (("from", "2026-01-12"), ("limit", "1000"), ("to", "2026-01-12")))),
        ("/?at=&from=2026-01-12T10:00", ("sessions", (("limit", "1000"),))),
        (
            "/?to=2026-01-12T10:30&from=2026-01-12T10:00%2B01:00",
            ("sessions", (("from", "2026-01-12T10:00+01:00"), ("limit", "1000"), ("to", "2026-01-12T10:30"))),
        ),
        ("/readers-log", ("readers/log", (("limit", "100"),))),
    ],
)
def test_a_page_asks_each_question_once(address: str, question: Question | None, page: "Page") -> None:
    asked = asked_by(page, address)
    assert {question for question, times in asked.items() if times > 1} == set()
    assert {("me", ()), ("snapshot", ())} <= asked.keys()
    assert question is None or question in asked


@pytest.mark.parametrize(
    ("address", "path", "wanted"),
    [
        ("/timeline?day=2026-01-12", "occupancy*", "canvas"),
        ("/?at=2026-01-12T10:20", "moment?*", ".room"),
        ("/ghosts", "sessions?*state=doubtful*", ".list"),
        ("/trends", "stats?by=day*", ".few"),
    ],
)
def test_a_first_answer_that_is_refused_is_asked_for_again(
    address: str, path: str, wanted: str, browser: "Browser", school_server: Winlogd
) -> None:
    refused: list[str] = []

    def answer(route: "Route") -> None:
        if len(refused) < 2:
            refused.append(route.request.url)
            route.fulfill(status=503, headers=SOON, body=TRY_AGAIN)
        else:
            route.continue_()

    with browsing(browser, school_server.port, fails=(503,)) as page:
        page.route(f"**/api/v1/{path}", answer)
        page.goto(address)
        page.wait_for_selector(wanted)
    assert len(refused) == 2


def test_a_busy_server_says_when_it_is_asked_again_and_not_for_ever(browser: "Browser", school_server: Winlogd) -> None:
    refused: list[str] = []

    def answer(route: "Route") -> None:
        refused.append(route.request.url)
        route.fulfill(status=503, headers={"Retry-After": "3"}, body=TRY_AGAIN)

    with browsing(browser, school_server.port, fails=(503,)) as page:
        page.add_init_script(PAUSES)
        page.route("**/api/v1/moment?*", answer)
        page.goto("/?at=2026-01-12T10:20")
        page.wait_for_selector(".failure >> text=The server is busy.")
        assert page.evaluate("pausesMs.includes(3000)")
    assert 2 <= len(refused) <= 3  # each may be a row of the readers' log


def test_a_question_ends_when_its_page_is_left(page: "Page") -> None:
    ended: list[str] = []
    page.route("**/api/v1/moment?*", lambda route: None)
    page.on("requestfailed", lambda request: ended.append(request.url))
    page.goto("/?at=2026-01-12T10:20", wait_until="commit")
    page.wait_for_selector("nav a")
    with page.expect_event("requestfailed", lambda request: "/api/v1/moment?" in request.url):
        page.click("nav >> text=Now")
    page.wait_for_selector(".room")
    assert [question_of(url)[0] for url in ended] == ["moment"]


@pytest.mark.parametrize(
    ("address", "path"),
    [("/?at=2026-01-12T10:20", "moment"), ("/?from=2026-01-12", "sessions"), ("/readers-log", "readers/log")],
)
def test_a_first_answer_that_is_refused_is_shown_and_not_asked_for_again(
    address: str, path: str, browser: "Browser", school_server: Winlogd
) -> None:
    """A question that takes too long would take as long again, and make a second row in the readers' log."""
    refused: list[str] = []

    def answer(route: "Route") -> None:
        refused.append(route.request.url)
        route.fulfill(status=503, body='{"error":"The question takes too long","details":"ask for a shorter span"}')

    with browsing(browser, school_server.port, fails=(503,)) as page:
        page.route(f"**/api/v1/{path}?*", answer)
        page.goto(address)
        page.wait_for_selector(".failure")
        page.wait_for_timeout(100)
    assert len(refused) == 1


def test_a_page_that_is_opened_later_asks_anew(page: "Page") -> None:
    asked: list[str] = []
    page.goto("/timeline?day=2026-01-12")
    page.wait_for_selector("canvas")
    page.click("nav >> text=Now")
    page.wait_for_selector(".room")
    page.on("request", lambda request: asked.append(question_of(request.url)[0]))
    page.go_back()
    page.wait_for_selector("canvas")
    assert asked.count("occupancy") == 1
