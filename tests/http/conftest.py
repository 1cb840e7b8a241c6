"""The server that tests of answers in pieces share."""

from collections.abc import Iterator

import pytest

from tests.http.streaming import Place, a_place


@pytest.fixture
def place() -> Iterator[Place]:
    """Start the server. At the end, assert that no handler has failed."""
    with a_place() as place:
        yield place
        assert place.failures == []
