"""GET /api/v1/me: a reader learns who it is for this server, and which pages it may open."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.readers import add_reader, ask, looks
from tests.support.running import Winlogd, running
from winlogd.access.scopes import SCOPES

pytestmark = pytest.mark.long  # each reader is added by a process

EVERYBODYS = ["/", "/readers-log", "/account"]


def test_this_machine_is_told_so(shared_server: Winlogd) -> None:
    me = shared_server.request("GET", "/api/v1/me")
    assert me.json.items() >= {"reader": "loopback", "scope": "all", "rooms": None, "by": "loopback"}.items()
    assert {"/", "/trends", "/timeline", "/wall", "/readers-log"} <= set(me.json["pages"])
    assert me.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("scope", SCOPES)
def test_a_reader_learns_its_name_and_scope_and_the_pages_that_open(scope: str, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        secret = add_reader(tmp_path, "Frau Meier", "--scope", scope)
        me = ask(server, "/api/v1/me", secret).json
        assert me.items() >= {"reader": "Frau Meier", "scope": scope, "rooms": None, "by": "token"}.items()
        for path in ("/", "/wall", "/trends", "/timeline", "/ghosts", "/hardware", "/readers-log", "/account"):
            assert (path in me["pages"]) == (ask(server, path, secret).status == 200), path
        assert looks(tmp_path) == []


def test_a_wall_learns_its_rooms(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        secret = add_reader(tmp_path, "corridor", "--scope", "wall", "--rooms", "A*")
        assert ask(server, "/api/v1/me", secret).json["rooms"] == "a*"


def test_a_login_is_told_from_a_token(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        form = urlencode({"token": add_reader(tmp_path, "Frau Meier", "--scope", "now")})
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        login = server.request("POST", "/login", form.encode(), fields)
        cookie = login.headers["set-cookie"].partition(";")[0]
        me = server.request("GET", "/api/v1/me", headers={"Cookie": cookie}).json
        assert (me["reader"], me["by"]) == ("Frau Meier", "cookie")


def test_without_a_reader_and_with_a_parameter_it_says_so(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nlocal_reads = false\n") as server:
        server.wait_until_it_obeys()
        assert ask(server, "/api/v1/me").status == 403
        secret = add_reader(tmp_path, "Frau Meier", "--scope", "now")
        assert ask(server, "/api/v1/me?who=1", secret).status == 400
