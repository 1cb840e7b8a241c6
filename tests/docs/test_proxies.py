"""The recipes of docs/configure.md work with a real nginx and a real Caddy.

Each proxy and each client has a loopback address of its own. Thus a test sees whose address is stored.
"""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.docs.proxies import PROXY_ADDRESS, caddy, foreground, free_port, nginx
from tests.support.running import CLIENT_HEADERS, PATIENCE_S, Winlogd, an_event, running

pytestmark = pytest.mark.long

CLIENT_ADDRESS: Final = "127.0.20.1"
FORGED: Final = {"X-Forwarded-For": "203.0.113.9", "CF-Connecting-IP": "203.0.113.10"}

TOKEN: Final = "Zk3-correct.horse_battery"

_ESTABLISHED: Final = "01"


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Winlogd, int]]:
    """Run a server behind a proxy. Yield the server and the proxy's port."""
    prepare: Callable[[Path, int, int], list[str]] = request.param
    with running(tmp_path) as server:
        port = free_port()
        with foreground(prepare(tmp_path, server.port, port), tmp_path, port):
            yield server, port


def test_an_event_passes_and_is_answered(behind: tuple[Winlogd, int]) -> None:
    server, port = behind
    status, body = _post(port, {})
    assert (status, body["status"]) == (200, "success")
    assert [row["username"] for row in server.rows()] == ["alice"]


@pytest.mark.parametrize("forged", [{}, FORGED, {"X-Forwarded-For": "203.0.113.9, 203.0.113.10"}])
def test_the_address_that_is_stored_is_the_clients_whatever_it_claims(
    behind: tuple[Winlogd, int], forged: dict[str, str]
) -> None:
    server, port = behind
    assert _post(port, forged)[0] == 200
    assert [row["source_ip"] for row in server.rows()] == [CLIENT_ADDRESS]


def test_a_refusal_reaches_the_client(behind: tuple[Winlogd, int]) -> None:
    _, port = behind
    assert _post(port, {"User-Agent": "curl/8"}) == (403, {"error": "Invalid User-Agent"})


def test_nginx_writes_no_token_into_its_own_log(tmp_path: Path) -> None:
    """The access log in Debian's nginx.conf has the User-Agent."""
    port, log = free_port(), tmp_path / "access.log"
    with running(tmp_path, f'[security]\ningest_token = "{TOKEN}"\n') as server:
        command = nginx(tmp_path, server.port, port, f"access_log {log};")
        with foreground(command, tmp_path, port):
            assert _post(port, {"User-Agent": f"Winlog/0.1.0 {TOKEN}"})[0] == 200
    assert TOKEN not in "".join(path.read_text() for path in (log, tmp_path / "proxy.log") if path.exists())


def test_the_proxy_keeps_its_connection_for_the_next_event(behind: tuple[Winlogd, int]) -> None:
    server, port = behind
    _post(port, {})
    [first] = _proxys_connections(server)
    for minute in range(5):
        assert _post(port, {}, timestamp=f"2026-01-13T09:0{minute}:00Z")[0] == 200
    assert _proxys_connections(server) == [first]


def _post(port: int, headers: dict[str, str], **fields: str) -> tuple[int, dict[str, str]]:
    """Send an event to the proxy, on a connection of its own, as a workstation at `CLIENT_ADDRESS`."""
    with closing(
        http.client.HTTPConnection(PROXY_ADDRESS, port, timeout=PATIENCE_S, source_address=(CLIENT_ADDRESS, 0))
    ) as connection:
        sent = {"Host": "winlog.example.org", **CLIENT_HEADERS, **headers}
        connection.request("POST", "/api/v1/events", json.dumps(an_event(**fields)), sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def _proxys_connections(server: Winlogd) -> list[str]:
    """Return the peers of the server's established connections (proc(5), /proc/net/tcp)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [far for _, near, far, state, *_ in lines if near.endswith(f":{server.port:04X}") and state == _ESTABLISHED]
