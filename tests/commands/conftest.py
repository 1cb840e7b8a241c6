"""Fixtures of the commands' tests."""

from pathlib import Path

import pytest

from tests.support.small_site import make_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, and a database of two days."""
    return make_site(tmp_path_factory.mktemp("site"))
