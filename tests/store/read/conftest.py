"""Fixtures of the tests of a reader."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.asking import SITE, Asking, asking
from tests.support.random_days import Days
from tests.support.reading import reader_threads
from tests.support.running import PATIENCE_S
from tests.support.writing import Running, logons


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Running]:
    running = Running(path)
    running.store(*logons("alice"))
    yield running
    if running.writer._thread.is_alive():
        running.stop()


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    """Wait after each test: a thread that has reported its end may live for another moment."""
    yield
    for thread in reader_threads():
        thread.join(PATIENCE_S)


@pytest.fixture
def both() -> Iterator[Asking]:
    with asking(SITE) as (_, both):
        yield both


@pytest.fixture
def days(both: Asking) -> Days:
    return both.days
