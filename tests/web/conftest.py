"""Fixtures for the pages: a browser for all tests of a file, and a page of a server."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.running import Winlogd
from tests.web.browsing import browsing, chromium
from tests.web.played import played

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A Chromium that the tests of a file share."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def school_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """A server of the played school, on a Tuesday at 10:15 UTC, that the tests of a file share."""
    with played(tmp_path_factory.mktemp("school")) as server:
        yield server


@pytest.fixture
def page(browser: "Browser", school_server: Winlogd) -> Iterator["Page"]:
    """A page in a new English profile. It must not complain, nor ask another host."""
    with browsing(browser, school_server.port) as opened:
        yield opened
