"""The watchdog is fed while the server lives: it works, or waits. It is not fed if the loop or the writer hangs."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import locked, locked_before_the_start
from tests.support.running import MORE_THAN_THERE_IS, Winlogd, an_event, running
from tests.support.service_manager import WatchdogTimer, watchdog_timer
from tests.support.stopped_threads import stopped, threads
from tests.support.wire import Wire, event_of

pytestmark = pytest.mark.long

WATCHDOG_S: Final = 0.2


@pytest.fixture
def timer(tmp_path: Path) -> Iterator[WatchdogTimer]:
    with watchdog_timer(str(tmp_path / "notify"), WATCHDOG_S) as started:
        yield started


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(round(WATCHDOG_S * 1_000_000))}


def test_a_server_that_has_nothing_to_do_is_fed(timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path) -> None:
    with running(tmp_path, environ=environ) as server:
        server.wait_until_open()
        assert timer.is_fed()


def test_a_server_that_waits_for_a_lock_is_fed(timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path) -> None:
    with running(tmp_path, environ=environ) as server, locked(server), Wire(server.port) as client:
        client.send(event_of(an_event()))
        server.wait_for_log("cannot be written for now")
        assert timer.is_fed()


def test_a_server_that_waits_for_a_lock_at_its_start_is_fed(
    timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path
) -> None:
    with locked_before_the_start(tmp_path), running(tmp_path, environ=environ) as server:
        server.wait_for_log("cannot be written for now")
        assert timer.is_fed()


def test_a_server_that_waits_for_a_full_disk_is_fed(
    timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, environ=environ | MORE_THAN_THERE_IS) as server, Wire(server.port) as client:
        server.wait_until_open()
        client.send(event_of(an_event()))
        server.wait_for_log("only .* MB are free on its disk")
        assert timer.is_fed()
        assert server.request("GET", "/health").status == 200


def test_a_server_that_was_paused_as_a_whole_is_fed_again(
    timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, environ=environ) as server:
        server.wait_until_open()
        assert timer.is_fed()
        server.process.send_signal(signal.SIGSTOP)
        assert timer.runs_out()
        server.process.send_signal(signal.SIGCONT)
        assert timer.is_fed()
        assert "hangs" not in server.log


def test_a_server_whose_event_loop_hangs_is_not_fed(
    timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, environ=environ) as server:
        server.wait_until_open()
        assert timer.is_fed()
        with stopped(threads(server.process.pid)[:1]):
            assert timer.runs_out()
        assert timer.is_fed()


@pytest.mark.parametrize("begin", [lambda _: None, lambda wire: wire.send(event_of(an_event()))])
def test_a_server_whose_writer_hangs_is_not_fed_though_its_loop_answers(
    begin: Callable[[Wire], None], timer: WatchdogTimer, environ: dict[str, str], tmp_path: Path
) -> None:
    """The writer hangs while it has nothing to do, or while an event comes."""
    with running(tmp_path, environ=environ) as server, Wire(server.port) as client:
        server.wait_until_open()
        assert timer.is_fed()
        with stopped(_all_but_the_loop(server)):
            begin(client)
            assert timer.runs_out()
            assert server.request("GET", "/health").status == 200
        server.wait_for_log("ERROR the writer of the database hangs")
        assert timer.is_fed()
        assert server.post(an_event(username="bob")).status == 200


def _all_but_the_loop(server: Winlogd) -> list[int]:
    """Return the writer's thread, and that of the log."""
    return threads(server.process.pid)[1:]
