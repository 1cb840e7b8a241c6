"""A process that was stopped goes on: it reads what its peers have sent before it ends any connection."""

import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import in_the_server
from tests.support.paths import DATA
from tests.support.running import Winlogd, a_steady_port, an_event, running, wait_for
from tests.support.wire import Wire, event_of, health

LIMIT_S: Final = 10.0
"""Long enough for a slow moment between the first connection and the stop of the process."""
LONGER_S: Final = 12.5
SETTINGS: Final = f"""
[server]
tls_port = %d
tls_certificate = "{DATA / "tls.crt"}"
tls_key = "{DATA / "tls.key"}"
[limits]
headers_timeout = {LIMIT_S}
body_timeout = {LIMIT_S}
idle_timeout = {LIMIT_S}
"""


@contextmanager
def stopped(server: Winlogd) -> Iterator[None]:
    """Stop the process for this block, which takes longer than any time limit."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        stat = Path(f"/proc/{server.process.pid}/stat")
        wait_for(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the process to stop")
        yield
        time.sleep(LONGER_S)
    finally:
        server.process.send_signal(signal.SIGCONT)


def client_hello() -> bytes:
    """Return the first octets of a client with TLS."""
    context, outgoing = ssl.create_default_context(cafile=str(DATA / "tls.crt")), ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.long
def test_requests_that_came_in_full_are_answered_and_nobody_is_let_go(tmp_path: Path) -> None:
    tls_port = a_steady_port()
    hello = client_hello()
    begun = [
        (b"", health()),
        (health()[:9], health()[9:]),
        (event_of(an_event())[:-9], event_of(an_event())[-9:]),
    ]
    with running(tmp_path, SETTINGS % tls_port) as server, ExitStack() as stack:
        server.wait_until_open()
        shaking_hands = stack.enter_context(Wire(tls_port))
        wires = [stack.enter_context(Wire(server.port)) for _ in begun]
        idle, silent = (stack.enter_context(Wire(server.port)) for _ in range(2))
        idle.send(health())
        assert idle.answer().status == 200
        shaking_hands.send(hello[:5])
        for wire, (first, _) in zip(wires, begun, strict=True):
            wire.send(first)
        for wire in (*wires, shaking_hands):
            in_the_server(server, wire)
        with stopped(server):
            for wire, (_, rest) in zip(wires, begun, strict=True):
                wire.send(rest)
            idle.send(health())
            shaking_hands.send(hello[5:])
        assert [wire.answer().status for wire in (*wires, idle)] == [200] * 4
        assert shaking_hands.socket.recv(1) == b"\x16"  # a record of the handshake (RFC 8446 §5.1)
        silent.send(health())
        assert silent.answer().status == 200
        assert "request refused" not in server.log
