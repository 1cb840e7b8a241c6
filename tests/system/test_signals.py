"""The server handles signals from its first moment."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.running import Winlogd, an_event, wait_for

HARMLESS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE]


EARLY: Final = """
import signal, sys
from winlogd.cli import main
from winlogd.commands import serve
load = serve.load
def load_later(*arguments):
    assert "asyncio" not in sys.modules, "it takes half of a start, in which a signal would end the process"
    for number in {numbers}:
        signal.raise_signal(number)
    return load(*arguments)
serve.load = load_later
sys.exit(main())
"""
"""Run winlogd and send it signals before it has read its configuration."""


@contextmanager
def signalled_early(folder: Path, *numbers: int) -> Iterator[Winlogd]:
    server = Winlogd(folder)
    program = EARLY.format(numbers=[int(number) for number in numbers])
    server.command = (sys.executable, "-c", program, "--config", "config.toml")
    server.spawn()
    try:
        yield server
    finally:
        server.kill()


def send(server: Winlogd, number: int) -> None:
    """Send a signal. Return when the process has received it (proc(5))."""
    server.process.send_signal(number)
    mask = 1 << (number - 1)

    def is_taken() -> bool:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        pending = [line for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
        return not any(int(line.split()[1], 16) & mask for line in pending)

    wait_for(is_taken, f"signal {number} to be taken")


@pytest.mark.parametrize("number", HARMLESS)
def test_a_signal_that_asks_for_nothing_ends_nothing(number: int, server: Winlogd) -> None:
    send(server, number)
    assert server.post(an_event()).status == 200
    if number == signal.SIGHUP:
        server.wait_for_log("INFO configuration reloaded changed=nothing")
    assert server.stop() == 0
    assert server.log.count("configuration") == (number == signal.SIGHUP)


def test_no_such_signal_ends_a_server_that_has_not_started_yet(tmp_path: Path) -> None:
    with signalled_early(tmp_path, *HARMLESS) as server:
        server.port = int(server.wait_for_log(r"listening address=\S+ port=(\d+)")[1])
        assert server.post(an_event()).status == 200
        server.wait_for_log("INFO configuration reloaded changed=nothing")
        assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_is_asked_for_before_the_start_is_one(number: int, tmp_path: Path) -> None:
    with signalled_early(tmp_path, number) as server:
        assert server.wait() == 0
        server.wait_for_log("INFO stopped")


def test_a_second_request_before_the_start_ends_it_at_once(tmp_path: Path) -> None:
    with signalled_early(tmp_path, signal.SIGTERM, signal.SIGINT) as server:
        assert server.wait() == 1
        assert server.log == ""
