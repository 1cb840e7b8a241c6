"""Log in and out with a real server: by token and by code, over plain HTTP, TLS and a proxy."""

import http.client
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import pytest

from tests.access.place import ENDPOINTS
from tests.access.test_scope_table import CELLS
from tests.support.browsing import FORM, OURS, Browser
from tests.support.readers import add_reader, ask, bearer, token, with_tls
from tests.support.running import Winlogd, a_steady_port, an_event, running, wait_for
from winlogd.access.scopes import SCOPES

pytestmark = pytest.mark.long  # each test talks to some servers, over TLS, too

ROOMS: Final = "/api/v1/rooms"
MAX_AGES_S: Final = {"wall": 34_560_000, "now": 2_592_000, "all": 43_200, "audit": 43_200, "metrics": 43_200}
PROXY: Final = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}


class Place(NamedTuple):
    """A server with a reader of each scope, and their tokens."""

    server: Winlogd
    tls_port: int
    tokens: dict[str, str]

    def browsers(self) -> dict[str, Browser]:
        """Return a browser for each way that nobody can overhear."""
        return {
            "plain": Browser(self.server.port),
            "tls": Browser(self.tls_port, is_tls=True),
            "proxy": Browser(self.server.port, fields=PROXY),
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("login"), a_steady_port()
    settings = with_tls(port) + '[security]\nread_networks = ["198.51.100.0/24"]\n'
    with running(folder, settings) as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        yield Place(server, port, {scope: add_reader(folder, scope, "--scope", scope) for scope in SCOPES})
        assert "Traceback" not in server.log


# ── the cookie ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scope", SCOPES)
def test_the_cookie_has_its_attributes_in_each_way(scope: str, place: Place) -> None:
    for way, browser in place.browsers().items():
        answer = browser.post("/login", token=place.tokens[scope])
        assert answer.status == 303
        assert answer.headers["cache-control"] == "no-store"
        name, secure = ("winlogd", "") if way == "plain" else ("__Host-winlogd", "; Secure")
        form = rf"{name}=[0-9a-f]{{64}}; Path=/; Max-Age={MAX_AGES_S[scope]}; HttpOnly; SameSite=Lax{secure}"
        assert re.fullmatch(form, answer.headers["set-cookie"]), way


@pytest.mark.parametrize("scope", SCOPES)
def test_a_cookie_reads_what_its_token_reads(scope: str, place: Place) -> None:
    for way, browser in place.browsers().items():
        browser.log_in(place.tokens[scope])
        for path, target in ENDPOINTS.items():
            answer = browser.get(target)
            assert answer.status == (200 if CELLS[path, scope] else 403), (way, path, answer.body)


@pytest.mark.parametrize(
    ("scope", "start"),
    [("wall", "/wall"), ("metrics", "/account"), ("now", "/"), ("all", "/"), ("audit", "/readers-log")],
)
def test_after_the_login_each_scope_is_on_a_page_of_its_own(scope: str, start: str, place: Place) -> None:
    for browser in place.browsers().values():
        answer = browser.post("/login", token=place.tokens[scope])
        assert (answer.status, answer.headers["location"]) == (303, start)
        assert browser.open(start).status == 200
        has_link = f'<a href="{start}">To the start page</a>' in browser.open("/account").body.decode()
        assert has_link == (start != "/account")
        assert browser.post("/login", token=place.tokens[scope], next="/account").headers["location"] == "/account"


def test_a_cookie_of_one_way_is_none_in_another(place: Place) -> None:
    plain, tls = Browser(place.server.port), Browser(place.tls_port, is_tls=True)
    plain.log_in(place.tokens["all"])
    tls.log_in(place.tokens["all"])
    plain.cookie, tls.cookie = tls.cookie, plain.cookie
    assert (plain.get(ROOMS).status, tls.get(ROOMS).status) == (403, 403)


def test_a_cookie_over_plain_http_of_another_machine_does_not_count(place: Place) -> None:
    browser = Browser(place.server.port)
    browser.log_in(place.tokens["all"])
    overheard = Browser(place.server.port, fields={"X-Forwarded-For": "192.0.2.7"})
    overheard.cookie = browser.cookie
    assert overheard.get(ROOMS).status == 403
    assert overheard.get(ROOMS, X_Forwarded_For="198.51.100.9").status == 403
    assert overheard.get("/api/v1/sessions/current", X_Forwarded_For="198.51.100.9").status == 200  # as the network


def test_a_page_lets_the_browser_keep_the_cookie_for_longer(place: Place) -> None:
    for browser in place.browsers().values():
        given = browser.post("/login", token=place.tokens["now"]).headers["set-cookie"]
        assert browser.open("/account").headers["set-cookie"] == given
        assert "set-cookie" not in browser.get(ROOMS).headers


def test_the_token_counts_before_the_cookie(place: Place) -> None:
    browser = Browser(place.server.port)
    browser.log_in(place.tokens["wall"])
    assert browser.get("/api/v1/sessions").status == 403
    assert browser.get("/api/v1/sessions", **bearer(place.tokens["all"])).status == 200


# ── the end of a login ────────────────────────────────────────────────────────────────────────────────


def test_the_logout_ends_this_login_and_no_other(place: Place) -> None:
    here, there = Browser(place.server.port), Browser(place.tls_port, is_tls=True)
    for browser in (here, there):
        browser.log_in(place.tokens["all"])
    kept = here.cookie
    answer = here.post("/logout")
    assert (answer.status, answer.headers["location"]) == (303, "/login?lang=en")
    assert answer.headers["set-cookie"] == "winlogd=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    here.cookie = kept
    assert (here.get(ROOMS).status, there.get(ROOMS).status) == (403, 200)
    assert here.post("/logout").status == 303
    assert there.post("/logout").headers["set-cookie"].startswith("__Host-winlogd=; ")
    place.server.wait_for_log("logged in reader=all address=127.0.0.1\n")
    place.server.wait_for_log("logged out reader=all address=127.0.0.1\n")


def test_a_new_login_ends_the_old_one_of_the_same_browser(place: Place) -> None:
    for browser in place.browsers().values():
        code = token(place.server.folder, "pair", "all").split()[0]
        for values in ({"token": place.tokens["wall"]}, {"code": code}):
            browser.log_in(place.tokens["all"])
            kept = browser.cookie
            assert browser.post("/login", token="0" * 31).status in (403, 429)  # ends nothing
            assert browser.get(ROOMS).status == 200
            assert browser.post("/login", **values).status == 303
            fresh, browser.cookie = browser.cookie, kept
            assert browser.get(ROOMS).status == 403
            browser.cookie = fresh
            assert browser.get(ROOMS).status == 200


def test_a_revoked_reader_is_logged_out_at_once(place: Place) -> None:
    folder = place.server.folder
    browser = Browser(place.server.port)
    browser.log_in(add_reader(folder, "revoked", "--scope", "all"))
    assert browser.get(ROOMS).status == 200
    token(folder, "revoke", "revoked")
    assert browser.get(ROOMS).status == 403


def test_a_login_outlives_a_reload_and_a_restart_and_ends_in_time(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        browser = Browser(server.port)
        browser.log_in(add_reader(tmp_path, "all", "--scope", "all"))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("configuration reloaded")
        assert browser.get(ROOMS).status == 200
        assert server.stop() == 0
        server.restart()
        server.wait_until_open()
        assert browser.get(ROOMS).status == 200
        assert server.stop() == 0
        with closing(sqlite3.connect(server.database.with_name("winlog.access"))) as connection, connection:
            ((used_us, ends_us),) = connection.execute("SELECT used_us, ends_us FROM logins").fetchall()
            connection.execute("UPDATE logins SET ends_us = used_us + 1")
        assert ends_us - used_us == MAX_AGES_S["all"] * 1_000_000
        server.restart()
        server.wait_until_open()
        assert browser.get(ROOMS).status == 403
        assert browser.open("/account").headers["location"] == "/login?next=/account"


def test_a_use_is_written_once_a_minute(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        browser = Browser(server.port)
        browser.log_in(add_reader(tmp_path, "all", "--scope", "all"))
        assert server.stop() == 0
        with closing(sqlite3.connect(server.database.with_name("winlog.access"))) as connection, connection:
            connection.execute("UPDATE logins SET used_us = used_us - 61000000, ends_us = ends_us - 61000000")
            connection.execute("UPDATE readers SET used_us = NULL")
        server.restart()
        server.wait_until_open()
        for _ in range(3):
            assert browser.get(ROOMS).status == 200
        assert server.stop() == 0
        with closing(sqlite3.connect(server.database.with_name("winlog.access"))) as connection:
            ((since_us,),) = connection.execute("SELECT ? - used_us FROM logins", (time.time_ns() // 1000,)).fetchall()
            assert 0 <= since_us < 60_000_000
            assert connection.execute("SELECT used_us > 0 FROM readers").fetchall() == [(1,)]


# ── codes ─────────────────────────────────────────────────────────────────────────────────────────────


def a_code(place: Place, name: str) -> str:
    return token(place.server.folder, "pair", name).split()[0]


def test_a_code_logs_in_once(place: Place) -> None:
    code = a_code(place, "wall")
    browser, other = Browser(place.tls_port, is_tls=True), Browser(place.server.port, fields={"X-Forwarded-For": "::2"})
    answer = browser.post("/login", code=f" {code[:4].lower()}-{code[4:]} ", next="/account")
    assert (answer.status, answer.headers["location"]) == (303, "/account")
    assert f"Max-Age={MAX_AGES_S['wall']};" in answer.headers["set-cookie"]
    assert browser.get(ROOMS).status == 200
    again = other.send("POST", "/login", b"", {})
    assert again.status == 403  # no form of ours
    again = Browser(place.server.port, fields=PROXY | {"X-Forwarded-For": "2001:db8:1::2"}).post("/login", code=code)
    assert again.status == 403
    assert "This code is not valid." in again.body.decode()


def test_a_code_for_a_token_is_no_token(place: Place) -> None:
    browser = Browser(place.server.port, fields=PROXY | {"X-Forwarded-For": "2001:db8:2::2"})
    code = a_code(place, "now")
    assert browser.post("/login", token=code).status == 403
    assert browser.post("/login", code=place.tokens["now"]).status == 403
    assert browser.post("/login", code=code).status == 303


# ── guesses ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def guessed(tmp_path: Path) -> Iterator[tuple[Winlogd, str]]:
    """A server without a failure so far, and the token of its reader."""
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        yield server, add_reader(tmp_path, "right", "--scope", "all")


def from_address(server: Winlogd, address: str) -> Browser:
    return Browser(server.port, fields={"X-Forwarded-For": address, "X-Forwarded-Proto": "https"})


def test_an_address_has_five_wrong_tokens_a_minute_and_the_right_one_is_always_let_in(
    guessed: tuple[Winlogd, str],
) -> None:
    server, right = guessed
    browser = from_address(server, "192.0.2.1")
    assert [browser.post("/login", token=f"{n:032x}").status for n in range(7)] == [403] * 5 + [429] * 2
    answer = browser.post("/login", token="0" * 32)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert f"Wait {answer.headers['retry-after']} seconds." in answer.body.decode()
    assert from_address(server, "192.0.2.2").post("/login", token="0" * 32).status == 403
    browser.log_in(right)
    assert browser.get(ROOMS).status == 200
    assert browser.get(ROOMS, **bearer(right)).status == 200


def test_a_code_is_not_looked_at_beyond_the_limit(guessed: tuple[Winlogd, str]) -> None:
    server, _ = guessed
    browser = from_address(server, "192.0.2.1")
    code = token(server.folder, "pair", "right").split()[0]
    assert [browser.post("/login", code=f"AAAAAAA{n}").status for n in range(6)] == [403] * 5 + [429]
    assert browser.post("/login", code=code).status == 429
    assert from_address(server, "192.0.2.2").post("/login", code=code).status == 303  # is still there


def test_a_right_code_is_no_failure(guessed: tuple[Winlogd, str]) -> None:
    server, _ = guessed
    browser = from_address(server, "192.0.2.1")
    for _ in range(7):
        code = token(server.folder, "pair", "right").split()[0]
        assert browser.post("/login", code=code).status == 303


def test_wrong_tokens_of_programs_and_of_the_login_count_together(guessed: tuple[Winlogd, str]) -> None:
    server, right = guessed
    browser = from_address(server, "192.0.2.1")
    for n in range(4):
        assert browser.get(ROOMS, **bearer(f"{n:032x}")).status == 403
    assert browser.post("/login", token="0" * 32).status == 403
    answer = browser.get(ROOMS, **bearer("0" * 32))
    assert (answer.status, answer.json["error"]) == (429, "Too many wrong tokens")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert browser.get(ROOMS, **bearer(right)).status == 200


def test_a_program_with_an_old_token_locks_nobody_out(guessed: tuple[Winlogd, str]) -> None:
    server, _ = guessed
    old = add_reader(server.folder, "old", "--scope", "all")
    token(server.folder, "revoke", "old")
    browser = from_address(server, "192.0.2.1")
    assert {browser.get(ROOMS, **bearer(old)).status for _ in range(60)} == {403}
    assert browser.post("/login", token="0" * 32).status == 403


def test_the_addresses_of_an_ipv6_network_count_together(guessed: tuple[Winlogd, str]) -> None:
    server, _ = guessed
    statuses = [from_address(server, f"2001:db8::{n:x}:1").post("/login", token="0" * 32).status for n in range(6)]
    assert statuses == [403] * 5 + [429]
    assert from_address(server, "2001:db8:0:1::1").post("/login", token="0" * 32).status == 403


def test_all_addresses_together_have_fifty_and_the_right_token_is_let_in(guessed: tuple[Winlogd, str]) -> None:
    server, right = guessed
    for n in range(50):
        assert from_address(server, f"203.0.113.{n}").post("/login", token="0" * 32).status == 403
    stranger = from_address(server, "203.0.113.99")
    assert stranger.post("/login", token="0" * 32).status == 429
    assert stranger.get(ROOMS, **bearer("0" * 32)).status == 429
    stranger.log_in(right)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("configuration reloaded")
    assert from_address(server, "203.0.113.100").post("/login", token="0" * 32).status == 429


# ── nothing is told ───────────────────────────────────────────────────────────────────────────────────


def test_no_secret_is_in_the_log_an_address_a_page_or_the_file(tmp_path: Path) -> None:
    """At the level that logs most, also for a form that is sent to a wrong address."""
    with running(tmp_path, '[logging]\nlevel = "trace"\n') as server:
        server.wait_until_it_obeys()
        right = add_reader(tmp_path, "right", "--scope", "all")
        code, wrong = token(tmp_path, "pair", "right").split()[0], "5ec2e7" * 5
        browser, told = Browser(server.port), b""
        for path in ("/login", "/login/", "/nothing", "/api/v1/rooms", "/api/v1/events"):
            for values in ({"token": wrong}, {"token": right}, {"code": code, "next": "/account"}):
                answer = browser.post(path, **values)
                told += answer.body + answer.headers.get("location", "").encode()
        secret = browser.cookie.partition("=")[2]
        for path in ("/account", f"/account?token={right}", f"/login?token={right}", "/", "/nothing"):
            answer = browser.open(path)
            told += answer.body + answer.headers.get("location", "").encode()
        for path in (f"sessions?token={right}", f"sessions/current?access_token={right}&user=zz", f"me?token={right}"):
            for fields in ({}, bearer(right)):
                told += browser.get(f"/api/v1/{path}", **fields).body
        assert browser.open("/account").status == 200
        assert server.stop() == 0
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert len(secret) == 64
    for each in (right, wrong, code, secret):
        assert each not in server.log
        assert each.encode() not in stored + told


def test_a_file_that_cannot_be_used_lets_nobody_in_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        server.database.with_name("winlog.access").write_bytes(b"noise" * 1000)
        for values in ({"token": "0" * 32}, {"code": "AAAAAAAA"}):
            answer = Browser(server.port).post("/login", **values)
            assert answer.status == 503
            assert "Nobody can log in now" in answer.body.decode()
        assert server.post(an_event()).status == 200


def test_a_stranger_makes_no_file(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        browser = Browser(server.port)
        assert browser.open("/login").status == 200
        assert browser.post("/login", token="0" * 32).status == 403
        assert browser.post("/login", code="AAAAAAAA").status == 403
        assert browser.post("/logout").status == 303
        assert not server.database.with_name("winlog.access").exists()


def test_a_reader_that_is_used_by_cookie_only_has_a_last_use(place: Place) -> None:
    secret = add_reader(place.server.folder, "by cookie", "--scope", "wall")
    browser = Browser(place.server.port)
    browser.log_in(secret)
    browser.get(ROOMS)
    row = r"by cookie +wall +\S+ +never +20\S+ +valid\n"  # its token does not expire
    wait_for(lambda: re.search(row, token(place.server.folder, "list")), "the last use")


def test_a_look_by_cookie_is_in_the_readers_log(place: Place) -> None:
    browser = Browser(place.server.port)
    browser.log_in(add_reader(place.server.folder, "looks", "--scope", "all"))
    assert browser.get("/api/v1/sessions?user=alice").status == 200
    own = browser.get("/api/v1/readers/log").json["looks"]
    assert [(row["reader"], row["kind"], row["filter"]) for row in own] == [("looks", "sessions", "user=alice")]
    assert ask(place.server, "/api/v1/sessions").status == 403


@pytest.mark.long
def test_how_much_of_a_wrong_token_is_right_does_not_show_in_the_time_of_the_login(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asserted of the times: they are printed."""
    right = place.tokens["all"]
    times: dict[int, list[int]] = {digits: [] for digits in (0, 8, 16, 24, 31)}
    statuses: list[int] = []
    with closing(http.client.HTTPConnection("127.0.0.1", place.server.port)) as connection:
        for _ in range(1_000):
            for digits, taken in times.items():
                body = f"token={right[:digits]}{'x' * (len(right) - digits)}"
                before = time.perf_counter_ns()
                connection.request("POST", "/login", body, OURS | {"Content-Type": FORM})
                response = connection.getresponse()
                response.read()
                taken.append(time.perf_counter_ns() - before)
                statuses.append(response.status)
    assert set(statuses) <= {403, 429}
    with capsys.disabled():
        print("\nmedian of 1 000, in µs:", {digits: round(median(each) / 1000) for digits, each in times.items()})
