"""TLS on a port of its own: the answers are the same, and a peer without TLS harms no other."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.support.paths import DATA
from tests.support.running import PATIENCE_S, Winlogd, a_steady_port, an_event, run_to_end, running, wait_for
from tests.support.wire import Wire, event_of, health

CERTIFICATE, KEY = DATA / "tls.crt", DATA / "tls.key"


def with_tls(port: int) -> str:
    """Return the section of the configuration."""
    return f'[server]\ntls_port = {port}\ntls_certificate = "{CERTIFICATE}"\ntls_key = "{KEY}"\n'


@pytest.fixture(scope="module")
def port() -> int:
    return a_steady_port()


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Yield a server with TLS on `port`."""
    settings = with_tls(port)
    with running(tmp_path_factory.mktemp("tls"), settings) as started:
        yield started


def exchange(port: int, octets: bytes, version: ssl.TLSVersion | None = None) -> bytes:
    """Return all that a client gets that trusts the certificate, until the server closes."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wire,
    ):
        wire.sendall(octets)
        received = b""
        while piece := wire.recv(65536):
            received += piece
        return received


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_event_is_stored_and_answered(version: ssl.TLSVersion | None, server: Winlogd, port: int) -> None:
    answer = exchange(port, event_of(an_event(), "Connection: close"), version)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"status":"success"' in answer


def test_pipelined_requests_are_answered_in_order_and_the_connection_ends(server: Winlogd, port: int) -> None:
    answers = exchange(port, health() * 20 + health("Connection: close"))
    assert answers.count(b"HTTP/1.1 200 OK") == 21


def test_who_speaks_something_else_costs_only_itself(server: Winlogd, port: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S)) as silent:
        for octets in (health(), b"\x00" * 100, b""):
            with closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S)) as wrong:
                wrong.sendall(octets)
                wrong.shutdown(socket.SHUT_WR)
                assert not wrong.recv(65536).startswith(b"HTTP")
        with pytest.raises(ssl.SSLError):
            exchange(server.port, health())
        assert b" 200 OK" in exchange(port, health("Connection: close"))
        silent.sendall(b"x")
    assert server.request("GET", "/health").status == 200
    server.wait_for_log(r'request refused address=127\.0\.0\.1 status=400 reason="No TLS handshake: http request"')
    assert "ERROR" not in server.log
    assert "Traceback" not in server.log


def test_handshakes_count_as_connections_of_their_address(tmp_path: Path) -> None:
    port = a_steady_port()
    settings = (
        f"{with_tls(port)}max_connections = 4\n"
        "[security]\ntrusted_proxies = []\n[limits]\nconnections_per_address = 2\nheaders_timeout = 3600\n"
    )
    with running(tmp_path, settings) as server, ExitStack() as stack:
        silent = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S))) for _ in range(6)
        ]
        for refused in silent[2:]:
            assert refused.recv(1) == b""
        server.wait_for_log(r'address=127\.0\.0\.1 status=503 reason="Too many connections from this address"')

        with Wire(server.port, source="127.0.0.2") as neighbour:
            neighbour.send(health())
            assert neighbour.answer().status == 200

        for wire in silent:
            wire.close()
        with closing(socket.create_connection(("127.0.0.1", server.port))):
            for _ in range(4):  # each connection is counted once, and forgotten at its end
                wait_for(lambda: b" 200 OK" in answer_or_nothing(port), "a free place", server.process)


def test_handshakes_count_as_connections_of_all(tmp_path: Path) -> None:
    port = a_steady_port()
    settings = f"{with_tls(port)}max_connections = 4\n[limits]\nheaders_timeout = 3600\n"
    with running(tmp_path, settings) as server, ExitStack() as stack:
        silent = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S))) for _ in range(5)
        ]
        assert silent[4].recv(1) == b""
        assert server.request("GET", "/health").status == 503
        silent[0].close()
        wait_for(lambda: server.request("GET", "/health").status == 200, "a free place", server.process)


def test_a_handshake_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    port = a_steady_port()
    settings = f"{with_tls(port)}[limits]\nheaders_timeout = 0.5\n"
    with running(tmp_path, settings), closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S)) as silent:
        assert silent.recv(1) == b""


def test_a_client_goes_by_its_own_address(server: Winlogd, port: int, tmp_path: Path) -> None:
    exchange(port, event_of(an_event(username="addressed"), "Connection: close"))
    (row,) = server.rows("SELECT source_ip FROM events_today WHERE username = 'addressed'")
    assert row["source_ip"] == "127.0.0.1"
    port = a_steady_port()
    settings = with_tls(port) + '[security]\ningest_networks = ["203.0.113.0/24"]\n'
    with running(tmp_path, settings):
        assert exchange(port, event_of(an_event(), "Connection: close")).startswith(b"HTTP/1.1 403 ")


def answer_or_nothing(port: int) -> bytes:
    """Return the answer to /health; nothing if the server closes before."""
    with suppress(OSError):
        return exchange(port, health("Connection: close"))
    return b""


@pytest.mark.parametrize(
    ("certificate", "key", "reason"),
    [
        (CERTIFICATE, "absent.pem", "absent.pem cannot be read: No such file"),
        (KEY, CERTIFICATE, "the first holds no certificate, or the second no key"),
        ("config.toml", KEY, "the first holds no certificate, or the second no key"),
    ],
)
def test_a_bad_certificate_ends_the_start_and_the_check_with_one_line(
    certificate: Path | str, key: Path | str, reason: str, tmp_path: Path
) -> None:
    settings = f'[server]\ntls_port = {a_steady_port()}\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n'
    (tmp_path / "config.toml").write_text(settings)
    for words, status in (((), 1), (("check-config",), 2)):
        ended = run_to_end(tmp_path, *words)
        assert ended.returncode == status
        (line,) = ended.stderr.splitlines()
        assert reason in line


def test_a_certificate_without_a_port_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[server]\ntls_certificate = "{CERTIFICATE}"\n')
    ended = run_to_end(tmp_path, "check-config")
    assert ended.returncode == 2
    assert "server.tls_certificate: nothing is served with it while server.tls_port is 0" in ended.stderr


def test_a_port_without_a_certificate_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 3000\ntls_port = 3000\n")
    ended = run_to_end(tmp_path, environ={"WINLOGD_SERVER_PORT": "3000"})
    assert ended.returncode == 2
    assert [line.split(":")[1].strip().partition(" ")[0] for line in ended.stderr.splitlines()] == [
        "server.tls_certificate",
        "server.tls_key",
        "server.tls_port",
    ]
