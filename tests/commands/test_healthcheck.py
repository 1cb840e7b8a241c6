"""`winlogd healthcheck` says in one line, and by its exit status, if the server can store events."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.running import Winlogd, a_steady_port, run_to_end, running

pytestmark = pytest.mark.long  # each command is a process

READY: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nready\n"
NOT_READY: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\nnot\x1b[2Jready"


@contextmanager
def answering(answer: bytes, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer one request with these octets, like a server of another version. Give the port."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def check(folder: Path, port: int, **environ: str) -> tuple[int, str, str]:
    done = run_to_end(folder, "healthcheck", environ={"WINLOGD_SERVER_PORT": str(port), **environ})
    return done.returncode, done.stdout, done.stderr


def test_a_running_server_is_healthy(server: Winlogd) -> None:
    server.wait_until_open()
    status, said, complained = check(server.folder, server.port)
    assert (status, complained) == (0, "")
    assert said.startswith(f"http://127.0.0.1:{server.port}/")
    assert " answers 200: " in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("localhost", "localhost")])
def test_a_server_on_all_addresses_is_reached_on_this_machine(host: str, reached: str, tmp_path: Path) -> None:
    with running(tmp_path, environ={"WINLOGD_SERVER_HOST": host}) as server:
        server.wait_until_open()
        status, said, _ = check(tmp_path, server.port, WINLOGD_SERVER_HOST=host)
        assert (status, said.startswith(f"http://{reached}:{server.port}/")) == (0, True)


def test_a_server_that_cannot_store_events_is_not(tmp_path: Path) -> None:
    with answering(READY) as port:
        assert check(tmp_path, port) == (0, f"http://127.0.0.1:{port}/ready answers 200: ready\n", "")
    with answering(NOT_READY) as port:
        line = f"winlogd: http://127.0.0.1:{port}/ready answers 503: not\\x1b[2Jready\n"
        assert check(tmp_path, port) == (1, "", line)


@pytest.mark.parametrize("answer", [b"", b"no HTTP\r\n\r\n"])
def test_what_is_no_answer_is_not_healthy(answer: bytes, tmp_path: Path) -> None:
    with answering(answer) as port:
        status, said, complained = check(tmp_path, port)
    assert (status, said, complained.count("\n")) == (1, "", 1)
    assert f"http://127.0.0.1:{port}/ready does not answer: " in complained


def test_no_server_is_not_healthy(tmp_path: Path) -> None:
    status, said, complained = check(tmp_path, a_steady_port())
    assert (status, said) == (1, "")
    assert complained.endswith("/ready does not answer: Connection refused\n")


def test_a_wrong_configuration_is_not_healthy_and_not_a_reserved_status(tmp_path: Path) -> None:
    status, said, complained = check(tmp_path, 70_000)
    assert (status, said, complained.count("\n")) == (1, "", 1)
    assert "WINLOGD_SERVER_PORT" in complained
