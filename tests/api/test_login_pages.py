"""The pages of login: what they show, whom they let in and where they lead."""

import html
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.browsing import FORM, NAVIGATION, OURS, Browser
from tests.support.readers import add_reader
from tests.support.running import Answer, Winlogd, running
from winlogd.access.guard import ACCOUNT, LOGIN
from winlogd.api import routes
from winlogd.api.login_form import local_path
from winlogd.api.login_page import STYLE
from winlogd.api.login_words import WORDS

pytestmark = pytest.mark.long  # each test talks to a server

AWAY: Final = {"X-Forwarded-For": "192.0.2.7"}
"""A client on another machine that has not used HTTPS."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with running(tmp_path_factory.mktemp("pages"), '[security]\nnames = ["winlog.example"]\n') as started:
        started.wait_until_it_obeys()
        yield started
        assert "Traceback" not in started.log


@pytest.fixture(scope="module")
def token(server: Winlogd) -> str:
    return add_reader(server.folder, "Frau <Meier>", "--scope", "now")


def text_of(answer: Answer) -> str:
    """Return the text that a person reads."""
    body = answer.body.decode().partition("<main>")[2]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


def test_the_paths_are_said_once() -> None:
    assert (routes.LOGIN, routes.ACCOUNT) == (LOGIN, ACCOUNT)
    assert STYLE.startswith(routes.FILES.partition("{")[0])


# ── what they show ────────────────────────────────────────────────────────────────────────────────────


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    english, french = WORDS["en"], WORDS["fr"]
    assert english.keys() == french.keys()
    for name, text in english.items():
        assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", french[name]), name
        assert text != french[name], name


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/login", None, "en"),
        ("/login", "fr", "fr"),
        ("/login", "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("/login", "de, FR;q=0.5", "fr"),
        ("/login", "en-US,fr", "en"),
        ("/login", "de", "en"),
        ("/login?lang=fr", "en", "fr"),
        ("/login?lang=en", "fr", "en"),
        ("/login?lang=xx", "fr", "fr"),
        ("/login?lang=%ff", "fr", "fr"),
    ],
)
def test_the_language_is_the_browsers_or_the_chosen_one(
    path: str, accepted: str | None, language: str, server: Winlogd
) -> None:
    answer = Browser(server.port, fields={"Accept-Language": accepted} if accepted else None).open(path)
    assert f'<html lang="{language}">' in answer.body.decode()
    assert ("Log in" in text_of(answer)) is (language == "en")
    assert f"?lang={'fr' if language == 'en' else 'en'}" in answer.body.decode()


def test_every_page_has_the_fields_that_keep_others_out(server: Winlogd, token: str) -> None:
    browser = Browser(server.port)
    answers = [browser.open("/login"), browser.post("/login", token="0" * 32), browser.post("/login")]
    browser.log_in(token)
    answers.append(browser.open("/account"))
    assert [answer.status for answer in answers] == [200, 403, 400, 200]
    for answer in answers:
        fields = answer.headers
        assert fields["content-type"] == "text/html; charset=utf-8"
        assert fields["cache-control"] == "no-store"
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["cross-origin-resource-policy"] == "same-origin"
        assert fields["referrer-policy"] == "same-origin"
        policy = fields["content-security-policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy)
        assert "unsafe" not in fields["content-security-policy"]
        assert not any(name.startswith("access-control-") for name in fields)
        assert re.findall(r"<script|<style|style=|https?://| on\w+=", answer.body.decode()) == []


def test_everybody_gets_the_style_sheet(server: Winlogd) -> None:
    answer = Browser(server.port, fields=AWAY).get("/web/login.css")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"prefers-color-scheme: dark" in answer.body


def test_the_account_says_who_is_logged_in_and_for_how_long(server: Winlogd, token: str) -> None:
    browser = Browser(server.port)
    browser.log_in(token)
    page = browser.open("/account")
    assert "<bdi>Frau &lt;Meier&gt;</bdi>" in page.body.decode()
    shown = text_of(page)
    assert "You see who is on now, and nothing of the past." in shown
    assert "The login ends 30 days after its last use." in shown
    assert '<form method="post" action="/logout?lang=en"><button>Log out</button>' in page.body.decode()
    assert "La connexion prend fin 30 jours après" in text_of(browser.open("/account?lang=fr"))
    assert "You are logged in as Frau <Meier> ." in text_of(browser.open("/login"))


def test_format_characters_of_a_name_can_be_seen(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        secret = add_reader(tmp_path, "alice", "--scope", "all")
        assert server.stop() == 0
        with closing(sqlite3.connect(server.database.with_name("winlog.access"))) as connection, connection:
            connection.execute("UPDATE readers SET name = ?", ("a\u202eb\u200d&\n",))
        server.restart()
        server.wait_until_open()
        browser = Browser(server.port)
        browser.log_in(secret)
        assert "<bdi>a⟨U+202E⟩b⟨U+200D⟩&amp;⟨U+000A⟩</bdi>" in browser.open("/account").body.decode()


def test_without_a_reader_this_machine_needs_no_login_and_the_page_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        browser = Browser(server.port)
        for path in ("/login", "/account"):
            page = browser.open(path)
            assert page.status == 200
            assert "You read on the server itself, without a token." in text_of(page)
        assert "Log out" not in text_of(browser.open("/account"))


def test_head_gets_no_page(server: Winlogd) -> None:
    answer = Browser(server.port).send("HEAD", "/login", None, NAVIGATION)
    assert (answer.status, answer.body) == (200, b"")


# ── where they lead ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/account", "/login?next=/account"),
        ("/account?lang=fr&a=%C3%A9", "/login?next=/account%3Flang%3Dfr%26a%3D%25C3%25A9"),
    ],
)
def test_a_person_is_led_to_the_login_and_back_again(path: str, target: str, server: Winlogd, token: str) -> None:
    browser = Browser(server.port)
    answer = browser.open(path)
    assert (answer.status, answer.headers["location"], answer.headers["cache-control"]) == (303, target, "no-store")
    page = browser.open(target).body.decode()
    next_path = html.unescape(re.findall(r'name="next" value="([^"]*)"', page)[0])
    assert next_path == path
    answer = browser.post("/login", token=token, next=next_path)
    assert (answer.status, answer.headers["location"]) == (303, path)
    assert browser.open(path).status == 200


def test_a_program_gets_the_refusal_and_its_text_names_the_login(server: Winlogd, token: str) -> None:
    browser = Browser(server.port)
    for path in ("/account", "/api/v1/rooms"):
        answer = browser.get(path)
        assert (answer.status, answer.json["error"]) == (403, "Not allowed")
        assert "/login" in answer.json["details"]
    assert browser.open("/api/v1/rooms").status == 403  # a person who opens what is for programs


@pytest.mark.parametrize("fields", [{"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_is_led_nowhere(fields: dict[str, str], server: Winlogd) -> None:
    for path in ("/login", "/account"):
        assert Browser(server.port).send("GET", path, None, fields).status == 403


def test_a_link_of_another_site_opens_the_pages(server: Winlogd, token: str) -> None:
    browser = Browser(server.port, fields={"Sec-Fetch-Site": "cross-site"})
    assert browser.open("/login").status == 200
    assert browser.open("/account").status == 303


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("/timeline?at=2026-01-13T10:15&room=A%20102", "/timeline?at=2026-01-13T10:15&room=A%20102"),
        ("/user/M%C3%BCller#now", "/user/M%C3%BCller#now"),
        ("", ""),
        ("//evil.example", ""),
        ("///evil.example", ""),
        ("/\\evil.example", ""),
        ("\\\\evil.example", ""),
        ("/\t/evil.example", ""),
        ("/\n/evil.example", ""),
        ("/a\r\nSet-Cookie: b", ""),
        ("/a b", ""),
        ("/é", ""),
        ("https://evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("evil", ""),
        ("/" + "a" * 2_000, ""),
    ],
)
def test_nobody_is_led_to_another_server(text: str, path: str, server: Winlogd, token: str) -> None:
    assert local_path(text) == path
    browser = Browser(server.port)
    assert browser.post("/login", token=token, next=text).headers["location"] == (path or "/")


def test_a_page_that_a_login_does_not_open_is_named(server: Winlogd, token: str) -> None:
    browser = Browser(server.port)
    browser.log_in(token)
    assert "Your login does not open /readers-log ." in text_of(browser.open("/account?refused=/readers-log"))
    assert "does not open" not in text_of(browser.open("/account?refused=//evil.example"))
    assert "<bdi>/&lt;b&gt;</bdi>" in browser.open("/account?refused=/%3Cb%3E").body.decode()


@pytest.mark.parametrize(
    ("scope", "start", "said"),
    [
        ("wall", "/wall", "how many machines of each room are free, and no names"),
        ("now", "/", "who is on now, and nothing of the past"),
        ("all", "/", "who is on now and who was"),
        ("audit", "/readers-log", "who has looked at what"),
        ("metrics", "", "the figures of /metrics"),
    ],
)
def test_who_logs_in_lands_on_a_page_of_their_scope(scope: str, start: str, said: str, server: Winlogd) -> None:
    browser = Browser(server.port)
    browser.log_in(add_reader(server.folder, f"starts as {scope}", "--scope", scope))
    path, answer = "/", browser.open("/")
    while answer.status == 303:
        path = answer.headers["location"]
        answer = browser.open(path)
    assert (answer.status, path) == (200, start or "/account")
    account = browser.open("/account")
    assert said in text_of(account)
    assert re.findall(r'<p><a href="([^"]+)">To the start page', account.body.decode()) == ([start] if start else [])


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("media_type", "body", "status", "sentence"),
    [
        (FORM, b"", 400, "Type a token or a code."),
        (FORM, b"token=&code=", 400, "Type a token or a code."),
        (FORM, b"token=+++", 400, "Type a token or a code."),
        (FORM, b"token=a&code=b", 400, "Fill in one field only"),
        (FORM, b"token=a&token=b", 400, "is no form that this page has"),
        (FORM, b"token=%ff", 400, "is no form that this page has"),
        (FORM, b"token=%zz", 400, "is no form that this page has"),
        (FORM, b"token=\xe9", 400, "is no form that this page has"),
        (FORM, b"token=" + b"a" * 10_000, 413, "is no form that this page has"),
        ("application/json", b'{"token":"a"}', 415, "is no form that this page has"),
        ("text/plain", b"token=a", 415, "is no form that this page has"),
        ("", b"token=a", 415, "is no form that this page has"),
    ],
)
def test_wrong_input_gets_a_page_with_a_sentence(
    media_type: str, body: bytes, status: int, sentence: str, server: Winlogd
) -> None:
    answer = Browser(server.port).send("POST", "/login", body, OURS | {"Content-Type": media_type})
    assert answer.status == status
    assert sentence in text_of(answer)
    assert 'role="alert"' in answer.body.decode()
    assert 'action="/login"' in answer.body.decode()


def test_a_wrong_token_gets_the_form_again_in_the_same_language_without_it(server: Winlogd) -> None:
    answer = Browser(server.port).post("/login", token="5ec2e7", next="/account", lang="fr")
    page = answer.body.decode()
    assert answer.status == 403
    assert "Ce jeton n’est pas valable" in page
    assert 'name="next" value="/account"' in page
    assert 'name="lang" value="fr"' in page
    assert "5ec2e7" not in page


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_form_of_another_site_neither_logs_in_nor_out(fields: dict[str, str], server: Winlogd, token: str) -> None:
    sent = f"token={token}".encode()
    browser = Browser(server.port)
    answer = browser.send("POST", "/login", sent, fields | {"Content-Type": FORM})
    assert (answer.status, browser.cookie) == (403, "")
    assert "did not come from a page of this server" in text_of(answer)
    browser.log_in(token)
    assert browser.send("POST", "/logout", b"", fields).status == 403
    assert browser.open("/account").status == 200


def test_a_form_with_our_origin_logs_in_and_out_where_the_browser_says_no_more(server: Winlogd, token: str) -> None:
    ours = {"Origin": "http://winlog.example:81", "Host": "winlog.example:81"}
    browser = Browser(server.port, fields=ours)
    assert browser.send("POST", "/login", f"token={token}".encode(), {"Content-Type": FORM}).status == 303
    assert browser.open("/account").status == 200
    assert browser.send("POST", "/logout", b"", {}).status == 303
    assert browser.open("/account").status == 303


def test_a_name_that_leads_here_can_send_no_form(server: Winlogd, token: str) -> None:
    fields = {"Origin": "http://evil.example", "Host": "evil.example"} | OURS
    for path in ("/login", "/logout"):
        answer = Browser(server.port, fields=fields).send(
            "POST", path, f"token={token}".encode(), {"Content-Type": FORM}
        )
        assert (answer.status, answer.json["error"]) == (403, "Host not allowed")


# ── over plain HTTP ───────────────────────────────────────────────────────────────────────────────────


def test_from_another_machine_there_is_no_form_over_plain_http(server: Winlogd, token: str) -> None:
    browser = Browser(server.port, fields=AWAY)
    page = browser.open("/login")
    assert page.status == 403
    assert "This page is not encrypted" in text_of(page)
    assert "<form" not in page.body.decode()
    answer = browser.post("/login", token=token)
    assert (answer.status, browser.cookie) == (403, "")
    assert "was not used" in text_of(answer)
    assert browser.open("/account").headers["location"] == "/login?next=/account"


def test_with_plain_login_there_is(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nplain_login = true\n") as server:
        server.wait_until_it_obeys()
        browser = Browser(server.port, fields=AWAY)
        assert "<form" in browser.open("/login").body.decode()
        browser.log_in(add_reader(tmp_path, "alice", "--scope", "now"))
        assert browser.cookie.startswith("winlogd=")
        assert browser.open("/account").status == 200
        assert browser.get("/api/v1/machines").status == 200
