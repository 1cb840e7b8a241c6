"""Fixtures that every room's tests share."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.piped import Pipe
from tests.support.running import Winlogd, running
from tests.support.wire import Wire
from winlogd.config import load

# A busy machine fails nothing, so there is no deadline. `steady` draws the same examples in every run. `random` draws
# others each time, and prints how to repeat one that fails.
settings.register_profile("steady", deadline=None, database=None, derandomize=True)
settings.register_profile("random", deadline=None, database=None, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_configure() -> None:
    """Let the processes that tests start end by Ctrl-C, and by the end of a terminal.

    What `nohup` or a script starts in the background ignores these signals, and so do its children. A handler of
    Python's is no part of what a child inherits: the child gets the system's default.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)  # pytest itself goes on


def pytest_report_header() -> list[str]:
    """Say what of this machine some tests would read."""
    is_there = os.path.lexists(load.SYSTEM_FILE)
    return [f"{load.SYSTEM_FILE} is there: commands without another configuration read it"] if is_there else []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory of the test. No file of this machine takes its place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(load, "SYSTEM_FILE", str(tmp_path / "etc" / "winlogd" / "config.toml"))
    return tmp_path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    """A running server with the default configuration and an empty database."""
    with running(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A running server that the tests of a file share: each of them uses users of its own."""
    with running(tmp_path_factory.mktemp("shared")) as started:
        started.wait_until_open()  # a test may look into the database before it has sent anything
        yield started


@pytest.fixture
def wire(shared_server: Winlogd) -> Iterator[Wire]:
    """A connection to the shared server."""
    with Wire(shared_server.port) as connected:
        yield connected


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe for a log; at the end the log's thread has ended, too."""
    pipe = Pipe()
    yield pipe
    pipe.close_reader()  # first, so that a log thread that is stuck in a write goes on
    for thread in threading.enumerate():
        if thread.name == "log":
            thread.join(20)
    pipe.close_writer()
