"""Log in with a real browser, by the keyboard alone; and pages of other sites, which try to use a login."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.support.readers import add_reader, looks, token, with_tls
from tests.support.running import Winlogd, a_steady_port, an_event, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

OURS: Final = "winlog.example"
EVIL: Final = "evil.example"
"""Two names that lead to this machine. A browser trusts neither over plain HTTP, so it writes no Sec-Fetch-Site."""


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install --group browser")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Debian's package chromium")
    arguments = [f"--host-resolver-rules=MAP {OURS} 127.0.0.1, MAP {EVIL} 127.0.0.1"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class Place(NamedTuple):
    """A server with a reader for everything, its token, and the token of somebody else."""

    server: Winlogd
    tls_port: int
    token: str
    others: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    port = a_steady_port()
    with running(folder, with_tls(port) + f'[security]\nnames = ["{OURS}"]\n') as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        tokens = [add_reader(folder, name, "--scope", "all") for name in ("Frau Meier", "somebody else")]
        yield Place(server, port, *tokens)
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with a_place(tmp_path_factory.mktemp("login")) as place:
        yield place


@contextmanager
def profile(chromium: "Browser", **options: Any) -> Iterator["Page"]:  # noqa: ANN401  # of new_context
    """Open an empty page in a new profile."""
    context: BrowserContext = chromium.new_context(**{"locale": "en-GB", **options})
    try:
        yield context.new_page()
    finally:
        context.close()


def log_in(page: "Page", origin: str, secret: str) -> None:
    page.goto(f"{origin}/login?next=/account")
    page.fill("#token", secret)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{origin}/account")


def who(page: "Page", origin: str) -> str:
    """Return the name that the server's page shows; nothing if nobody is logged in."""
    page.goto(f"{origin}/account")
    name = page.query_selector("main bdi")
    return "" if name is None else name.inner_text()


# ── a person ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("locale", "heading", "wrong"),
    [("en-GB", "Log in", "This token is not valid"), ("fr-FR", "Connexion", "Ce jeton n’est pas valable")],
)
def test_a_person_logs_in_and_out_by_the_keyboard_alone(
    locale: str, heading: str, wrong: str, chromium: "Browser", place: Place
) -> None:
    with profile(chromium, locale=locale, java_script_enabled=False) as page:
        press = page.keyboard.press
        page.goto(f"{place.origin}/account?a=1")
        assert page.url == f"{place.origin}/login?next=/account%3Fa%3D1"
        assert page.inner_text("h1") == heading
        page.keyboard.type("5ec2e7")  # the field has the focus
        with page.expect_navigation():
            press("Enter")
        assert wrong in page.inner_text("[role=alert]")
        page.keyboard.type(place.token)
        press("Enter")
        page.wait_for_url(f"{place.origin}/account?a=1")
        assert page.inner_text("main bdi") == "Frau Meier"
        press("Tab")  # the button is the first thing on the page
        press("Enter")
        page.wait_for_url(f"{place.origin}/login?lang={locale[:2]}")
        assert page.context.cookies() == []
        assert who(page, place.origin) == ""


def test_a_person_logs_in_with_a_code_by_the_keyboard_alone(chromium: "Browser", tmp_path: Path) -> None:
    """On a server of its own: after some wrong tokens of this minute, no code would be looked at."""
    with a_place(tmp_path) as place:
        code = token(place.server.folder, "pair", "Frau Meier").split()[0]
        with profile(chromium, java_script_enabled=False) as page:
            page.goto(f"{place.origin}/login?next=/account")
            page.wait_for_selector("#token:focus")
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            page.keyboard.type(code.lower())
            page.keyboard.press("Enter")
            page.wait_for_url(f"{place.origin}/account")
            assert page.inner_text("main bdi") == "Frau Meier"


def test_the_other_language_is_one_link_away(chromium: "Browser", place: Place) -> None:
    with profile(chromium) as page:
        page.goto(f"{place.origin}/login?next=/account")
        page.click("footer a[lang=fr]")
        page.wait_for_url("**lang=fr")
        assert page.inner_text("h1") == "Connexion"
        assert page.get_attribute("html", "lang") == "fr"
        page.fill("#token", place.token)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{place.origin}/account")


@pytest.mark.parametrize("way", ["plain", "tls", "a name without TLS"])
def test_the_browser_keeps_the_cookie_and_shows_it_to_no_script(way: str, chromium: "Browser", place: Place) -> None:
    """By a name without TLS, the browser says where a form comes from in Origin alone."""
    origin = {
        "plain": place.origin,
        "tls": f"https://127.0.0.1:{place.tls_port}",
        "a name without TLS": f"http://{OURS}:{place.server.port}",
    }[way]
    with profile(chromium, ignore_https_errors=True) as page:
        log_in(page, origin, place.token)
        (cookie,) = page.context.cookies()
        is_tls = way == "tls"
        assert cookie["name"] == ("__Host-winlogd" if is_tls else "winlogd")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", is_tls)
        assert page.evaluate("document.cookie") == ""
        page.click("button")
        page.wait_for_url("**/login?lang=en")
        assert page.context.cookies() == []


@pytest.mark.parametrize("way", ["plain", "a name without TLS"])
def test_the_button_of_a_page_logs_out_in_each_way(way: str, chromium: "Browser", place: Place) -> None:
    origin = place.origin if way == "plain" else f"http://{OURS}:{place.server.port}"
    with profile(chromium) as page:
        log_in(page, origin, place.token)
        page.goto(f"{origin}/readers-log")
        page.click("#reader button")
        page.wait_for_url("**/login?lang=en")
        assert page.context.cookies() == []
        assert who(page, origin) == ""


def test_nothing_on_the_pages_breaks_their_own_policy(chromium: "Browser", place: Place) -> None:
    with profile(chromium) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        log_in(page, place.origin, place.token)
        page.goto(f"{place.origin}/login")
        assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "10px"
        assert said == []


# ── pages of other sites ──────────────────────────────────────────────────────────────────────────────

_ATTACK: Final = """<!doctype html><title>attack</title><body><script>
const to = TARGET;
async function tried(path, options) {
  try {
    const answer = await fetch(to + path, {credentials: "include", ...options});
    return answer.type === "opaque" ? "opaque" : answer.status + " " + await answer.text();
  } catch { return "no answer"; }
}
const loaded = (tag, path) => new Promise((then) => {
  const element = document.createElement(tag);
  element.onload = () => then("loaded");
  element.onerror = () => then("no answer");
  element.src = to + path;
  document.body.append(element);
});
function send(path, values) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = to + path;
  for (const [name, value] of Object.entries(values)) {
    const field = document.createElement("input");
    [field.name, field.value] = [name, value];
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}
</script>"""


@contextmanager
def another_site(target: str) -> Iterator[int]:
    """Serve a page that attacks `target`. Yield its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the library calls
            body = _ATTACK.replace("TARGET", repr(target)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Attack(NamedTuple):
    """A page of another site, and somebody who is logged in and opens it.

    Attributes:
        origin: of the other site.
        target: the origin of the server, as the victim knows it.
        victim: the page of a browser.
        is_told: True if the browser tells the server where its requests come from (Fetch Metadata).
    """

    origin: str
    target: str
    victim: "Page"
    is_told: bool

    def begin(self) -> None:
        """Let the victim open the page of the other site."""
        self.victim.goto(f"{self.origin}/")


@pytest.fixture(params=[("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), (EVIL, "127.0.0.1"), (OURS, OURS)])
def attack(request: pytest.FixtureRequest, chromium: "Browser", place: Place) -> Iterator[Attack]:
    """Another port is the same site, and gets the cookie. Another name is another site."""
    name, ours = request.param
    target = f"http://{ours}:{place.server.port}"
    with another_site(target) as port, profile(chromium) as page:
        log_in(page, target, place.token)
        yield Attack(f"http://{name}:{port}", target, page, is_told=ours != OURS)


def test_a_page_of_another_site_reads_nothing(attack: Attack, place: Place) -> None:
    before = looks(place.server.folder)
    attack.begin()
    for path in ("/api/v1/sessions?user=alice", "/api/v1/machines/A102-07", "/api/v1/rooms", "/account", "/login"):
        for options in ("{}", '{headers: {"Authorization": "Bearer x"}}', '{method: "POST"}'):
            assert attack.victim.evaluate(f"tried({path!r}, {options})") == "no answer", (path, options)
        assert attack.victim.evaluate(f"tried({path!r}, {{mode: 'no-cors'}})") in ("no answer", "opaque"), path
        for tag in ("img", "script"):
            assert attack.victim.evaluate(f"loaded({tag!r}, {path!r})") == "no answer", (path, tag)
    if attack.is_told:  # otherwise the server has answered, and the browser has given the answer to nobody
        assert looks(place.server.folder) == before
    assert who(attack.victim, attack.target) == "Frau Meier"


def test_a_page_of_another_site_shows_none_of_ours_in_a_frame(attack: Attack) -> None:
    attack.begin()
    for path in ("/account", "/login"):
        attack.victim.evaluate(f"loaded('iframe', {path!r})")
    texts = [frame.evaluate("document.body.innerText") for frame in attack.victim.frames[1:]]
    assert len(texts) == 2
    assert "Frau Meier" not in "".join(texts)
    assert "Token" not in "".join(texts)


def test_a_form_of_another_site_neither_logs_out_nor_in_as_another(attack: Attack, place: Place) -> None:
    victim = attack.victim
    for path, values in (("/logout", {}), ("/login", {"token": place.others})):
        attack.begin()
        with victim.expect_navigation():
            victim.evaluate(f"send({path!r}, {values!r})")
        assert victim.url == f"{attack.target}{path}"
        assert "did not come from a page of this server" in victim.inner_text("[role=alert]")
        assert who(victim, attack.target) == "Frau Meier"


def test_a_link_of_another_site_opens_a_page_of_ours(attack: Attack) -> None:
    attack.begin()
    with attack.victim.expect_navigation():
        attack.victim.evaluate(f"location.href = {attack.target + '/account'!r}")
    assert attack.victim.inner_text("main bdi") == "Frau Meier"


def test_a_name_that_leads_here_reads_nothing_and_logs_nobody_in(chromium: "Browser", tmp_path: Path) -> None:
    """DNS rebinding: the name of another site has the address of this server, where no token is needed yet."""
    with running(tmp_path) as server, profile(chromium) as page:
        server.wait_until_it_obeys()
        origin = f"http://{EVIL}:{server.port}"
        for path in ("/api/v1/sessions", "/account", "/login"):
            page.goto(origin + path)
            assert "Host not allowed" in page.inner_text("body")
            said = page.evaluate(f"fetch({path!r}).then((answer) => answer.text())")
            assert "Host not allowed" in said
        for path in ("/login", "/logout"):
            said = page.evaluate(f"fetch({path!r}, {{method: 'POST', body: ''}}).then((answer) => answer.text())")
            assert "Host not allowed" in said
        assert looks(tmp_path) == []
        page.goto(f"http://127.0.0.1:{server.port}/account")
        assert "You read on the server itself" in page.inner_text("main")
