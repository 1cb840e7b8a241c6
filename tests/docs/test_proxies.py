"""The recipes of README.md for nginx and Caddy, run by nginx and Caddy.

Each proxy and each client has a loopback address of its own, so that it shows whose address is stored.
"""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.docs.readme import block, replaced
from tests.running import CLIENT_HEADERS, Winlogd, an_event, running

PROXY_ADDRESS: Final = "127.0.10.1"
CLIENT_ADDRESS: Final = "127.0.20.1"
FORGED: Final = {"X-Forwarded-For": "203.0.113.9", "CF-Connecting-IP": "203.0.113.10"}
PATIENCE_S: Final = 30.0

_ESTABLISHED: Final = "01"


def _nginx(folder: Path, server: Winlogd, port: int) -> list[str]:
    """The recipe as a part of the smallest nginx.conf, and the command that runs it in the foreground."""
    recipe = replaced(
        block("upstream winlogd").text,
        {"127.0.0.1:3000": f"127.0.0.1:{server.port}", "listen 80": f"listen {PROXY_ADDRESS}:{port}"},
    )
    folders = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{folders}{recipe}\n}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _caddy(folder: Path, server: Winlogd, port: int) -> list[str]:
    """The recipe below options that keep Caddy to its folder, and the command that runs it in the foreground."""
    recipe = replaced(
        block("http://winlog.example.org {").text,
        {
            "127.0.0.1:3000": f"127.0.0.1:{server.port}",
            "http://winlog.example.org": f"http://winlog.example.org:{port}",
        },
    )
    (folder / "Caddyfile").write_text(
        f"{{\nadmin off\ndefault_bind {PROXY_ADDRESS}\nstorage file_system {folder}/caddy\n}}\n{recipe}"
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(params=[_nginx, _caddy], ids=["nginx", "caddy"])
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Winlogd, int]]:
    """A server, and the port of a proxy before it."""
    prepare: Callable[[Path, Winlogd, int], list[str]] = request.param
    with running(tmp_path) as server:
        port = _free_port()
        command = prepare(tmp_path, server, port)
        path = f"{os.environ['PATH']}:/usr/sbin"
        program = shutil.which(command[0], path=path)
        if program is None:
            pytest.skip(f"{command[0]} is not installed")
        with _foreground([program, *command[1:]], tmp_path, port):
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


def test_the_proxy_keeps_its_connection_for_the_next_event(behind: tuple[Winlogd, int]) -> None:
    server, port = behind
    _post(port, {})
    [first] = _proxys_connections(server)
    for minute in range(5):
        assert _post(port, {}, timestamp=f"2026-01-13T09:0{minute}:00Z")[0] == 200
    assert _proxys_connections(server) == [first]


def _post(port: int, headers: dict[str, str], **fields: str) -> tuple[int, dict[str, str]]:
    """Sends an event to the proxy, on a connection of its own, as a workstation at `CLIENT_ADDRESS`."""
    with closing(
        http.client.HTTPConnection(PROXY_ADDRESS, port, timeout=PATIENCE_S, source_address=(CLIENT_ADDRESS, 0))
    ) as connection:
        sent = {"Host": "winlog.example.org", **CLIENT_HEADERS, **headers}
        connection.request("POST", "/api/v1/events", json.dumps(an_event(**fields)), sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def _proxys_connections(server: Winlogd) -> list[str]:
    """The far ends of the server's established connections (proc(5), /proc/net/tcp)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [far for _, near, far, state, *_ in lines if near.endswith(f":{server.port:04X}") and state == _ESTABLISHED]


def _free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind((PROXY_ADDRESS, 0))
        return int(sock.getsockname()[1])


@contextmanager
def _foreground(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """Runs a proxy that listens on `port`, and ends it."""
    environ = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    log = folder / "proxy.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream, env=environ)
    try:
        _wait_until_it_listens(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
    assert not re.search(r"\[(warn|error|crit|emerg)\]|\"level\":\"(error|fatal)\"", log.read_text())


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    with socket.socket() as sock:
        sock.settimeout(PATIENCE_S)
        while sock.connect_ex((PROXY_ADDRESS, port)) != 0:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(log.read_text())
