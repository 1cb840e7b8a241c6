"""winlogd serves on the sockets that systemd has opened, and clients wait there while it starts (sd_listen_fds(3))."""

import os
import re
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.activated import activated, open_port
from tests.support.paths import DATA
from tests.support.readers import with_tls
from tests.support.running import A_SMALL_DISK_WILL_DO, PATIENCE_S, Winlogd, a_steady_port, an_event, wait_for
from tests.support.wire import Wire, health

OVER_TLS = ssl.create_default_context(cafile=DATA / "tls.crt")


@pytest.fixture
def port() -> Iterator[socket.socket]:
    with open_port() as opened:
        yield opened


def number(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def health_over_tls(port: int) -> bytes:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    with connection, OVER_TLS.wrap_socket(connection, server_hostname="localhost") as secure:
        secure.sendall(health("Connection: close"))
        return secure.recv(4096)


def test_clients_that_come_before_the_start_and_during_a_restart_wait(port: socket.socket, tmp_path: Path) -> None:
    with activated(tmp_path, {"http": port}) as server:
        with Wire(number(port)) as early:
            early.send(health())
            server.start()
            assert server.port == number(port)
            assert early.answer().status == 200
        assert server.stop() == 0
        with Wire(number(port)) as between:
            between.send(health())
            server.restart()
            assert between.answer().status == 200


@pytest.mark.long
def test_the_log_says_that_the_configured_address_is_not_used(port: socket.socket, tmp_path: Path) -> None:
    elsewhere = a_steady_port()
    environ = {"WINLOGD_SERVER_HOST": "192.0.2.1", "WINLOGD_SERVER_PORT": str(elsewhere)}  # not this machine's
    with activated(tmp_path, {"http": port}, environ=environ) as server:
        server.start()
        assert "systemd has opened the port; server.host and server.port are not used" in server.log
        assert server.post(an_event()).status == 200
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", elsewhere), PATIENCE_S)


@pytest.mark.long
def test_a_port_with_the_name_https_has_tls(port: socket.socket, tmp_path: Path) -> None:
    with open_port() as secure, activated(tmp_path, {"http": port, "https": secure}, with_tls(1)) as server:
        server.start()
        assert b"200 OK" in health_over_tls(number(secure))
        assert "systemd has opened the port for TLS; server.host and server.tls_port are not used" in server.log
        assert server.request("GET", "/health").status == 200


@pytest.mark.long
def test_only_the_port_that_systemd_has_not_opened_is_the_configured_one(port: socket.socket, tmp_path: Path) -> None:
    secure = a_steady_port()
    with activated(tmp_path, {"http": port}, with_tls(secure)) as server:
        server.start()
        assert b"200 OK" in health_over_tls(secure)
        assert server.port == number(port)
    with open_port() as opened, activated(tmp_path, {"https": opened}, with_tls(secure)) as server:
        server.start()
        assert b"200 OK" in health_over_tls(number(opened))
        assert server.port not in (number(opened), number(port))
        assert server.request("GET", "/health").status == 200


@pytest.mark.long
def test_several_ports_of_both_kinds_of_addresses_are_served(port: socket.socket, tmp_path: Path) -> None:
    with open_port("::1") as newer, activated(tmp_path, {"one": port, "two": newer}) as server:
        server.start()
        assert server.request("GET", "/health").status == 200
        with Wire(number(newer), "::1") as wire:
            wire.send(health())
            assert wire.answer().status == 200


@pytest.mark.long
def test_the_server_does_not_pass_the_port_on(port: socket.socket, tmp_path: Path) -> None:
    with activated(tmp_path, {"http": port}) as server:
        server.start()
        flags = re.search(r"^flags:\s+(\d+)", Path(f"/proc/{server.process.pid}/fdinfo/3").read_text(), re.MULTILINE)
        assert flags is not None
        assert int(flags[1], 8) & os.O_CLOEXEC


@pytest.mark.long
def test_sockets_for_another_process_are_left_alone(port: socket.socket, tmp_path: Path) -> None:
    with activated(tmp_path, {"http": port}, pid="1") as server:
        server.start()
        assert server.port != number(port)
        assert server.request("GET", "/health").status == 200


@pytest.mark.long
@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"LISTEN_FDS": "two"}, "LISTEN_FDS must be the number of the sockets that are passed on, not 'two'"),
        ({"LISTEN_FDS": "2"}, "descriptor 4, which was passed on, is no socket: Bad file descriptor"),
        ({"LISTEN_FDNAMES": "https"}, "systemd has opened a port for TLS .* but server.tls_port is 0: set it"),
    ],
)
def test_the_start_ends_with_a_line_that_says_why(
    environ: Mapping[str, str], line: str, port: socket.socket, tmp_path: Path
) -> None:
    with activated(tmp_path, {"http": port}, environ=environ) as server:
        _fails(server, line)


@pytest.mark.long
def test_a_port_that_is_not_of_tcp_ends_the_start(tmp_path: Path) -> None:
    with open_port(kind=socket.SOCK_DGRAM) as udp, activated(tmp_path, {"http": udp}) as server:
        _fails(server, "descriptor 3, which was passed on, is no TCP socket")
    with socket.socket(socket.AF_UNIX) as local, activated(tmp_path, {"http": local}) as server:
        _fails(server, "descriptor 3, which was passed on, is no TCP socket")


def _fails(server: Winlogd, line: str) -> None:
    server.spawn()
    assert server.wait() == 1
    [logged] = server.log.splitlines()
    assert re.search(line, logged)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="missing: systemd-socket-activate")
def test_systemds_own_program_starts_a_server_on_its_port(tmp_path: Path) -> None:
    port = a_steady_port()
    server = Winlogd(tmp_path)
    given = [f"--setenv={name}" for name in ("PYTHONPATH", "WINLOGD_SERVER_PORT", *A_SMALL_DISK_WILL_DO)]
    program = ("systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=http", *given)
    server.command = (*program, *server.command)
    server.port = port
    server.spawn()
    try:
        wait_for(lambda: f"Listening on 127.0.0.1:{port}" in server.log, "the port", server.process)
        assert server.post(an_event()).status == 200
        wait_for(lambda: "systemd has opened the port" in server.log, "the line about the port", server.process)
        assert server.stop() == 0
    finally:
        server.kill()
