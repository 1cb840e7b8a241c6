"""A running server notifies the service manager of its state at the right moments (sd_notify(3))."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.locks import locked_before_the_start
from tests.support.reloading import reload
from tests.support.running import an_event, running
from tests.support.service_manager import ServiceManager

pytestmark = pytest.mark.long


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceManager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@winlogd-{uuid.uuid4()}"
    with closing(ServiceManager(address)) as listening:
        yield listening


def test_the_service_manager_hears_of_start_and_stop(manager: ServiceManager, tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address}) as server:
        assert manager.told() == "READY=1"
        assert server.stop() == 0
        assert manager.told() == "STOPPING=1"
        assert manager.told_nothing()


def test_ready_is_told_only_when_the_database_is_open(manager: ServiceManager, tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": manager.address}
    with locked_before_the_start(tmp_path) as other, running(tmp_path, environ=environ) as server:
        server.wait_for_log("cannot be written for now")
        assert manager.told_nothing()
        other.execute("COMMIT")
        assert manager.told() == "READY=1"


def test_ready_is_never_told_of_a_database_that_cannot_be_used(manager: ServiceManager, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "winlog.db").write_text("no database" * 1000)
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address}) as server:
        assert server.wait() == 1
    assert manager.told() == "STOPPING=1"
    assert manager.told_nothing()


def test_the_watchdog_is_fed_for_as_long_as_the_loop_turns(manager: ServiceManager, tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000"}):
        messages = [manager.told() for _ in range(6)]
        while "READY=1" not in messages:  # a start may take more than five intervals of the watchdog
            messages.append(manager.told())
    assert sorted(messages) == ["READY=1"] + ["WATCHDOG=1"] * (len(messages) - 1)


def test_a_reload_is_told_with_its_begin_and_its_end(manager: ServiceManager, tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address}) as server:
        assert manager.told() == "READY=1"
        for settings in ("[limits]\nbody = 2000\n", "[limits\n"):  # one that fails has an end, too
            began_us = time.monotonic_ns() // 1000
            reload(server, settings)
            state, moment = manager.told().split("\n")
            assert state == "RELOADING=1"
            assert began_us <= int(moment.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
            assert manager.told() == "READY=1"
        assert manager.told_nothing()


def test_a_reload_before_the_database_is_open_is_not_told(manager: ServiceManager, tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": manager.address}
    with locked_before_the_start(tmp_path) as other, running(tmp_path, environ=environ) as server:
        reload(server, "[limits]\nbody = 2000\n")
        assert manager.told_nothing()
        other.execute("COMMIT")
        assert manager.told() == "READY=1"


def test_a_service_manager_that_is_gone_costs_a_line_and_no_service(tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")}) as server:
        server.wait_for_log("WARN the service manager cannot be notified")
        assert server.post(an_event()).status == 200
