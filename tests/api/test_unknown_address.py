"""An address that does not exist: a person gets a page that leads home, a program gets JSON."""

import pytest

from tests.support.running import Winlogd

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize("path", ["/timelines", "/machine/", "/ghosts/", "/nothing?next=//elsewhere.example"])
def test_a_person_gets_a_page_that_leads_home(shared_server: Winlogd, path: str) -> None:
    answer = shared_server.request("GET", path, headers=BROWSER)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"There is no such page" in answer.body
    assert b'<a href="/">' in answer.body
    assert b"elsewhere" not in answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src" not in answer.headers["content-security-policy"]


def test_the_page_is_in_the_language_of_the_browser(shared_server: Winlogd) -> None:
    answer = shared_server.request("GET", "/nothing", headers=BROWSER | {"Accept-Language": "fr-FR,en;q=0.5"})
    assert "Cette page n’existe pas".encode() in answer.body
    assert b'href="?lang=en"' in answer.body
    asked = shared_server.request("GET", "/nothing?lang=en", headers=BROWSER | {"Accept-Language": "fr"})
    assert b"There is no such page" in asked.body


def test_the_page_has_a_head_and_no_body(shared_server: Winlogd) -> None:
    answer = shared_server.request("HEAD", "/nothing", headers=BROWSER)
    assert (answer.status, answer.body) == (404, b"")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("GET", "/nothing", {}),
        ("GET", "/nothing", {"Accept": "*/*"}),
        ("GET", "/nothing", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}),
        ("GET", "/api/v1/nothing", BROWSER),
        ("POST", "/nothing", BROWSER),
        ("OPTIONS", "/nothing", BROWSER),
    ],
)
def test_a_program_gets_json(method: str, path: str, fields: dict[str, str], shared_server: Winlogd) -> None:
    answer = shared_server.request(method, path, headers=fields)
    assert (answer.status, answer.body) == (404, b'{"error":"Not found"}')
