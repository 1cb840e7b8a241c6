"""How questions may be put: methods, paths of events, parameters in the path."""

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd, an_event
from tests.support.served import NOW_US, SETTINGS, found, get, served
from tests.support.wire import CLIENT_FIELDS, Wire, request
from winlogd.api.routes import OPENAPI, QUESTIONS

OTHER: Final = "/index.php"
ODD: Final = ("a/b", "a.b", "../b", "a%2Fb", "ü ü", "x?y#z", "+", "{hostname}", "a\\b")
"""Names that mean something in a path."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A server with a machine and a user of each odd name, and with a further path for events."""
    settings = SETTINGS.replace("[server]", f'[server]\nevent_paths = ["/api/v1/events", "{OTHER}", "/health"]')
    events = [event for n, name in enumerate(ODD) for event in stay(at(1, 8) + n, at(1, 9) + n, f"u {name}", name)]
    events.append(sent(at(1, 10), "alice", "C"))
    with served(
        tmp_path_factory.mktemp("site"), sorted(events, key=lambda each: each.received_us), NOW_US, settings
    ) as s:
        yield s


PATHS: Final = [path.replace("{hostname}", "A102-07").replace("{username}", "alice") for path in (*QUESTIONS, OPENAPI)]
CURRENT: Final = "/api/v1/sessions/current"


@pytest.mark.parametrize(
    "path", [*PATHS, CURRENT, OTHER, "/health", "/api/v1/sessions?limit=1", f"{CURRENT}?user=alice"]
)
def test_head_gets_the_head_of_the_answer_alone(path: str, site: Winlogd) -> None:
    with Wire(site.port) as wire:
        wire.send(request("GET", path), request("HEAD", path), request("GET", "/health"))
        whole, head = wire.answer(), wire.answer("HEAD")
        assert (whole.status, head.status) == (200, 200)
        assert head.headers == whole.headers
        assert wire.answer().json["status"] == "ok"


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_head_of_a_download_has_its_type_and_ends(form: str, site: Winlogd) -> None:
    with Wire(site.port) as wire:
        wire.send(request("HEAD", f"/api/v1/sessions?format={form}"), request("GET", "/health"))
        answer = wire.answer("HEAD")
        assert (
            answer.headers["content-type"].split(";")[0] == {"csv": "text/csv", "ndjson": "application/x-ndjson"}[form]
        )
        assert wire.answer().json["status"] == "ok"


@pytest.mark.parametrize("path", [*PATHS, CURRENT])
def test_what_can_only_be_read_says_so(path: str, site: Winlogd) -> None:
    allow = "GET, HEAD, POST" if path == "/api/v1/events" else "GET, HEAD"
    for method in ("PUT", "DELETE") if "POST" in allow else ("POST", "PUT"):
        answer = site.request(method, path, b"{}")
        assert (answer.status, answer.headers["allow"]) == (405, allow)
    answer = site.request("OPTIONS", path)
    assert (answer.status, answer.headers["allow"], answer.body) == (204, allow, b"")


@pytest.mark.parametrize("path", ["/api/v1/events", OTHER])
def test_a_path_of_events_takes_them_and_lists_them(path: str, site: Winlogd) -> None:
    stored = site.request(
        "POST",
        path,
        json.dumps(an_event(username=f"new {path}")).encode(),
        dict(field.split(": ") for field in CLIENT_FIELDS),
    ).json
    [event] = site.request("GET", f"{path}?limit=1").json["events"]
    assert (event["id"], event["username"]) == (stored["event_id"], f"new {path}")
    answer = site.request("PUT", path, b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.body == b'{"error":"Method not allowed","expected":"POST"}'


def test_a_path_of_events_that_has_another_answer_keeps_it(site: Winlogd) -> None:
    assert site.request("GET", "/health").json["status"] == "ok"
    sent = dict(field.split(": ") for field in CLIENT_FIELDS)
    assert site.request("POST", "/health", json.dumps(an_event(username="health")).encode(), sent).status == 200


@pytest.mark.parametrize("name", ODD)
def test_each_name_can_be_asked_for(name: str, site: Winlogd) -> None:
    octets = "".join(f"%{octet:02X}" for octet in name.encode())
    assert found(site, f"machines/{octets}")["hostname"] == name
    assert found(site, f"users/u%20{octets}")["username"] == f"u {name}"
    assert [each["hostname"] for each in found(site, "sessions", host=name)["sessions"]] == [name]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("machines/a/b", 404),
        ("machines/", 404),
        ("machines//", 404),
        ("machines/%2E%2E", 404),
        ("machines/+", 200),  # in a path, + is a plus sign
        ("machines/%20", 404),
        ("users/", 404),
        ("users/u+a.b", 404),
        ("sessions/", 404),
        ("Sessions", 404),
        ("machines/%E9", 400),
        ("users/%ED%A0%80", 400),
    ],
)
def test_a_path_is_taken_as_it_is(path: str, status: int, site: Winlogd) -> None:
    assert get(site, path).status == status


def test_a_wrong_escape_in_a_path_names_the_parameter(site: Winlogd) -> None:
    fault = {"error": "Invalid path parameter", "details": {"username": "must be percent-encoded UTF-8"}}
    assert get(site, "users/%FF").json == fault


def test_the_description_of_the_api_is_served(site: Winlogd) -> None:
    answer = get(site, "openapi.yaml")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/yaml")
    assert answer.body.startswith(b"openapi: 3.1")
