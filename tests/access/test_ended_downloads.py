"""A download ends as soon as its reader may not read any more, and its peer can notice that it is not complete."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.api.test_downloads import LAST_CHUNK, archive
from tests.support.browsing import Browser
from tests.support.readers import add_reader, bearer, token
from tests.support.running import Winlogd, running
from tests.support.wire import Wire, request

pytestmark = pytest.mark.long

ROWS: Final = 100_000
"""More than the system keeps for a peer that does not read."""
DOWNLOAD: Final = "/api/v1/events?format=ndjson"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    folder = tmp_path_factory.mktemp("downloads")
    archive(folder, ROWS)
    with running(folder) as started:
        started.wait_until_it_obeys()
        yield started
        assert "Traceback" not in started.log


def begun(server: Winlogd, field: str) -> Wire:
    """Begin a download, and read no more than its beginning."""
    wire = Wire(server.port, receive_buffer=4096)
    wire.send(request("GET", DOWNLOAD, field))
    assert wire.socket.recv(17) == b"HTTP/1.1 200 OK\r\n"
    return wire


def rows_of(wire: Wire) -> int:
    """Read the rest, which has to be cut off. Return the number of rows."""
    received = wire.rest()
    wire.socket.close()
    assert not received.endswith(LAST_CHUNK)
    return received.count(b"@PC@")


def by_token(secret: str) -> str:
    return f"Authorization: {bearer(secret)['Authorization']}"


def logged_in(server: Winlogd, secret: str) -> Browser:
    browser = Browser(server.port)
    browser.log_in(secret)
    return browser


@pytest.mark.parametrize("way", ["token", "cookie"])
def test_a_revocation_ends_it(way: str, server: Winlogd) -> None:
    secret, other = (add_reader(server.folder, f"{name} {way}", "--scope", "all") for name in ("ends", "stays"))
    field = by_token(secret) if way == "token" else f"Cookie: {logged_in(server, secret).cookie}"
    wire, kept = begun(server, field), begun(server, by_token(other))
    token(server.folder, "revoke", f"ends {way}")
    assert 0 < rows_of(wire) < ROWS
    token(server.folder, "revoke", f"stays {way}")
    assert 0 < rows_of(kept) < ROWS


def test_the_logout_ends_those_of_its_login(server: Winlogd) -> None:
    secret = add_reader(server.folder, "logs out", "--scope", "all")
    browser, other = logged_in(server, secret), logged_in(server, secret)
    wire, kept = begun(server, f"Cookie: {browser.cookie}"), begun(server, f"Cookie: {other.cookie}")
    assert browser.post("/logout").status == 303
    assert 0 < rows_of(wire) < ROWS
    received = b""
    while not received.endswith(LAST_CHUNK):
        piece = kept.socket.recv(1 << 20)
        assert piece, "the other download was cut off, too"
        received = received[-5:] + piece
    kept.socket.close()


def test_its_time_ends_it(server: Winlogd) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=4)).isoformat(timespec="seconds")
    secret = add_reader(server.folder, "expires", "--scope", "all", "--expires", end)
    wire = begun(server, by_token(secret))
    while time.time() < datetime.fromisoformat(end).timestamp() + 1.5:
        time.sleep(0.05)
    assert 0 < rows_of(wire) < ROWS


def test_the_first_reader_ends_those_of_this_machine(tmp_path: Path) -> None:
    archive(tmp_path, ROWS)
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        wire = begun(server, "Accept: */*")
        add_reader(tmp_path, "first", "--scope", "all")
        assert 0 < rows_of(wire) < ROWS
