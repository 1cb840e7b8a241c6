"""Fixtures of the tests of who may read."""

from collections.abc import Iterator

import pytest

from tests.access.place import Place, a_place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server with a reader of each scope."""
    with a_place(tmp_path_factory.mktemp("readers")) as made:
        yield made
