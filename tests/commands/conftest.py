"""Fixtures of the commands' tests."""

from pathlib import Path

import pytest

from tests.support.forgotten import fill
from tests.support.small_site import make_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, and a database of two days."""
    return make_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with an archive of last year and events of today, of a person to forget and of two others."""
    return fill(tmp_path)
