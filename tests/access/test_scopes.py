"""What each scope reads and what it does not: names, the past, rooms; and which ways of a token count."""

import http.client
import subprocess
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from tests.access.place import ENDPOINTS, Place
from tests.access.test_local import OURS, another_machine
from tests.support.readers import add_reader, ask, bearer, token, with_tls
from tests.support.running import PATIENCE_S, a_steady_port, running

pytestmark = pytest.mark.long  # each test talks to some servers, over TLS, too

EVERYBODY: Final = {"/health", "/ready"}

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


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_token_counts_by_the_ways_on_which_nobody_can_overhear_it(path: str, place: Place) -> None:
    """Over them it reads the same. What that is, the table in `test_scope_table` says."""
    for secret in place.tokens.values():
        target, headers = ENDPOINTS[path], bearer(secret)
        statuses = {place.server.request("GET", target, headers=headers | fields).status for fields in PRIVATE.values()}
        # The sixth guess in a minute is not looked at. It reads nothing, either.
        assert len({403 if status == 429 else status for status in statuses}) == 1
        for way, fields in OVERHEARD.items():
            answer = place.server.request("GET", target, headers=headers | fields)
            assert answer.status == (200 if path in EVERYBODY else 403), way
            assert path in EVERYBODY or answer.json["error"] == "Token over plain HTTP", way


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
    statuses: list[int] = []
    with closing(http.client.HTTPConnection("127.0.0.1", place.server.port)) as connection:
        for _ in range(1_000):
            for digits, taken in times.items():
                headers = bearer(right[:digits] + "x" * (len(right) - digits))
                before = time.perf_counter_ns()
                connection.request("GET", "/api/v1/rooms", headers=headers)
                response = connection.getresponse()
                response.read()
                taken.append(time.perf_counter_ns() - before)
                statuses.append(response.status)
    assert set(statuses) <= {403, 429}  # at most fifty of them are told that they are wrong in a minute
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
    assert found["people"] == [{"username": "alice", "last": None, "hostname": None}]
    found = ask(place.server, "/api/v1/search?q=b201", place.tokens["now"]).json
    assert found["machines"] == [{"hostname": "B201-01", "last": None, "username": None}]
    found = ask(place.server, "/api/v1/search?q=b201+13/01/2026+09:00", place.tokens["now"]).json
    assert (found["count"], len(found["moments"])) == (None, 1)
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
