"""Fixtures that every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Winlogd, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    """A running server with the default configuration and an empty database."""
    with running(tmp_path) as started:
        yield started
