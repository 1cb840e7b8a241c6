"""Many clients ask for the open sessions, over plain sockets and TLS: the answer that they share is in memory once."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

import pytest

from tests.support.crowds import SESSIONS, crowd, resident_bytes
from tests.support.paths import DATA
from tests.support.running import PATIENCE_S, Winlogd, a_steady_port, running
from tests.support.wire import request

pytestmark = pytest.mark.long

MIB: Final = 1 << 20
OPEN_SESSIONS: Final = 36_000
"""The number of sessions whose listing has 7 MB: more than Linux keeps for a peer that does not read (tcp(7))."""
CERTIFICATE, KEY = DATA / "tls.crt", DATA / "tls.key"
STALLED: Final = 200
HONEST: Final = 30
READ_AT_ONCE: Final = 4
"""The patience of honest clients: the other clients begin to read late."""
LISTING: Final = request("GET", SESSIONS)

kinds = pytest.mark.parametrize("kind", ["plain", "tls"])


@pytest.fixture(scope="module")
def tls_port() -> int:
    return a_steady_port()


@pytest.fixture(scope="module")
def crowded(tls_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    settings = (
        f'[server]\ntls_port = {tls_port}\ntls_certificate = "{CERTIFICATE}"\ntls_key = "{KEY}"\n[rotation]\nat = ""\n'
    )
    with running(tmp_path_factory.mktemp("crowded"), settings) as server:
        crowd(server, OPEN_SESSIONS)
        yield server


def connected(port: int, kind: str, receive_buffer: int | None = None) -> socket.socket:
    plain = socket.socket()
    plain.settimeout(PATIENCE_S)
    if receive_buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.connect(("127.0.0.1", port))
    if kind == "plain":
        return plain
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    return context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)


def whole(sock: socket.socket) -> bytes:
    """Return all octets until FIN."""
    received = bytearray()
    while piece := sock.recv(1 << 18):
        received += piece
    return bytes(received)


@kinds
def test_two_hundred_that_never_read_cost_no_honest_reader_its_listing(
    kind: str, crowded: Winlogd, tls_port: int
) -> None:
    port = crowded.port if kind == "plain" else tls_port
    before = resident_bytes(crowded)
    expected = crowded.request("GET", SESSIONS).body
    with ExitStack() as stack, ThreadPoolExecutor(READ_AT_ONCE) as readers:
        for number in range(STALLED):
            stalled = stack.enter_context(connected(port, kind, 4096))
            stalled.sendall(LISTING)
            if number % 20 == 0:  # further ones share a later listing
                crowded.request("GET", SESSIONS)
        honest = [stack.enter_context(connected(port, kind)) for _ in range(HONEST)]
        for sock in honest:
            sock.sendall(request("GET", SESSIONS, "Connection: close"))
        answers = list(readers.map(whole, honest))
        assert [answer.endswith(expected) for answer in answers] == [True] * HONEST
        assert resident_bytes(crowded) - before < 96 * MIB
        assert crowded.request("GET", "/health").status == 200
