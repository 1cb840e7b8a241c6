"""A live feed ends as soon as its reader may not read any more: each end of a right, and each reload that takes it."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.support.browsing import Browser
from tests.support.readers import add_reader, ask, bearer, token
from tests.support.reloading import reload
from tests.support.running import Winlogd, an_event, running
from tests.support.watching import Page, Watching, snapshot

pytestmark = pytest.mark.long  # each end is waited for

LIVE: Final = "/api/v1/live"
ELSEWHERE: Final = {"X-Forwarded-For": "192.0.2.7"}
"""The field by which the trusted proxy of this machine says that another machine asks, by plain HTTP."""
NUMBERS: Final = itertools.count(100)
"""Each machine is sent once."""
PLAIN: Final = "[security]\nplain_login = true\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with running(tmp_path_factory.mktemp("feeds")) as started:
        started.wait_until_it_obeys()
        yield started
        assert "Traceback" not in started.log


def feed(server: Winlogd, fields: dict[str, str]) -> Watching:
    """Return a feed that goes on after the snapshot of now."""
    return Watching(server.port, Page(snapshot(server, fields)).id, headers=fields).connected()


def logged_in(server: Winlogd, secret: str) -> Browser:
    browser = Browser(server.port)
    browser.log_in(secret)
    return browser


def goes_on(kept: Watching, server: Winlogd) -> None:
    """Assert that a feed gets the next change."""
    hostname = f"A102-{next(NUMBERS)}"
    assert server.post(an_event(hostname=hostname)).status == 200
    assert hostname in str(kept.until(lambda data: hostname in str(data)))


@pytest.mark.parametrize("scope", ["wall", "now", "all"])
@pytest.mark.parametrize("way", ["token", "cookie"])
def test_a_revocation_ends_it(way: str, scope: str, server: Winlogd) -> None:
    name = f"ends {way} {scope}"
    secret = add_reader(server.folder, name, "--scope", scope)
    fields = bearer(secret) if way == "token" else {"Cookie": logged_in(server, secret).cookie}
    other = bearer(add_reader(server.folder, f"stays {way} {scope}", "--scope", "all"))
    with feed(server, fields) as ended, feed(server, other) as kept:
        token(server.folder, "revoke", name)
        ended.rest()
        goes_on(kept, server)
    assert ask(server, LIVE, secret).status == 403


def test_the_logout_ends_those_of_its_login(server: Winlogd) -> None:
    secret = add_reader(server.folder, "logs out", "--scope", "all")
    browser, other = logged_in(server, secret), logged_in(server, secret)
    with feed(server, {"Cookie": browser.cookie}) as ended, feed(server, {"Cookie": other.cookie}) as kept:
        assert browser.post("/logout").status == 303
        ended.rest()
        goes_on(kept, server)


def test_its_time_ends_it(server: Winlogd) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=20)).isoformat(timespec="seconds")
    secret = add_reader(server.folder, "expires", "--scope", "all", "--expires", end)
    with feed(server, bearer(secret)) as ended:
        ended.rest()
    assert datetime.now(UTC) >= datetime.fromisoformat(end)


# ── a reload ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_reload_without_local_reads_ends_those_of_this_machine(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        with feed(server, {}) as ended:
            assert re.match("configuration reloaded", reload(server, "[security]\nlocal_reads = false\n"))
            ended.rest()
        assert ask(server, LIVE).status == 403


def test_a_reload_without_plain_login_ends_those_of_tokens_by_plain_http(tmp_path: Path) -> None:
    with running(tmp_path, PLAIN) as server:
        server.wait_until_it_obeys()
        fields = bearer(add_reader(tmp_path, "elsewhere", "--scope", "all")) | ELSEWHERE
        with feed(server, fields) as ended:
            assert re.match("configuration reloaded", reload(server, ""))
            ended.rest()
        assert server.request("GET", LIVE, headers=fields).status == 403


@pytest.mark.parametrize("option", ['names = ["winlog"]', 'trusted_proxies = ["192.0.2.1"]', "read_networks = []"])
def test_a_reload_with_other_rules_ends_those_that_may_be_begun_anew(option: str, tmp_path: Path) -> None:
    with running(tmp_path, '[security]\nread_networks = ["192.0.2.0/24"]\n') as server:
        server.wait_until_it_obeys()
        with feed(server, {}) as ended:
            keep = "" if "read_networks" in option else 'read_networks = ["192.0.2.0/24"]\n'
            reload(server, f"[security]\n{keep}{option}\n")
            ended.rest()
        with feed(server, {}) as begun:
            goes_on(begun, server)


def test_a_reload_with_the_same_rules_ends_none(tmp_path: Path) -> None:
    with running(tmp_path, PLAIN) as server:
        server.wait_until_it_obeys()
        fields = bearer(add_reader(tmp_path, "elsewhere", "--scope", "all")) | ELSEWHERE
        with feed(server, fields) as kept:
            reload(server, f'{PLAIN}[logging]\nlevel = "debug"\n')
            goes_on(kept, server)
