"""What each scope may read, in every way in which a request can come. The table is written out here, too."""

import http.client
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import pytest

from tests.access.test_local import OURS, another_machine
from tests.support.readers import add_reader, ask, ask_with_tls, bearer, token, with_tls
from tests.support.running import PATIENCE_S, Answer, Winlogd, a_steady_port, an_event, running
from winlogd.access.scopes import RULES, SCOPES
from winlogd.api import routes

ENDPOINTS: Final = {
    "/health": "/health",
    "/api/v1/sessions/current": "/api/v1/sessions/current",
    "/api/v1/sessions": "/api/v1/sessions?user=alice",
    "/api/v1/events": "/api/v1/events",
    "/api/v1/machines": "/api/v1/machines",
    "/api/v1/machines/{hostname}": "/api/v1/machines/A102-07",
    "/api/v1/users/{username}": "/api/v1/users/alice",
    "/api/v1/rooms": "/api/v1/rooms",
    "/api/v1/stats": "/api/v1/stats",
    "/api/v1/search": "/api/v1/search?q=al",
    "/api/v1/openapi.yaml": "/api/v1/openapi.yaml",
    "/api/v1/readers/log": "/api/v1/readers/log",
}
"""A request for each path of the server."""

EVERYBODY: Final = {"/health"}
ANY_READER: Final = EVERYBODY | {"/api/v1/openapi.yaml", "/api/v1/readers/log"}
NOW: Final = {"/api/v1/sessions/current", "/api/v1/machines", "/api/v1/machines/{hostname}",
              "/api/v1/users/{username}", "/api/v1/search"}  # fmt: skip
PAST: Final = {"/api/v1/sessions", "/api/v1/events", "/api/v1/stats"}

READ: Final = {
    "wall": ANY_READER | {"/api/v1/rooms"},
    "metrics": ANY_READER,
    "now": ANY_READER | {"/api/v1/rooms"} | NOW,
    "all": ANY_READER | {"/api/v1/rooms"} | NOW | PAST,
    "audit": ANY_READER,
    "revoked": EVERYBODY,
    "expired": EVERYBODY,
    "unknown": EVERYBODY,
}
"""What the holder of a token reads, by its scope; and what a token reads that is not valid."""

PRIVATE: Final = {
    "loopback": {},
    "https proxy": {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"},
    "two https proxies": {"X-Forwarded-For": "192.0.2.7, 127.0.0.1", "X-Forwarded-Proto": "https, HTTPS"},
}
OVERHEARD: Final = {
    "http proxy": {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"},
    "proxy that does not tell": {"X-Forwarded-For": "192.0.2.7"},
    "https behind http": {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http, https"},
    "proxy of another name": {"Via": "1.1 proxy"},
}
"""The ways of a token that nobody can overhear, and the others."""


class Place(NamedTuple):
    """A server with a reader of each scope, and their tokens."""

    server: Winlogd
    tls_port: int
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("readers"), a_steady_port()
    settings = with_tls(port) + '[security]\nread_networks = ["198.51.100.0/24"]\n[rooms]\nfrom_hostname = "{room}-*"\n'
    with running(folder, settings) as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        server.post(an_event(username="albert", hostname="B201-01"))
        server.post(an_event(username="albert", hostname="B201-01", action="D", timestamp="2026-01-13T09:30:00Z"))
        tokens = {scope: add_reader(folder, scope, "--scope", scope) for scope in SCOPES}
        tokens["revoked"] = add_reader(folder, "revoked", "--scope", "all")
        token(folder, "revoke", "revoked")
        tokens["expired"] = add_reader(folder, "expired", "--scope", "all")
        tokens["unknown"] = "0" * 32
        with_expired(server)
        yield Place(server, port, tokens)


def with_expired(server: Winlogd) -> None:
    """Let the token of the reader ``expired`` be of yesterday: stop the server, change the row, start it again."""
    assert server.stop() == 0
    with closing(sqlite3.connect(server.database.with_name("winlog.access"))) as connection, connection:
        connection.execute("UPDATE readers SET expires_us = created_us + 1 WHERE name = 'expired'")
    server.restart()
    server.wait_until_it_obeys()


def check(answer: Answer, may_read: bool, cell: object) -> None:
    assert answer.status == (200 if may_read else 403), (cell, answer.body)
    if not may_read:
        assert answer.json["error"] in ("Not allowed", "Invalid token", "Token over plain HTTP"), cell


def test_the_table_has_every_path_of_the_server() -> None:
    served = {routes.HEALTH, routes.CURRENT, routes.OPENAPI, *routes.QUESTIONS}
    assert served == ENDPOINTS.keys()
    later = {"/api/v1/snapshot", "/api/v1/live", "/metrics"}
    assert RULES.keys() == ENDPOINTS.keys() - EVERYBODY | later


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("scope", READ)
def test_each_scope_reads_what_the_table_says_in_each_way(scope: str, path: str, place: Place) -> None:
    target, headers, may_read = ENDPOINTS[path], bearer(place.tokens[scope]), path in READ[scope]
    for way, fields in PRIVATE.items():
        check(place.server.request("GET", target, headers=headers | fields), may_read, (scope, path, way))
    check(ask_with_tls(place.tls_port, target, headers), may_read, (scope, path, "TLS"))
    for way, fields in OVERHEARD.items():
        answer = place.server.request("GET", target, headers=headers | fields)
        check(answer, path in EVERYBODY, (scope, path, way))
        assert path in EVERYBODY or answer.json["error"] == "Token over plain HTTP"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_without_a_token_the_open_networks_read_who_is_on_and_nobody_else_anything(path: str, place: Place) -> None:
    target, server = ENDPOINTS[path], place.server
    check(server.request("GET", target), path in EVERYBODY, "this machine, which needs a token now")
    check(server.request("GET", target, headers={"X-Forwarded-For": "192.0.2.7"}), path in EVERYBODY, "elsewhere")
    check(ask_with_tls(place.tls_port, target, {}), path in EVERYBODY, "TLS")
    is_open = path in EVERYBODY | {"/api/v1/sessions/current"}
    check(server.request("GET", target, headers={"X-Forwarded-For": "198.51.100.9"}), is_open, "an open network")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A server to which no reader was ever added."""
    with running(tmp_path_factory.mktemp("untouched")) as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        yield server


@pytest.mark.parametrize("path", ENDPOINTS)
def test_this_machine_reads_as_all_until_a_reader_was_added(path: str, untouched: Winlogd) -> None:
    target = ENDPOINTS[path]
    check(untouched.request("GET", target), True, "loopback")
    check(untouched.request("GET", target, headers={"Via": "1.1 proxy"}), path in EVERYBODY, "a proxy")
    check(untouched.request("GET", target, headers=bearer("0" * 32)), path in EVERYBODY, "a wrong token")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_name_that_leads_here_and_a_page_of_another_site_read_nothing(path: str, place: Place) -> None:
    target, headers = ENDPOINTS[path], bearer(place.tokens["all"])
    for fields in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}):
        answer = place.server.request("GET", target, headers=headers | fields)
        assert answer.status == (200 if path in EVERYBODY else 403)
        assert path in EVERYBODY or answer.json["error"] in ("Host not allowed", "Request of another site")


def test_without_local_reads_a_token_of_this_machine_reads(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nlocal_reads = false\n") as server:
        server.wait_until_it_obeys()
        assert ask(server, "/api/v1/rooms").status == 403
        assert ask(server, "/api/v1/rooms", add_reader(tmp_path, "wall", "--scope", "wall")).status == 200


def test_with_plain_login_a_token_may_come_over_plain_http(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nplain_login = true\n") as server:
        server.wait_until_it_obeys()
        wall = add_reader(tmp_path, "wall", "--scope", "wall")
        for fields in ({}, *OVERHEARD.values()):
            assert server.request("GET", "/api/v1/rooms", headers=bearer(wall) | fields).status == 200
        assert server.request("GET", "/api/v1/rooms", headers=OVERHEARD["http proxy"]).status == 403


def test_nobody_elses_word_about_https_counts(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\ntrusted_proxies = ["192.0.2.1"]\n') as server:
        server.wait_until_it_obeys()
        wall = add_reader(tmp_path, "wall", "--scope", "wall")
        answer = server.request("GET", "/api/v1/rooms", headers=bearer(wall) | PRIVATE["https proxy"])
        assert answer.json["error"] == "Token over plain HTTP"


_ASK: Final = """
import http.client, json, ssl, sys
host, port, tls_port, token = sys.argv[1:]
context = ssl._create_unverified_context()
for connection in (http.client.HTTPConnection(host, int(port)),
                   http.client.HTTPSConnection(host, int(tls_port), context=context)):
    connection.request("GET", "/api/v1/rooms", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    print(answer.status, json.loads(answer.read()).get("error"))
"""


def test_a_token_from_another_machine_needs_tls(tmp_path: Path) -> None:
    """The other machine is a network of its own, joined to this one by a cable."""
    port = a_steady_port()
    settings = with_tls(port).replace("[server]", '[server]\nhost = "0.0.0.0"')
    with another_machine() as inside, running(tmp_path, settings) as server:
        server.wait_until_it_obeys()
        wall = add_reader(tmp_path, "wall", "--scope", "wall")
        words = [*inside, "python3", "-c", _ASK, OURS, str(server.port), str(port), wall]
        said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout
        assert said == "403 Token over plain HTTP\n200 None\n"


@pytest.mark.long
def test_how_much_of_a_wrong_token_is_right_does_not_show_in_the_answers_time(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asserted of the times: they are printed."""
    right = place.tokens["all"]
    times: dict[int, list[int]] = {digits: [] for digits in (0, 8, 16, 24, 31)}
    with closing(http.client.HTTPConnection("127.0.0.1", place.server.port)) as connection:
        for _ in range(1_000):
            for digits, taken in times.items():
                headers = bearer(right[:digits] + "x" * (len(right) - digits))
                before = time.perf_counter_ns()
                connection.request("GET", "/api/v1/rooms", headers=headers)
                response = connection.getresponse()
                response.read()
                taken.append(time.perf_counter_ns() - before)
                assert response.status == 403
    with capsys.disabled():
        print("\nmedian of 1 000, in µs:", {digits: round(median(each) / 1000) for digits, each in times.items()})


# ── the past is not for `now`, names are not for `wall` ───────────────────────────────────────────────


def test_now_sees_a_machine_without_its_past(place: Place) -> None:
    now, all_ = place.tokens["now"], place.tokens["all"]
    for host, users in (("A102-07", ["alice"]), ("B201-01", [])):
        seen = ask(place.server, f"/api/v1/machines/{host}", now).json
        assert [user["username"] for user in seen["users"]] == users
        assert (seen["last_user"], seen["last_contact"]) == (None, None)
        assert seen.keys() & {"sessions", "changes", "history"} == set()
        assert ask(place.server, f"/api/v1/machines/{host}", all_).json["last_user"] == (*users, "albert")[0]
    listed = ask(place.server, "/api/v1/machines", now)
    assert b"albert" not in listed.body
    assert {each["last_contact"] for each in listed.json["machines"]} == {None}


def test_now_sees_where_a_user_is_and_not_whether_somebody_was_ever_here(place: Place) -> None:
    now = place.tokens["now"]
    (session,) = ask(place.server, "/api/v1/users/alice", now).json["now"]
    assert session["hostname"] == "A102-07"
    for name in ("albert", "nobody"):
        assert ask(place.server, f"/api/v1/users/{name}", now).json == {"username": name, "now": []}
    assert ask(place.server, "/api/v1/users/albert", place.tokens["all"]).json["sessions"]
    assert ask(place.server, "/api/v1/users/nobody", place.tokens["all"]).status == 404


def test_now_finds_only_who_is_on(place: Place) -> None:
    found = ask(place.server, "/api/v1/search?q=al", place.tokens["now"]).json
    assert found["people"] == [{"username": "alice", "last": None}]
    found = ask(place.server, "/api/v1/search?q=b201", place.tokens["now"]).json
    assert found["machines"] == [{"hostname": "B201-01", "last": None}]
    found = ask(place.server, "/api/v1/search?q=al", place.tokens["all"]).json
    assert sorted(each["username"] for each in found["people"]) == ["albert", "alice"]


def test_a_wall_sees_the_rooms_of_its_pattern_and_no_name(place: Place) -> None:
    folder = place.server.folder
    narrow = add_reader(folder, "wall-a", "--scope", "wall", "--rooms", "a1*")
    assert [room["name"] for room in ask(place.server, "/api/v1/rooms", narrow).json["rooms"]] == ["A102"]
    answer = ask(place.server, "/api/v1/rooms", place.tokens["wall"])
    assert {room["name"] for room in answer.json["rooms"]} == {"A102", "B201"}
    assert b"alice" not in answer.body
    token(folder, "revoke", "wall-a")
    assert ask(place.server, "/api/v1/rooms", narrow).status == 403


def test_requests_on_one_connection_are_decided_one_by_one(place: Place) -> None:
    """The head is the same each time, so the server has it in its cache."""
    folder, answers = place.server.folder, []
    headers = bearer(add_reader(folder, "for a while", "--scope", "wall"))
    with closing(http.client.HTTPConnection("127.0.0.1", place.server.port)) as connection:
        for number in range(4):
            if number == 2:
                token(folder, "revoke", "for a while")
            connection.request("GET", "/api/v1/rooms", headers=headers)
            response = connection.getresponse()
            response.read()
            answers.append(response.status)
    assert answers == [200, 200, 403, 403]
